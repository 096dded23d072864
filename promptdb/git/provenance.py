"""Which commit gave each file the content that it has: one walk through the history for all of them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from promptdb.git.repository import Repository, path_of, text

LOG_FORMAT = "%x01%H%x00%an <%ae>%x00%ct"
_NAMED_PATHS = 200
"""Up to so many paths are named on git's command line; for more, all of the tree is read."""

_MAX_AUTHOR = 255


@dataclass(frozen=True)
class Commit:
    """`age` counts the commits in the history that are newer. Of the oldest of a shallow clone, who changed what is unknown."""

    id: str
    age: int
    author: str | None
    committed_at: datetime | None


def commit_from(commit_id: bytes, age: int, author: bytes, time: bytes, shallow: Collection[str]) -> Commit:
    """A commit as git prints it: name and address of the author, seconds since 1970."""
    if commit_id.decode() in shallow:
        return Commit(commit_id.decode(), age, None, None)
    return Commit(commit_id.decode(), age, text(author)[:_MAX_AUTHOR], datetime.fromtimestamp(int(time), UTC))


def last_commits(repository: Repository, tip: str, blobs: Mapping[str, str], prefix: str) -> dict[str, Commit]:
    """The newest commit in the history of `tip` that gave each path the blob that it has there.

    Comparing blobs keeps out commits of side branches whose change a merge dropped; of merges only those count that differ
    from all their parents. In a shallow clone the oldest commit stands for all before it: it has the content, too, but another
    may have brought it.

    Args:
        repository: where to read.
        tip: the commit that the files are in.
        blobs: each path, from the top, with the id of its blob.
        prefix: the folder that all of them are in.
    """
    if not blobs:
        return {}
    output = repository.run(
        "log",
        "-z",
        "--cc",
        "--raw",
        "--no-abbrev",
        "--no-renames",
        f"--format={LOG_FORMAT}",
        tip,
        "--",
        *named_paths(blobs, prefix),
    )
    found: dict[str, Commit] = {}
    for age, record in enumerate(output.split(b"\x01")[1:]):
        commit_id, author, rest = record.split(b"\0", 2)
        time, _, changes = rest.partition(b"\0")
        commit = commit_from(commit_id, age, author, time, repository.shallow)
        fields = changes.lstrip(b"\n\0").split(b"\0")
        for description, name in zip(fields[::2], fields[1::2], strict=False):
            path, blob = path_of(name), description.split()[-2].decode()
            if path not in found and blobs.get(path) == blob:
                found[path] = commit
        if len(found) == len(blobs):
            break
    return found


def named_paths(paths: Collection[str], prefix: str) -> list[str]:
    """For git's command line: the paths, or the folder that has them if they are many."""
    return list(paths) if len(paths) <= _NAMED_PATHS else [prefix]
