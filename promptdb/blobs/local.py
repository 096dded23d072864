"""Blobs as files in a folder."""

import errno
import hashlib
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from uuid import UUID, uuid4

from promptdb.blobs.store import OWNERS, Progress, blob_changed, blob_missing, owner_key, registries_in, wrong_bytes
from promptdb.domain.blob import CHUNK, Blob, StoredBlob, object_key
from promptdb.domain.digest import Digest, parse_digest
from promptdb.errors import IntegrityFailure, StorageError
from promptdb.safe_paths import contained, open_below, open_regular
from promptdb.streams import checked, stream_digest

_FSYNC_EACH = 32  # For more files, one sync of the whole system is faster than fsync of each.

_FOLDER, _STAGING = "sha256", "tmp"


class LocalBlobStore:
    """Writes to temporary files, makes them durable, renames them, and makes the names durable."""

    backend = "local"

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bucket = root.name
        self.place = str(root)

    def is_there(self) -> bool:
        return os.path.lexists(self.root)

    def put_all(self, blobs: Iterable[Blob], progress: Progress | None = None) -> None:
        staging = self.root / _STAGING
        moves: dict[str, str] = {}
        try:
            with _restated(f"write blobs below {self.root}"):
                staging.mkdir(parents=True, exist_ok=True)
                self._stage(blobs, f"{staging}/{os.getpid()}-{uuid4().hex}", moves, progress)
                self._publish(moves)
        finally:
            for staged in moves.values():
                Path(staged).unlink(missing_ok=True)

    def open(self, digest: Digest) -> BinaryIO:
        key = object_key(parse_digest(digest))
        with _restated(f"read the blob {digest}"):
            try:
                file = self._opened(digest, key)
            except FileNotFoundError as error:
                raise blob_missing(digest, str(self.root)) from error
        return checked(_Source(file, digest), digest, lambda: blob_changed(digest, str(self.root / key)))

    def _opened(self, digest: Digest, key: str) -> BinaryIO:
        try:
            return open_below(self.root, key)[0]
        except OSError as error:
            if error.errno not in (errno.ELOOP, errno.ENOTDIR):
                raise
            # A link inside the folder is followed. To find out takes longer than to read a blob.
            return open_regular(self._path(digest))[0]

    def get(self, digest: Digest) -> bytes:
        with self.open(digest) as stream:
            return stream.read()

    def size(self, digest: Digest) -> int | None:
        path = self._path(digest)
        with _restated(f"read the blob {digest}"):
            return path.stat().st_size if path.is_file() else None

    def list(self) -> Iterator[StoredBlob]:
        with _restated(f"list the blobs below {self.root}"):
            for folder in _entries(self.root / _FOLDER):
                for entry in _entries(folder.path) if folder.is_dir(follow_symlinks=False) else ():
                    yield from _stored(folder.name, entry)

    def delete(self, digests: Iterable[Digest]) -> None:
        for digest in digests:
            with _restated(f"delete the blob {digest}"):
                self._path(digest).unlink(missing_ok=True)

    def leftovers(self, before: datetime) -> int:
        return sum(1 for _ in self._leftovers(before))

    def discard_leftovers(self, before: datetime) -> None:
        with _restated(f"delete temporary files in {self.root / _STAGING}"):
            for entry in self._leftovers(before):
                Path(entry.path).unlink(missing_ok=True)

    def claim(self, registry: UUID, note: str) -> None:
        path = self.root / owner_key(registry)
        with _restated(f"write blobs below {self.root}"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(note, encoding="utf-8")

    def owners(self) -> frozenset[UUID]:
        return registries_in(entry.name for entry in _entries(self.root / OWNERS))

    def _path(self, digest: Digest) -> Path:
        return contained(self.root, object_key(parse_digest(digest)))

    def _leftovers(self, before: datetime) -> Iterator[os.DirEntry[str]]:
        for entry in _entries(self.root / _STAGING):
            with suppress(FileNotFoundError):  # it was finished meanwhile
                if entry.is_file(follow_symlinks=False) and _modified(entry.stat(follow_symlinks=False)) < before:
                    yield entry

    def _stage(
        self, blobs: Iterable[Blob], prefix: str, moves: dict[str, str], progress: Progress | None = None
    ) -> None:
        """Write missing and damaged blobs. `moves` maps each final path to its temporary file."""
        for number, blob in enumerate(blobs):
            final = f"{self.root}/{object_key(parse_digest(blob.digest))}"
            if final not in moves and not _holds(final, blob.digest):
                staged = f"{prefix}-{number}"
                with blob.open() as stream:
                    moves[final] = staged
                    _write(staged, stream, blob.digest)
            if progress is not None:
                progress(1)

    def _publish(self, moves: dict[str, str]) -> None:
        # The bytes become durable before the names do, so that a crash leaves only temporary files.
        folders = {os.path.dirname(final) for final in moves}  # noqa: PTH120
        for folder in folders:
            os.makedirs(folder, exist_ok=True)  # noqa: PTH103
        _make_durable(list(moves.values()))
        for final, staged in moves.items():
            os.replace(staged, final)  # noqa: PTH105
        _make_durable([*folders, str(self.root / _FOLDER), str(self.root)] if moves else [])
        moves.clear()


class _Source:
    """A file whose errors name the blob."""

    def __init__(self, file: BinaryIO, digest: Digest) -> None:
        self._file = file
        self._digest = digest

    def readinto(self, buffer: bytearray | memoryview, /) -> int:
        with _restated(f"read the blob {self._digest}"):
            return self._file.readinto(buffer)  # type: ignore[attr-defined,no-any-return]  # raw files have it

    def close(self) -> None:
        self._file.close()


@contextmanager
def _restated(action: str) -> Iterator[None]:
    """Raise errors of the operating system as errors of the store."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"cannot {action}: {error.strerror or error}") from error


def _holds(path: str, digest: Digest) -> bool:
    if not os.path.exists(path):  # noqa: PTH110  in a hot loop
        return False
    file, _ = open_regular(path)
    with file:
        return stream_digest(file) == digest


def _write(path: str, stream: BinaryIO, digest: Digest) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    found = hashlib.sha256()
    try:
        while data := stream.read(CHUNK):
            found.update(data)
            left = memoryview(data)
            while left:
                left = left[os.write(descriptor, left) :]
    finally:
        os.close(descriptor)
    if f"sha256:{found.hexdigest()}" != digest:
        raise wrong_bytes(digest)


def _entries(folder: str | Path) -> Iterator[os.DirEntry[str]]:
    """List a folder, which may be missing."""
    try:
        found = os.scandir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return
    with found:
        yield from found


def _stored(folder: str, entry: os.DirEntry[str]) -> Iterator[StoredBlob]:
    """Yield the blob in a file, if the file has the name and the folder of one."""
    with suppress(IntegrityFailure, FileNotFoundError):  # not a digest; or deleted meanwhile
        digest = parse_digest(f"{_FOLDER}:{entry.name}")
        if entry.name.startswith(folder) and len(folder) == 2 and entry.is_file(follow_symlinks=False):
            status = entry.stat(follow_symlinks=False)
            yield StoredBlob(digest, status.st_size, _modified(status))


def _modified(status: os.stat_result) -> datetime:
    return datetime.fromtimestamp(status.st_mtime, UTC)


def _make_durable(paths: list[str]) -> None:
    # POSIX lets sync() return before everything is written. On Linux it waits.
    if len(paths) > _FSYNC_EACH and sys.platform == "linux":
        os.sync()
        return
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
