"""Streams that check or compute the digest of their bytes."""

import hashlib
from collections.abc import Callable
from io import BufferedReader, RawIOBase
from typing import BinaryIO, Protocol, cast

from promptdb.domain.blob import CHUNK
from promptdb.domain.digest import Digest
from promptdb.errors import PromptDBError


class Readable(Protocol):
    def readinto(self, buffer: bytearray | memoryview, /) -> int | None: ...

    def close(self) -> None: ...


class _Checked(RawIOBase):
    def __init__(self, source: Readable, digest: Digest, changed: Callable[[], PromptDBError]) -> None:
        self._source = source
        self._digest = digest
        self._changed = changed
        self._sum = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # RawIOBase passes a memoryview
        count = self._source.readinto(buffer) or 0
        self._sum.update(memoryview(buffer)[:count])
        if count == 0 and len(buffer) and f"sha256:{self._sum.hexdigest()}" != self._digest:
            raise self._changed()
        return count

    def close(self) -> None:
        self._source.close()
        super().close()


def checked(source: Readable, digest: Digest, changed: Callable[[], PromptDBError]) -> BinaryIO:
    """Wrap a stream. At its end the wrapper raises an error if the bytes do not match the digest.

    Args:
        source: the stream, which is closed with the wrapper.
        digest: the expected digest.
        changed: makes the error.
    """
    return cast("BinaryIO", BufferedReader(_Checked(source, digest, changed), CHUNK))


def stream_digest(stream: BinaryIO) -> Digest:
    """Compute the digest of the remaining bytes."""
    found = hashlib.sha256()
    while data := stream.read(CHUNK):
        found.update(data)
    return Digest(f"sha256:{found.hexdigest()}")
