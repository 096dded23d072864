"""The commits on the first-parent line of a history that changed certain files, with their changes."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from promptdb.git.objects import Entry
from promptdb.git.provenance import GONE, Commit, read_log
from promptdb.git.repository import Repository


@dataclass(frozen=True)
class FolderChange:
    """The changes of a commit against its first parent: each path from the top with its new entry, or None if it is gone."""

    commit: Commit
    files: dict[str, Entry | None] = field(default_factory=dict)


def first_parents(repository: Repository, tip: str) -> list[str]:
    """List the ids of the commits from `tip` backwards, each one the first parent of the commit before it."""
    return repository.run("rev-list", "--first-parent", tip).decode().split()


def folder_history(
    repository: Repository, tip: str, pathspecs: Sequence[str], after: str | None = None
) -> Iterator[FolderChange]:
    """Yield the commits up to `tip` that changed files, oldest first. A merge counts as a change of its first parent.

    The repository must not be a shallow clone, whose oldest commit seems to add everything.
    """
    commits = f"{after}..{tip}" if after is not None else tip
    for commit, files in read_log(repository, "-m", "--first-parent", "--reverse", commits, "--", *pathspecs):
        changed = {file.path: Entry(file.mode, file.blob) if file.mode != GONE else None for file in files}
        yield FolderChange(commit, changed)


def exact_renames(repository: Repository, before: str, after: str) -> list[tuple[str, str]]:
    """List the old and new paths of files that moved between two commits without a change."""
    options = ("-r", "--find-renames=100%", "--diff-filter=R", "--name-status", "-z")
    fields = repository.run("diff-tree", *options, before, after).split(b"\0")
    return [(os.fsdecode(old), os.fsdecode(new)) for old, new in zip(fields[1::3], fields[2::3], strict=False)]


def commits_of(repository: Repository, tip: str, folder: str) -> int:
    """Count the commits up to `tip`, each one the first parent of the next, that changed a folder."""
    return int(repository.run("rev-list", "--first-parent", "--count", tip, "--", folder))
