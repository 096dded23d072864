"""Streams to a bucket and back: checked uploads, and downloads that resume."""

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

_ATTEMPTS = 5  # at one position


class CheckedUpload:
    """The bytes of a blob. The last bytes are returned only if all match the digest and size.

    Args:
        blob: the blob to upload.
        stream: its bytes.
        stop: ends the upload once it is set.

    Raises:
        IntegrityFailure: the blob is empty, and the stream is not. For other blobs, `read` raises it.
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
        # To the end: the stream may have a better error of its own there.
        while self._stream.read(CHUNK):
            is_longer = True
        if is_longer:
            raise self._wrong()


class ResumedDownload:
    """The bytes of an object. After a cut connection, requests the rest.

    Args:
        bucket: of the object.
        key: of the object.
        answer: the response with all bytes.
    """

    def __init__(self, bucket: "Bucket", key: str, answer: BaseHTTPResponse) -> None:
        self._bucket = bucket
        self._key = key
        self._answer = answer
        self._size = answer.length_remaining
        self._position = 0

    def readinto(self, buffer: bytearray | memoryview, /) -> int:
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
