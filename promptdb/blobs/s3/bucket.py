"""One bucket, through the `minio` client.

The import takes a fifth of a second. The store imports this module when it first uses the bucket.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO, Protocol, cast

import urllib3
from minio import Minio
from minio.deleteobjects import DeleteObject
from minio.error import S3Error

from promptdb.blobs.s3.address import S3Address
from promptdb.blobs.s3.errors import code_of, ignoring, restated
from promptdb.blobs.s3.http import RetryingPool
from promptdb.blobs.store import OWNERS
from promptdb.errors import StorageError

_PART = 8 * 1024 * 1024  # bytes
_MOST_PARTS = 10_000  # https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
_NOT_THERE = frozenset({"NoSuchKey", "NoSuchBucket"})
_THERE_ALREADY = frozenset({"BucketAlreadyOwnedByYou", "BucketAlreadyExists"})


class Source(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class StoredObject:
    key: str
    size: int
    modified: datetime


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An unfinished multipart upload."""

    key: str
    id: str
    begun: datetime


class Bucket:
    """A bucket, which may be missing. Thread-safe. All methods raise `StorageError` if the server fails.

    Args:
        address: of the bucket.
        connections: the number to keep open.
        patience: seconds of retries after a request failed for a passing reason.

    Raises:
        ConfigError: SSL_CERT_FILE has no certificates.
    """

    def __init__(self, address: S3Address, connections: int, patience: float) -> None:
        self.address = address
        self._client = _Client(
            address.endpoint,
            access_key=address.access_key,
            secret_key=address.secret_key,
            secure=address.secure,
            region=address.region,
            http_client=RetryingPool(connections, secure=address.secure, patience=patience),
        )

    def is_there(self) -> bool:
        with ignoring("NoSuchBucket"), restated(self.address):
            # Unlike HEAD, a list has a response body with the reason of a failure.
            next(self._client.list_objects(self.address.bucket, prefix=f"{OWNERS}/", recursive=True), None)
            return True
        return False

    def create(self) -> None:
        """Create the bucket. Another process may do so at the same time."""
        try:
            with restated(self.address):
                self._client.make_bucket(self.address.bucket)
        except StorageError as error:
            if code_of(error) == "AccessDenied":
                message = f"there is no bucket {self.address}, and these keys may not create it"
                raise StorageError(message, "create it, or allow the keys s3:CreateBucket") from error
            if code_of(error) not in _THERE_ALREADY:
                raise

    def put(self, key: str, source: Source, size: int) -> None:
        """Store an object, whole or not at all. An error of `source` stops the upload."""
        part = max(_PART, -(-size // _MOST_PARTS))
        with restated(self.address):
            data = cast("BinaryIO", source)
            # In this thread only: threads of the client would continue after this one is interrupted.
            self._client.put_object(self.address.bucket, key, data, size, part_size=part, num_parallel_uploads=1)
        # The last step of a multipart upload may fail with status 200.
        if size > part and self.size(key) != size:
            raise StorageError(f"{self.address} lost an upload of {size:,} bytes", "try again")

    def size(self, key: str) -> int | None:
        """Return the size of an object in bytes, or None if the object or the bucket is missing."""
        with restated(self.address):
            try:
                return self._client.stat_object(self.address.bucket, key).size
            except S3Error as error:
                if error.code in _NOT_THERE:
                    return None
                # The response to HEAD has no body. The one to GET has the reason in it.
                self._client.get_object(self.address.bucket, key, offset=0, length=1).close()
                raise

    def get(self, key: str, offset: int = 0) -> urllib3.BaseHTTPResponse | None:
        """Request the bytes from `offset` on. None if the object or the bucket is missing."""
        with restated(self.address):
            try:
                return self._client.get_object(self.address.bucket, key, offset=offset)
            except S3Error as error:
                if error.code not in _NOT_THERE:
                    raise
                return None

    def signed_url(self, key: str) -> str:
        """Make an address that gives an object to anyone for an hour, without a request."""
        return self._client.presigned_get_object(self.address.bucket, key, timedelta(hours=1))

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """List the objects with a prefix. The bucket may be missing."""
        with ignoring("NoSuchBucket"), restated(self.address):
            for item in self._client.list_objects(self.address.bucket, prefix=prefix, recursive=True):
                if item.object_name and item.size is not None and item.last_modified is not None:
                    yield StoredObject(item.object_name, item.size, item.last_modified)

    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects. They, and the bucket, may be missing."""
        failed = None
        with ignoring("NoSuchBucket"), restated(self.address):
            failed = next(self._client.remove_objects(self.address.bucket, map(DeleteObject, keys)), None)
        if failed is not None:
            raise StorageError(f"{self.address} did not delete {failed.name}: {failed.code}: {failed.message}")

    def unfinished(self, prefix: str) -> Iterator[Unfinished]:
        """List the unfinished multipart uploads. The bucket may be missing."""
        with ignoring("NoSuchBucket"), restated(self.address):
            yield from self._client.unfinished(self.address.bucket, prefix)

    def abort(self, upload: Unfinished) -> None:
        """Abort an upload, which may have ended meanwhile."""
        with ignoring("NoSuchUpload"), restated(self.address):
            self._client.abort(self.address.bucket, upload)


class _Client(Minio):
    """The client with its private calls about unfinished uploads."""

    def unfinished(self, bucket: str, prefix: str) -> Iterator[Unfinished]:
        marker: tuple[str | None, str | None] = (None, None)
        while True:
            key, upload_id = marker
            found = self._list_multipart_uploads(bucket, prefix=prefix, key_marker=key, upload_id_marker=upload_id)
            for upload in found.uploads:
                if upload.upload_id is not None and upload.initiated_time is not None:
                    yield Unfinished(upload.object_name, upload.upload_id, upload.initiated_time)
            # One key may have more uploads than one response. SeaweedFS returns the second marker only, and minio 7.2 stores
            # that one under a misspelled name.
            upload_id = found.next_upload_id_marker or vars(found).get("self._next_upload_id_marker")
            following = (found.next_key_marker or None, upload_id or None)
            if not found.is_truncated or following in ((None, None), marker):
                return
            marker = following

    def abort(self, bucket: str, upload: Unfinished) -> None:
        self._abort_multipart_upload(bucket, upload.key, upload.id)
