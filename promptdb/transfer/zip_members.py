"""Writes and reads entries of promptdb's zip files. Reading refuses unknown names and entries that are too large."""

import io
import stat
import struct
import zlib
from collections.abc import Iterator, Set
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, BinaryIO, cast
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from promptdb.domain.blob import CHUNK, Blob, digest_of_key, object_key
from promptdb.domain.digest import Digest
from promptdb.errors import IntegrityFailure, StorageError
from promptdb.streams import stream_digest
from promptdb.transfer.strict_json import AGAIN, VERIFY

VERSION_MEMBER = "bundle.json"
REGISTRY_MEMBER = "registry.json"
TABLE_MEMBER = "tables/{}.jsonl"

MAX_LINE = 64 * 1024 * 1024
"""The most bytes of one row. The files of a spec have at most one MiB each."""

_MAX_RATIO = 200
"""The highest ratio of an entry's size to its compressed size. Rows of a registry have a ratio of about ten."""

_ROOM = 1024 * 1024
"""Bytes that an entry may have whatever its ratio."""

_TIME = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_MODE = (stat.S_IFREG | 0o644) << 16


def new_member(name: str, size: int = 0, *, deflated: bool = False) -> ZipInfo:
    """Make an entry that depends only on its name and content. `size` is 0 if it is not known."""
    member = ZipInfo(name, _TIME)
    member.compress_type = ZIP_DEFLATED if deflated else ZIP_STORED
    member.create_system, member.external_attr, member.file_size = _UNIX, _MODE, size
    return member


def write_blob(archive: ZipFile, blob: Blob) -> None:
    """Write a blob.

    Raises:
        StorageError, IntegrityFailure: the blob is missing or damaged, or has another size than its row says.
    """
    # Uncompressed: most assets are compressed already, and a reader can trust the size of the entry.
    size = 0
    with blob.open() as source, archive.open(new_member(object_key(blob.digest), blob.size), "w") as target:
        while data := source.read(CHUNK):
            size += target.write(data)
    if size != blob.size:
        raise IntegrityFailure(f"the blob {blob.digest} has {size} bytes, and its row says {blob.size}", VERIFY)


class Zipped:
    """An open zip, with exactly the entries `names` and blobs. Their content is not checked yet."""

    # No entry is ever extracted to a path, so links and folders need no check.

    def __init__(self, file: Path, archive: ZipFile, names: frozenset[str]) -> None:
        self._file = file
        self._archive = archive
        self.entries: dict[str, ZipInfo] = {}
        self.blobs: dict[Digest, ZipInfo] = {}
        for entry in archive.infolist():
            digest = digest_of_key(entry.filename)
            if entry.filename in self.entries or digest in self.blobs:
                raise self.damaged(f"{entry.filename!r} is in it twice")
            if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
                raise self.damaged(f"{entry.filename!r} is compressed in a way that promptdb does not use")
            if entry.file_size > entry.compress_size * _MAX_RATIO + _ROOM:
                raise self.damaged(f"{entry.filename!r} would unpack to {entry.file_size:,} bytes")
            if digest is not None:
                self.blobs[digest] = entry
            elif entry.filename in names:
                self.entries[entry.filename] = entry
            else:
                raise self.damaged(f"it has an unknown entry {entry.filename[:100]!r}")
        for name in sorted(names - self.entries.keys()):
            raise self.damaged(f"it has no entry {name!r}")

    def read(self, name: str) -> bytes:
        """Read a whole entry.

        Raises:
            IntegrityFailure: the entry is damaged, or larger than a row may be.
        """
        with self._open(self.entries[name]) as stream:
            data = stream.read(MAX_LINE + 1)
        if len(data) > MAX_LINE:
            raise self.damaged(f"{name} is larger than {MAX_LINE // 2**20} MiB")
        return data

    def lines(self, name: str) -> Iterator[bytes]:
        """Read the lines of an entry, without their ends. Raises the errors of `read`."""
        with self._open(self.entries[name]) as stream:
            for number, line in enumerate(iter(partial(stream.readline, MAX_LINE + 1), b""), 1):
                if len(line) > MAX_LINE:
                    raise self.damaged(f"{name}:{number} is longer than {MAX_LINE // 2**20} MiB")
                if not line.endswith(b"\n"):
                    raise self.damaged(f"{name}:{number} is cut off")
                yield line[:-1]

    def blob(self, digest: Digest) -> Blob:
        entry = self.blobs[digest]
        return Blob(digest, entry.file_size, partial(self._open, entry))

    def check_blobs(self, expected: Set[tuple[Digest, int]]) -> None:
        """Compare the blobs with the digests and sizes that rows name.

        Raises:
            IntegrityFailure: a blob is missing or superfluous, or has another size or digest.
        """
        for digest, size in expected:
            if digest not in self.blobs or self.blobs[digest].file_size != size:
                raise self.damaged(f"the blob {digest} of {size} bytes is not in it")
        named = {digest for digest, _ in expected}
        for digest, entry in self.blobs.items():
            if digest not in named:
                raise self.damaged(f"no row names the blob {digest}")
            with self._open(entry) as stream:
                if stream_digest(stream) != digest:
                    raise self.damaged(f"{entry.filename} does not have the digest in its name")

    def damaged(self, what: str, hint: str | None = None) -> IntegrityFailure:
        return IntegrityFailure(f"{self._file}: {what}", hint or AGAIN)

    def _open(self, entry: ZipInfo) -> BinaryIO:
        with restated(self._file):
            stream = self._archive.open(entry)
        return cast("BinaryIO", io.BufferedReader(_Restated(stream, self._file)))


class _Restated(io.RawIOBase):
    """A stream whose errors name the file."""

    def __init__(self, stream: IO[bytes], file: Path) -> None:
        self._stream = stream
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what RawIOBase gives is a memoryview
        with restated(self._file):
            return self._stream.readinto(buffer)  # type: ignore[attr-defined,no-any-return]  # ZipExtFile has it

    def close(self) -> None:
        self._stream.close()
        super().close()


@contextmanager
def opened(file: Path, names: frozenset[str]) -> Iterator[Zipped]:
    """Open a zip with these entries and blobs.

    Raises:
        StorageError: the file cannot be read.
        IntegrityFailure: the file is not a zip, or has other entries.
    """
    with restated(file):
        archive = ZipFile(file)
    with archive:
        yield Zipped(file, archive, names)


@contextmanager
def restated(file: Path) -> Iterator[None]:
    """Turn the library's errors for a damaged or forged file into ours."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"cannot read {file}: {error.strerror or error}") from error
    # A forged entry makes zipfile raise almost anything, such as RuntimeError for an encrypted one.
    except (BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise IntegrityFailure(f"{file} is damaged, or not a zip: {error}", AGAIN) from error
