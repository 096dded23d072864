"""Blobs as files below one folder."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

from promptdb.blobs.store import Blob, object_key
from promptdb.containment import contained
from promptdb.domain.digest import Digest, digest_of, parse_digest
from promptdb.errors import IntegrityFailure, StorageError

_FSYNC_EACH = 32
"""Up to so many files are made durable one by one; for more, one sync of everything is faster."""


class LocalBlobStore:
    """Writes to temporary files, makes them durable, renames them, and makes the names durable."""

    backend = "local"

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bucket = root.name

    def put_all(self, blobs: Iterable[Blob]) -> None:
        staging = self.root / "tmp"
        moves: dict[str, str] = {}
        try:
            staging.mkdir(parents=True, exist_ok=True)
            self._stage(blobs, f"{staging}/{os.getpid()}-{uuid4().hex}", moves)
            self._publish(moves)
        except OSError as error:
            raise StorageError(f"cannot write blobs below {self.root}: {error.strerror or error}") from error
        finally:
            for staged in moves.values():
                Path(staged).unlink(missing_ok=True)

    def get(self, digest: Digest) -> bytes:
        try:
            data = self._path(digest).read_bytes()
        except FileNotFoundError as error:
            hint = "bring it back from a backup of that folder"
            raise StorageError(f"the blob {digest} is not in {self.root}", hint) from error
        except OSError as error:
            raise StorageError(f"cannot read the blob {digest}: {error.strerror}") from error
        if digest_of(data) != digest:
            raise IntegrityFailure(f"the blob {digest} was changed after it was stored", f"see {self._path(digest)}")
        return data

    def has(self, digest: Digest) -> bool:
        return self._path(digest).is_file()

    def _path(self, digest: Digest) -> Path:
        return contained(self.root, object_key(parse_digest(digest)))

    def _stage(self, blobs: Iterable[Blob], prefix: str, moves: dict[str, str]) -> None:
        """Write what is not there yet, or is damaged; `moves` maps each final path to its temporary file."""
        for number, blob in enumerate(blobs):
            final = f"{self.root}/{object_key(parse_digest(blob.digest))}"
            if final in moves or _holds(final, blob.digest):
                continue
            data = blob.read()
            if digest_of(data) != blob.digest:
                raise IntegrityFailure(f"the bytes for {blob.digest} have another digest", "was the file just edited?")
            staged = f"{prefix}-{number}"
            moves[final] = staged
            _write(staged, data)

    def _publish(self, moves: dict[str, str]) -> None:
        """First the bytes are durable, then the names: a crash leaves temporary files and nothing else."""
        folders = {os.path.dirname(final) for final in moves}  # noqa: PTH120
        for folder in folders:
            os.makedirs(folder, exist_ok=True)  # noqa: PTH103
        _make_durable(list(moves.values()))
        for final, staged in moves.items():
            os.replace(staged, final)  # noqa: PTH105
        _make_durable([*folders, str(self.root / "sha256"), str(self.root)] if moves else [])
        moves.clear()


def _holds(path: str, digest: Digest) -> bool:
    return os.path.exists(path) and digest_of(Path(path).read_bytes()) == digest  # noqa: PTH110  in a hot loop


def _write(path: str, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    finally:
        os.close(descriptor)


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
