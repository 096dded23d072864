"""A small disk that servers have their files on, and that a test fills up and gives room again."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

_CHUNK = 4096
_MIB = 256
"""What an empty cluster of PostgreSQL needs, or an S3 server that has nothing, with some room."""


@dataclass
class SmallDisk:
    """A file system in memory, mounted at `folder` for those processes only that are run with `prefix`."""

    folder: Path
    holder: "subprocess.Popen[str]"

    @property
    def prefix(self) -> tuple[str, ...]:
        return ("nsenter", f"--mount=/proc/{self.holder.pid}/ns/mnt", "--")

    def fill(self, left: int = 0) -> None:
        """Until so many KiB are left."""
        with self._ballast.open("wb", buffering=0) as ballast, suppress(OSError):
            while True:
                ballast.write(b"\0" * _CHUNK)
        os.truncate(self._ballast, max(0, self._ballast.stat().st_size - left * 1024))

    def make_room(self) -> None:
        self._ballast.unlink()

    @property
    def _ballast(self) -> Path:
        return Path("/proc", str(self.holder.pid), "root", *self.folder.parts[1:], "ballast")


@contextmanager
def _mounted(folder: Path) -> Iterator[SmallDisk | None]:
    """None where this user may not mount one. It is gone with the last process that was run on it."""
    folder.mkdir(parents=True, exist_ok=True)
    script = 'mount -t tmpfs -o size="$2"m promptdb "$1" && echo mounted && exec cat'
    command = ["unshare", "--mount", "--", "sh", "-c", script, "sh", str(folder), str(_MIB)]
    if not all(map(shutil.which, ("unshare", "nsenter", "mount"))):
        yield None
        return
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        yield SmallDisk(folder, holder) if holder.stdout.readline() == "mounted\n" else None
        with suppress(BrokenPipeError):
            holder.stdin.close()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """For a server whose folder is `server`: its `data` is there."""
    with _mounted(tmp_path / "server" / "data") as found:
        if found is None:
            pytest.skip("this user may not mount a small disk")
        yield found
