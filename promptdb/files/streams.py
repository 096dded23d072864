"""Files that are too large for memory: their digest in one pass, and their content with the line ends that git stores."""

import hashlib
from dataclasses import dataclass
from io import BufferedReader, RawIOBase
from typing import BinaryIO, cast

from promptdb.domain.digest import Digest

CHUNK = 1024 * 1024


@dataclass(frozen=True)
class Measured:
    """Facts from one pass over a stream. `crlfs` counts its CRLF line ends; git treats a file with a NUL as binary."""

    digest: Digest
    size: int
    crlfs: int
    has_nul: bool


@dataclass(frozen=True)
class StoredFile:
    """A file as git stores it, or would. `is_converted`: it has CRLF line ends in the tree, and LF in git."""

    digest: Digest
    size: int
    is_converted: bool = False


def measured(stream: BinaryIO) -> Measured:
    """Read the rest of a stream, and close it."""
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
    """Wrap a stream, so that it gives LF for each CRLF. Closing the result closes the stream."""
    return cast("BinaryIO", BufferedReader(_WithLf(stream), CHUNK))


class _WithLf(RawIOBase):
    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        # A CR at the end of a read waits here: the next byte decides whether it belongs to a CRLF.
        self._held = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # RawIOBase passes a memoryview
        while True:
            read = self._stream.read(len(buffer) - len(self._held) or 1)
            data = self._held + read
            self._held = b"\r" if read and data.endswith(b"\r") else b""
            given = data.removesuffix(self._held).replace(b"\r\n", b"\n")
            # An empty answer would mean the end of the stream.
            if given or not read:
                buffer[: len(given)] = given
                return len(given)

    def close(self) -> None:
        self._stream.close()
        super().close()
