"""The prompts root and what lies around it: what to observe, what to pass over, and the state of it all."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from promptdb.git.folder import GitFolder, git_folder
from promptdb.watch.hints import WatchedFolder
from promptdb.watch.snapshot import Snapshot, snapshot


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
        return snapshot(self.root, self.git(), self.skipped(), self.database, time.time())
