"""Places that snapshots are read from and published to: a file, an address of the web, or an object in S3."""

import os
import stat
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from promptdb.domain.snapshot.reader import ReadAt, Snapshot, bytes_reader
from promptdb.errors import ConfigError, StorageError
from promptdb.settings import AppSettings

EXAMPLES = "name a file, an https:// address, or s3://BUCKET/KEY"

Mark = tuple[Any, ...]
"""The state of a place. Equal marks mean equal bytes."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A snapshot, not read yet, and the mark of its state: None if it has none. `open` raises the errors of `Snapshot`."""

    open: Callable[[], Snapshot]
    mark: Mark | None


class SnapshotPlace(Protocol):
    """A place with a snapshot, which others may replace."""

    name: str
    """For messages, without keys and signatures."""

    def fetch(self, known: Mark | None) -> Fetched | None:
        """Fetch the snapshot. Return None if its state is still the known one.

        Raises:
            StorageError: the place cannot be reached, or has no snapshot.
        """
        ...

    def has_changed(self, known: Mark | None) -> bool:
        """Check for another state where that costs next to nothing. False everywhere else."""
        ...

    def after_fork(self) -> None:
        """Replace connections in a forked child."""
        ...

    def close(self) -> None:
        """Release connections."""
        ...


def snapshot_place(text: str, settings: AppSettings, folder: Path | None = None) -> SnapshotPlace:
    """Find the place that a path or an address names. Paths are relative to `folder`, by default `settings.base`.

    Raises:
        ConfigError: the address is wrong, or settings of the S3 server are missing.
    """
    scheme = text.partition("://")[0].lower() if "://" in text else ""
    if scheme in ("s3", "https", "http"):
        from promptdb.transfer.snapshot_remote import in_s3, on_web

        return in_s3(text, settings) if scheme == "s3" else on_web(text)
    if scheme:
        raise ConfigError(f"snapshots cannot be read from {scheme}:// addresses", EXAMPLES)
    return SnapshotFile((folder or settings.base) / text)


def snapshot_at(text: str, settings: AppSettings, folder: Path) -> Snapshot:
    """Open the snapshot at a place, and check its signature if a key is set.

    Arguments and errors as in `snapshot_place`, `SnapshotPlace.fetch`, `Snapshot` and `PublicKey`.
    """
    with closing(snapshot_place(text, settings, folder)) as place:
        fetched = place.fetch(None)
        assert fetched is not None  # noqa: S101  # only a known state gives none
        snapshot = fetched.open()
    if settings.snapshot_key is not None:
        # Only signatures need it.
        from promptdb.transfer.snapshot_keys import PublicKey

        PublicKey.of(settings.base / settings.snapshot_key).require_signature(snapshot)
    return snapshot


class SnapshotFile:
    """A file. Reads from it only what is asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = str(path)

    def fetch(self, known: Mark | None) -> Fetched | None:
        try:
            before = self._path.stat()
            if not stat.S_ISREG(before.st_mode):  # a pipe would wait for its writer
                raise StorageError(f"{self.name} is not a file", EXAMPLES)
            if _file_mark(before) == known:
                return None
            read, status = _opened(self._path)
        except OSError as error:
            hint = "'promptdb snapshot -o FILE' writes one; check PROMPTDB_SNAPSHOT"
            raise StorageError(f"cannot read the snapshot {self.name}: {error.strerror}", hint) from error
        return Fetched(lambda: Snapshot(read, status.st_size, self.name), _file_mark(status))

    def has_changed(self, known: Mark | None) -> bool:
        try:
            return _file_mark(self._path.stat()) != known
        except OSError:
            return True  # `fetch` says why

    def after_fork(self) -> None:
        pass

    def close(self) -> None:
        pass


def _file_mark(status: os.stat_result) -> Mark:
    # The time alone would miss an older file that was put in place.
    return (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)


def _opened(path: Path) -> tuple[ReadAt, os.stat_result]:
    if hasattr(os, "pread"):
        file = _OpenFile(path)
        return file.read, os.fstat(file.descriptor)
    data = path.read_bytes()  # on Windows, where no one could replace an open file
    return bytes_reader(data), path.stat()


class _OpenFile:
    """A file that is closed when its last reader is gone: a lookup may still read one that was replaced.

    Not mapped into memory: someone who overwrites a mapped file with a shorter one kills the process.
    """

    def __init__(self, path: Path) -> None:
        self.descriptor = os.open(path, os.O_RDONLY)

    def read(self, start: int, count: int) -> bytes:
        try:
            return os.pread(self.descriptor, count, start)
        except OSError as error:
            raise StorageError(f"cannot read the snapshot: {error.strerror}") from error

    def __del__(self) -> None:
        if hasattr(self, "descriptor"):
            os.close(self.descriptor)
