"""Blobs as files below one folder."""

import hashlib
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from uuid import UUID, uuid4

from promptdb.blobs.store import OWNERS, Progress, blob_changed, blob_missing, owner_key, wrong_bytes
from promptdb.domain.blob import CHUNK, Blob, StoredBlob, object_key
from promptdb.domain.digest import Digest, parse_digest
from promptdb.errors import IntegrityFailure, StorageError
from promptdb.safe_paths import contained, open_regular
from promptdb.streams import checked, stream_digest

_FSYNC_EACH = 32
"""Up to so many files are made durable one by one; for more, one sync of everything is faster."""

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
            staging.mkdir(parents=True, exist_ok=True)
            self._stage(blobs, f"{staging}/{os.getpid()}-{uuid4().hex}", moves, progress)
            self._publish(moves)
        except OSError as error:
            raise self._not_written(error) from error
        finally:
            for staged in moves.values():
                Path(staged).unlink(missing_ok=True)

    def open(self, digest: Digest) -> BinaryIO:
        path = self._path(digest)
        try:
            file, _ = open_regular(path)
        except FileNotFoundError as error:
            raise blob_missing(digest, str(self.root)) from error
        except OSError as error:
            raise StorageError(f"cannot read the blob {digest}: {error.strerror}") from error
        return checked(_Source(file, digest), digest, lambda: blob_changed(digest, str(path)))

    def get(self, digest: Digest) -> bytes:
        with self.open(digest) as stream:
            return stream.read()

    def size(self, digest: Digest) -> int | None:
        path = self._path(digest)
        try:
            return path.stat().st_size if path.is_file() else None
        except OSError as error:
            raise StorageError(f"cannot read the blob {digest}: {error.strerror}") from error

    def list(self) -> Iterator[StoredBlob]:
        try:
            for folder in _entries(self.root / _FOLDER):
                for entry in _entries(folder.path) if folder.is_dir(follow_symlinks=False) else ():
                    yield from _stored(folder.name, entry)
        except OSError as error:
            raise StorageError(f"cannot read {error.filename or self.root}: {error.strerror}") from error

    def delete(self, digests: Iterable[Digest]) -> None:
        for digest in digests:
            try:
                self._path(digest).unlink(missing_ok=True)
            except OSError as error:
                raise StorageError(f"cannot delete the blob {digest}: {error.strerror}") from error

    def leftovers(self, before: datetime) -> int:
        return sum(1 for _ in self._leftovers(before))

    def discard_leftovers(self, before: datetime) -> None:
        try:
            for entry in self._leftovers(before):
                Path(entry.path).unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"cannot delete {error.filename}: {error.strerror}") from error

    def claim(self, registry: UUID, note: str) -> None:
        path = self.root / owner_key(registry)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(note, encoding="utf-8")
        except OSError as error:
            raise self._not_written(error) from error

    def owners(self) -> frozenset[UUID]:
        found = set()
        for entry in _entries(self.root / OWNERS):
            with suppress(ValueError):
                found.add(UUID(entry.name))
        return frozenset(found)

    def _path(self, digest: Digest) -> Path:
        return contained(self.root, object_key(parse_digest(digest)))

    def _not_written(self, error: OSError) -> StorageError:
        return StorageError(f"cannot write blobs below {self.root}: {error.strerror or error}")

    def _leftovers(self, before: datetime) -> Iterator[os.DirEntry[str]]:
        for entry in _entries(self.root / _STAGING):
            with suppress(FileNotFoundError):  # it was finished
                if entry.is_file(follow_symlinks=False) and _modified(entry.stat(follow_symlinks=False)) < before:
                    yield entry

    def _stage(
        self, blobs: Iterable[Blob], prefix: str, moves: dict[str, str], progress: Progress | None = None
    ) -> None:
        """Write what is not there yet, or is damaged; `moves` maps each final path to its temporary file."""
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
        """First the bytes are durable, then the names: a crash leaves temporary files and nothing else."""
        folders = {os.path.dirname(final) for final in moves}  # noqa: PTH120
        for folder in folders:
            os.makedirs(folder, exist_ok=True)  # noqa: PTH103
        _make_durable(list(moves.values()))
        for final, staged in moves.items():
            os.replace(staged, final)  # noqa: PTH105
        _make_durable([*folders, str(self.root / _FOLDER), str(self.root)] if moves else [])
        moves.clear()


class _Source:
    """A file whose failures are told as those of a blob."""

    def __init__(self, file: BinaryIO, digest: Digest) -> None:
        self._file = file
        self._digest = digest

    def readinto(self, buffer: bytearray | memoryview, /) -> int:
        try:
            return self._file.readinto(buffer)  # type: ignore[attr-defined,no-any-return]  # raw files have it
        except OSError as error:
            raise StorageError(f"cannot read the blob {self._digest}: {error.strerror}") from error

    def close(self) -> None:
        self._file.close()


def _holds(path: str, digest: Digest) -> bool:
    if not os.path.exists(path):  # noqa: PTH110  in a hot loop
        return False
    file, _ = open_regular(path)
    with file:
        return stream_digest(file) == digest


def _write(path: str, stream: BinaryIO, digest: Digest) -> None:
    """
    Raises:
        IntegrityFailure: the bytes have another digest.
    """
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
    """What is in a folder; nothing where there is none."""
    try:
        found = os.scandir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return
    with found:
        yield from found


def _stored(folder: str, entry: os.DirEntry[str]) -> Iterator[StoredBlob]:
    """A file as a blob, if it has the name and the place of one."""
    with suppress(IntegrityFailure, FileNotFoundError):  # it was deleted meanwhile
        digest = parse_digest(f"{_FOLDER}:{entry.name}")
        if entry.name.startswith(folder) and len(folder) == 2 and entry.is_file(follow_symlinks=False):
            status = entry.stat(follow_symlinks=False)
            yield StoredBlob(digest, status.st_size, _modified(status))


def _modified(status: os.stat_result) -> datetime:
    return datetime.fromtimestamp(status.st_mtime, UTC)


def _make_durable(paths: list[str]) -> None:
    if len(paths) > _FSYNC_EACH and sys.platform == "linux":  # elsewhere it may return before all is written (POSIX)
        os.sync()
        return
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
