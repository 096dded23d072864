"""Bytes on their way to a bucket and back: what goes up is checked before the last of it is sent, what is cut is resumed."""

import hashlib
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

from promptdb.blobs.s3_address import S3Address
from promptdb.blobs.s3_errors import storage_error
from promptdb.blobs.store import CHUNK, Blob, wrong_bytes
from promptdb.domain.digest import digest_of
from promptdb.errors import StorageError

if TYPE_CHECKING:
    from promptdb.blobs.s3_bucket import Bucket

_ATTEMPTS = 5
"""To go on reading from one place."""


def read_whole(blob: Blob, stream: BinaryIO) -> bytes:
    """
    Raises:
        IntegrityFailure: the bytes are not those of the digest.
        StorageError: they cannot be read.
    """
    data = b"".join(iter(lambda: _read(stream, CHUNK, blob), b""))
    if len(data) != blob.size or digest_of(data) != blob.digest:
        raise wrong_bytes(blob.digest)
    return data


class CheckedUpload:
    """The bytes of a blob, the last of which are given out only if all of them have its digest and size.

    Args:
        blob: what is read; it is not empty.
        stream: of its bytes; stays open.
        proceed: is asked before each read, and raises where the work is given up.
    """

    def __init__(self, blob: Blob, stream: BinaryIO, proceed: Callable[[], None]) -> None:
        self._blob = blob
        self._stream = stream
        self._proceed = proceed
        self._left = blob.size
        self._sum = hashlib.sha256()

    def read(self, size: int, /) -> bytes:
        """Errors as in `read_whole`."""
        self._proceed()
        data = _read(self._stream, min(size, self._left, CHUNK), self._blob)
        self._left -= len(data)
        self._sum.update(data)
        if not data and self._left:
            raise wrong_bytes(self._blob.digest)
        if self._left == 0:
            has_more = False
            while _read(self._stream, CHUNK, self._blob):  # to its end, where the stream itself may tell what is wrong
                has_more = True
            if has_more or f"sha256:{self._sum.hexdigest()}" != self._blob.digest:
                raise wrong_bytes(self._blob.digest)
        return data


class ResumedDownload:
    """The bytes of an object. Where the connection is cut, they are asked for from there on. `size` is None if it is unknown.

    Args:
        address: of the bucket, for messages.
        ask: gives the answer that begins at an offset; None if there is no such object any more.
        first: the answer from the beginning.
    """

    def __init__(
        self, address: S3Address, ask: Callable[[int], BaseHTTPResponse | None], first: BaseHTTPResponse
    ) -> None:
        self._address = address
        self._ask = ask
        self._answer = first
        self.size = first.length_remaining
        self._position = 0

    def readinto(self, buffer: bytearray | memoryview, /) -> int:
        """
        Raises:
            StorageError: the server failed, or the connection is cut again and again.
        """
        failed = 0
        while self.size is None or self._position < self.size:
            try:
                data = self._answer.read1(len(buffer), decode_content=False)
            except HTTPError as error:
                failed += 1
                if failed == _ATTEMPTS:
                    raise storage_error(error, self._address) from error
                self._resume()
                continue
            buffer[: len(data)] = data
            self._position += len(data)
            return len(data)
        return 0

    def close(self) -> None:
        self._answer.close()

    def _resume(self) -> None:
        self._answer.close()
        answer = self._ask(self._position)
        if answer is None:
            raise StorageError(f"{self._address} lost an object while it was read", "see: promptdb verify")
        self._answer = answer


def download(bucket: "Bucket", key: str) -> ResumedDownload | None:
    """None if there is no such object."""
    answer = bucket.get(key)
    return ResumedDownload(bucket.address, partial(bucket.get, key), answer) if answer is not None else None


def _read(stream: BinaryIO, size: int, blob: Blob) -> bytes:
    try:
        return stream.read(size)
    except OSError as error:
        raise StorageError(f"cannot read the bytes for {blob.digest}: {error.strerror or error}") from error
