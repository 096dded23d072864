"""A cheap answer to whether anything changed since the last look, for changes that no event told."""

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from promptdb.git.folder import GitFolder

SETTLED = 2.5
"""Seconds. What was written so shortly before may have been written again with the same times: file systems count time in
steps, some of two seconds."""


@dataclass(frozen=True)
class Snapshot:
    """`newest` is when the last of the files changed, `taken` when they were looked at: seconds since the epoch."""

    digest: bytes
    newest: float
    taken: float

    @property
    def is_settled(self) -> bool:
        """Whether a later change must show in the digest."""
        return self.taken - self.newest > SETTLED


def snapshot(root: Path, git: GitFolder | None, skipped: Collection[str], database: Path, taken: float) -> Snapshot:
    """Names, sizes and times of all files below a prompts root and of those that say where git is.

    Args:
        root: the prompts root.
        git: the repository around it.
        skipped: real paths that are no part of it, though they may lie inside.
        database: a file that must stay the same one, whatever is written to it.
        taken: the time, taken before any file is looked at.
    """
    digest, newest = blake2b(digest_size=16), 0.0
    for path, status in [*_below(os.path.realpath(root), skipped), *_of_git(root, git)]:
        fields = f"\0{status.st_ino}\0{status.st_mode}\0{status.st_size}\0{status.st_mtime_ns}\0{status.st_ctime_ns}\n"
        digest.update(os.fsencode(path) + fields.encode())
        newest = max(newest, status.st_ctime)
    digest.update(repr(identity(database)).encode())
    return Snapshot(digest.digest(), newest, taken)


def identity(path: Path) -> tuple[int, int] | None:
    """Which file or folder it is, whatever happens to its content; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _below(folder: str, skipped: Collection[str]) -> Iterator[tuple[str, os.stat_result]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.path in skipped:
            continue
        try:
            yield entry.path, entry.stat(follow_symlinks=False)
        except OSError:  # it is gone
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _below(entry.path, skipped)


def _of_git(root: Path, git: GitFolder | None) -> Iterator[tuple[str, os.stat_result]]:
    if git is None:
        return
    real = root.resolve()
    rules = [folder / ".gitignore" for folder in real.parents if folder.is_relative_to(git.top)]
    files = [git.own / "HEAD", git.own / "index", git.own / "logs" / "HEAD", git.branch_file]
    for file in [*files, git.common / "packed-refs", git.common / "info" / "exclude", *rules]:
        try:
            if file is not None:
                yield str(file), file.stat()
        except OSError:
            continue
