"""The prompts root and its surroundings: the folders to observe, and a cheap check for changes without events."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from promptdb.domain.layout import PLAIN, Layout
from promptdb.git.folder import GitFolder, git_folder
from promptdb.watch.hints import WatchedFolder

SETTLED = 2.5
"""Seconds after which a second write to a file changes its times. Some file systems count time in steps of two seconds."""


@dataclass(frozen=True)
class Snapshot:
    """`newest` is the last change of any file, `taken` the time of the snapshot. Both are seconds since the epoch."""

    digest: bytes
    newest: float
    taken: float

    @property
    def is_settled(self) -> bool:
        """True if every later change changes the digest."""
        return self.taken - self.newest > SETTLED


@dataclass(frozen=True)
class Ground:
    """The prompts root and our own store, which may be below the root and changes with each sync.

    Of several roots, `root` is the folder around them.
    """

    root: Path
    database: Path
    blobs: Path
    layout: Layout = PLAIN

    def git(self) -> GitFolder | None:
        """Find the repository around the root. It may come and go."""
        return git_folder(self.root)

    def places(self) -> tuple[WatchedFolder, ...]:
        """List the root, and the folders of git that change with HEAD and the index."""
        found, git = [WatchedFolder(self.root.resolve(), recursive=True)], self.git()
        if not self.layout.is_plain:
            folders = {self.root.joinpath(*root.literal).resolve() for root in self.layout.roots}
            inner = {folder for folder in folders if not folders.isdisjoint(folder.parents)}
            found = [WatchedFolder(folder, recursive=True) for folder in sorted(folders - inner) if folder.is_dir()]
            # The ignore file and the declared aliases.
            found += [WatchedFolder(self.root.resolve())] if self.root.resolve() not in folders else []
        if git is not None:
            found += [WatchedFolder(folder.resolve()) for folder in (git.own, git.own / "logs") if folder.is_dir()]
        return tuple(found)

    def skipped(self) -> set[str]:
        """List the real paths inside the root that are not prompts: our own store and the folder of git."""
        git, database = self.git(), os.path.realpath(self.database)
        store = {os.path.realpath(self.blobs), *(database + suffix for suffix in ("", "-wal", "-shm", "-journal"))}
        return store | ({str(git.top / ".git")} if git is not None else set())

    def snapshot(self) -> Snapshot:
        """Digest the names, sizes and times of all files below the root, and of git's files about HEAD and the index."""
        # The time comes first, so that a change during the walk is newer.
        taken, newest, digest = time.time(), 0.0, blake2b(digest_size=16)
        root = os.path.realpath(self.root)
        for path, status in [*_below(root, self.skipped(), self._concerns(root)), *self._of_git()]:
            times = f"{status.st_mtime_ns}\0{status.st_ctime_ns}"
            fields = f"\0{status.st_ino}\0{status.st_mode}\0{status.st_size}\0{times}\n"
            digest.update(os.fsencode(path) + fields.encode())
            newest = max(newest, status.st_ctime)
        # The database counts as changed if it is another file, not if something was written to it.
        digest.update(repr(identity(self.database)).encode())
        return Snapshot(digest.digest(), newest, taken)

    def _concerns(self, root: str) -> Callable[[str], bool] | None:
        if self.layout.is_plain:
            return None
        layout = self.layout

        def concerns(whole: str) -> bool:
            path = whole[len(root) + 1 :]
            folder, _, name = path.rpartition("/")
            return (
                layout.has(path)
                or layout.leads(path)
                or (name == ".gitignore" and (not folder or layout.leads(folder)))
            )

        return concerns

    def _of_git(self) -> Iterator[tuple[str, os.stat_result]]:
        git = self.git()
        if git is None:
            return
        rules = [folder / ".gitignore" for folder in self.root.resolve().parents if folder.is_relative_to(git.top)]
        files = [git.own / "HEAD", git.own / "index", git.own / "logs" / "HEAD", git.branch_file]
        for file in [*files, git.common / "packed-refs", git.common / "info" / "exclude", *rules]:
            try:
                if file is not None:
                    yield str(file), file.stat()
            except OSError:
                continue


def identity(path: Path) -> tuple[int, int] | None:
    """Identify a file or folder independently of its content. Return None if it does not exist."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _below(
    folder: str, skipped: set[str], concerns: Callable[[str], bool] | None
) -> Iterator[tuple[str, os.stat_result]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.path in skipped or (concerns is not None and not concerns(entry.path)):
            continue
        try:
            yield entry.path, entry.stat(follow_symlinks=False)
        except OSError:
            # Removed since the folder was listed.
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _below(entry.path, skipped, concerns)
