"""The prompts root and what lies around it: what to observe, what to pass over, and the state of it all.

The state is a cheap answer to whether anything changed since the last look, for changes that no event told.
"""

import os
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from promptdb.git.folder import GitFolder, git_folder
from promptdb.watch.hints import WatchedFolder

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


@dataclass(frozen=True)
class Ground:
    """`database` and `blobs` are our own store, which may lie below the root and changes with each sync."""

    root: Path
    database: Path
    blobs: Path

    def git(self) -> GitFolder | None:
        """Asked for each time: a repository may come and go."""
        return git_folder(self.root)

    def places(self) -> tuple[WatchedFolder, ...]:
        """The root, and the folders of git that change with HEAD and the index."""
        found, git = [WatchedFolder(self.root.resolve(), recursive=True)], self.git()
        if git is not None:
            found += [WatchedFolder(folder.resolve()) for folder in (git.own, git.own / "logs") if folder.is_dir()]
        return tuple(found)

    def skipped(self) -> set[str]:
        git, database = self.git(), os.path.realpath(self.database)
        store = {os.path.realpath(self.blobs), *(database + suffix for suffix in ("", "-wal", "-shm", "-journal"))}
        return store | ({str(git.top / ".git")} if git is not None else set())

    def snapshot(self) -> Snapshot:
        """Take names, sizes and times of all files below the root and of those that say where git is.

        Which file the database is counts, whatever is written to it.
        """
        taken, digest, newest = time.time(), blake2b(digest_size=16), 0.0
        for path, status in [*_below(os.path.realpath(self.root), self.skipped()), *_of_git(self.root, self.git())]:
            times = f"{status.st_mtime_ns}\0{status.st_ctime_ns}"
            fields = f"\0{status.st_ino}\0{status.st_mode}\0{status.st_size}\0{times}\n"
            digest.update(os.fsencode(path) + fields.encode())
            newest = max(newest, status.st_ctime)
        digest.update(repr(identity(self.database)).encode())
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
