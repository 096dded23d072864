"""Bytes on their way to a bucket and back: checks what goes up before the last of it is sent, and resumes what is cut."""

from concurrent.futures import CancelledError
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, BinaryIO, cast

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

from promptdb.blobs.s3.errors import storage_error
from promptdb.blobs.store import wrong_bytes
from promptdb.domain.blob import CHUNK, Blob
from promptdb.errors import StorageError
from promptdb.streams import Readable, checked

if TYPE_CHECKING:
    from promptdb.blobs.s3.bucket import Bucket

_ATTEMPTS = 5
"""To go on reading from one place."""


class CheckedUpload:
    """The bytes of a blob, the last of which are given out only if all of them have its digest and size.

    Args:
        blob: what is read.
        stream: of its bytes.
        stop: ends the upload once it is set.

    Raises:
        IntegrityFailure: the bytes are not those of the blob, which is empty. `read` raises it for all others.
    """

    def __init__(self, blob: Blob, stream: BinaryIO, stop: Event) -> None:
        self._wrong = partial(wrong_bytes, blob.digest)
        self._stream = checked(cast("Readable", stream), blob.digest, self._wrong)
        self._stop = stop
        self._left = blob.size
        if not blob.size:
            self._require_end()

    def read(self, size: int, /) -> bytes:
        if self._stop.is_set():
            raise CancelledError
        data = self._stream.read(min(size, self._left, CHUNK))
        self._left -= len(data)
        if not data:
            raise self._wrong()
        if self._left == 0:
            self._require_end()
        return data

    def _require_end(self) -> None:
        is_longer = False
        while self._stream.read(CHUNK):  # to its end, where the stream itself may report what is wrong
            is_longer = True
        if is_longer:
            raise self._wrong()


class ResumedDownload:
    """The bytes of an object. Where the connection is cut, asks for them from there on.

    Args:
        bucket: has the object.
        key: of the object.
        answer: from its beginning.
    """

    def __init__(self, bucket: "Bucket", key: str, answer: BaseHTTPResponse) -> None:
        self._bucket = bucket
        self._key = key
        self._answer = answer
        self._size = answer.length_remaining
        self._position = 0

    def readinto(self, buffer: bytearray | memoryview, /) -> int:
        """
        Raises:
            StorageError: the server failed, or the connection is cut again and again.
        """
        failed = 0
        while self._size is None or self._position < self._size:
            try:
                data = self._answer.read1(len(buffer), decode_content=False)
            except HTTPError as error:
                failed += 1
                if failed == _ATTEMPTS:
                    raise storage_error(error, self._bucket.address) from error
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
        answer = self._bucket.get(self._key, self._position)
        if answer is None:
            raise StorageError(f"{self._bucket.address} lost an object while it was read", "see: promptdb verify")
        self._answer = answer
