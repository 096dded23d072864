"""The commits that gave files their content, found in one walk through the history."""

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from promptdb.git.repository import Repository, text

_NAMED_PATHS = 200
"""The most paths on git's command line. For more paths, git reads the whole tree of prompts."""

_MAX_AUTHOR = 255

GONE = "000000"
"""The mode of a removed file."""


@dataclass(frozen=True)
class Commit:
    """A commit. `age` is its place in the log that was read. The author of a shallow clone's oldest commit is unknown."""

    id: str
    age: int
    author: str | None
    committed_at: datetime | None


@dataclass(frozen=True)
class LoggedFile:
    """A file in the log of a commit: its path from the top, and its mode and blob after the commit."""

    path: str
    mode: str
    blob: str


def read_log(repository: Repository, *options: str) -> Iterator[tuple[Commit, list[LoggedFile]]]:
    """Run `git log` and yield each commit with the files that it changed, in git's order."""
    command = ("log", "-z", "--raw", "--no-abbrev", "--no-renames", "--format=%x01%H%x00%an <%ae>%x00%ct", *options)
    for age, record in enumerate(repository.run(*command, literal=False).split(b"\x01")[1:]):
        name, author, rest = record.split(b"\0", 2)
        time, _, changes = rest.partition(b"\0")
        commit = Commit(name.decode(), age, text(author)[:_MAX_AUTHOR], datetime.fromtimestamp(int(time), UTC))
        if commit.id in repository.shallow:
            commit = Commit(commit.id, age, None, None)
        fields = changes.lstrip(b"\n\0").split(b"\0")
        files = []
        for description, path in zip(fields[::2], fields[1::2], strict=False):
            # The modes and blobs of all parents, then those of the commit: ":MODE... MODE BLOB... BLOB STATUS".
            words = description.decode().split()
            files.append(LoggedFile(os.fsdecode(path), words[len(words) // 2 - 1], words[-2]))
        yield commit, files


def last_commits(
    repository: Repository,
    tip: str,
    blobs: Mapping[str, str],
    pathspecs: Sequence[str],
    group: Callable[[str], str | None] | None = None,
) -> dict[str, Commit]:
    """Find the newest commit in the history of `tip` that gave each path its present blob.

    `pathspecs` stand for the paths on git's command line if these are too many. At the end of a shallow clone, the oldest
    commit stands for all earlier ones. A removed file counts for the name that `group` gives its path, if it gives one.
    """
    found: dict[str, Commit] = {}
    removed: dict[str, Commit] = {}
    if not blobs:
        return found
    # Comparing blobs excludes commits of side branches whose change a merge dropped. With --cc, a merge counts only if it
    # differs from all its parents.
    named = [] if group is not None else [f":(literal){path}" for path in named_paths(blobs)]
    for commit, files in read_log(repository, "--cc", tip, "--", *named or pathspecs):
        for file in files:
            if blobs.get(file.path) == file.blob:
                found.setdefault(file.path, commit)
            elif group is not None and file.mode == GONE and (name := group(file.path)) is not None:
                removed.setdefault(name, commit)
        # Removals before the last of these commits do not matter.
        if len(found) == len(blobs):
            break
    return found | removed


def named_paths(paths: Collection[str]) -> list[str]:
    """List the paths for git's command line, or none if they are too many."""
    return list(paths) if len(paths) <= _NAMED_PATHS else []
