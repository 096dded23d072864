"""Files that are too large for memory: measured in one pass, and with the line ends that git stores."""

import hashlib
from dataclasses import dataclass
from io import BufferedReader, RawIOBase
from typing import BinaryIO, cast

from promptdb.domain.digest import Digest

CHUNK = 1024 * 1024


@dataclass(frozen=True)
class Measured:
    """What one pass over a stream finds. `crlfs` counts its CRLF line ends; with `has_nul` git takes it for no text."""

    digest: Digest
    size: int
    crlfs: int
    has_nul: bool

    @property
    def size_with_lf(self) -> int:
        return self.size - self.crlfs


@dataclass(frozen=True)
class StoredFile:
    """A file as git stores it, or would. `is_converted`: it has CRLF line ends where it lies, and LF there."""

    digest: Digest
    size: int
    is_converted: bool = False


def measured(stream: BinaryIO) -> Measured:
    """Read what is left in a stream, and close it."""
    found, size, crlfs, has_nul, last = hashlib.sha256(), 0, 0, False, b""
    with stream:
        while data := stream.read(CHUNK):
            found.update(data)
            size += len(data)
            crlfs += data.count(b"\r\n") + (last == b"\r" and data.startswith(b"\n"))
            has_nul = has_nul or b"\0" in data
            last = data[-1:]
    return Measured(Digest(f"sha256:{found.hexdigest()}"), size, crlfs, has_nul)


def with_lf(stream: BinaryIO) -> BinaryIO:
    """The same with LF in place of each CRLF. Closing it closes the stream."""
    return cast("BinaryIO", BufferedReader(_WithLf(stream), CHUNK))


class _WithLf(RawIOBase):
    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._held = b""
        """A CR at the end of what was read, of which the next byte decides."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what RawIOBase gives is a memoryview
        while True:
            read = self._stream.read(len(buffer) - len(self._held) or 1)
            data = self._held + read
            self._held = b"\r" if read and data.endswith(b"\r") else b""
            given = data.removesuffix(self._held).replace(b"\r\n", b"\n")
            if given or not read:
                buffer[: len(given)] = given
                return len(given)

    def close(self) -> None:
        self._stream.close()
        super().close()
