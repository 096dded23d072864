"""One bucket, through the `minio` client: what the store does with it, with errors of ours.

Importing this loads the client, which takes a fifth of a second: nobody does before a bucket is used.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol, cast

import urllib3
from minio import Minio
from minio.deleteobjects import DeleteObject
from minio.error import S3Error

from promptdb.blobs.s3.address import S3Address
from promptdb.blobs.s3.errors import code_of, nothing_without_bucket, told
from promptdb.blobs.s3.http import RetryingPool
from promptdb.blobs.store import OWNERS
from promptdb.errors import StorageError

PART = 8 * 1024 * 1024
"""Bytes of one part of a large object."""

_MOST_PARTS = 10_000
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html"""

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
    """An upload in parts that was begun."""

    key: str
    id: str
    begun: datetime


class Bucket:
    """Thread-safe. Every method raises `StorageError` if the server fails.

    Args:
        address: where it is. It need not be there.
        connections: that are kept open.
        patience: seconds that one request waits between its attempts.

    Raises:
        ConfigError: SSL_CERT_FILE names no certificates.
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
        try:
            with told(self.address):  # unlike an answer to HEAD, this tells what is wrong
                next(self._client.list_objects(self.address.bucket, prefix=f"{OWNERS}/", recursive=True), None)
        except StorageError as error:
            if code_of(error) != "NoSuchBucket":
                raise
            return False
        return True

    def create(self) -> None:
        """It may be that somebody else does, at the same time."""
        try:
            with told(self.address):
                self._client.make_bucket(self.address.bucket)
        except StorageError as error:
            if code_of(error) == "AccessDenied":
                message = f"there is no bucket {self.address}, and these keys may not create it"
                raise StorageError(message, "create it, or allow them s3:CreateBucket") from error
            if code_of(error) not in _THERE_ALREADY:
                raise

    def put(self, key: str, source: Source, size: int) -> None:
        """An object, whole or not at all.

        What `source` raises stops it. It is read in this thread, a part at a time: threads of the client's own would stay
        behind where this one is interrupted.
        """
        part = max(PART, -(-size // _MOST_PARTS))
        with told(self.address):
            data = cast("BinaryIO", source)
            self._client.put_object(self.address.bucket, key, data, size, part_size=part, num_parallel_uploads=1)
        if size > part and self.size(key) != size:  # the last step of an upload in parts can fail with status 200
            raise StorageError(f"{self.address} lost an upload of {size:,} bytes", "try again")

    def size(self, key: str) -> int | None:
        """In bytes; None if there is no such object, or no bucket."""
        with told(self.address):
            try:
                return self._client.stat_object(self.address.bucket, key).size
            except S3Error as error:
                if error.code in _NOT_THERE:
                    return None
                # An answer to HEAD has no body, and so no reason: a GET has.
                self._client.get_object(self.address.bucket, key, offset=0, length=1).close()
                raise

    def get(self, key: str, offset: int = 0) -> urllib3.BaseHTTPResponse | None:
        """Get an answer to read the bytes from, beginning at `offset`; None if there is no such object, or no bucket."""
        with told(self.address):
            try:
                return self._client.get_object(self.address.bucket, key, offset=offset)
            except S3Error as error:
                if error.code not in _NOT_THERE:
                    raise
                return None

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """What has a key that begins so; nothing where there is no bucket."""
        with nothing_without_bucket(), told(self.address):
            for item in self._client.list_objects(self.address.bucket, prefix=prefix, recursive=True):
                if item.object_name and item.size is not None and item.last_modified is not None:
                    yield StoredObject(item.object_name, item.size, item.last_modified)

    def delete(self, keys: Iterable[str]) -> None:
        """Objects that are not there are no error, nor is a bucket that is not."""
        failed = None
        with nothing_without_bucket(), told(self.address):
            failed = next(self._client.remove_objects(self.address.bucket, map(DeleteObject, keys)), None)
        if failed is not None:
            raise StorageError(f"{self.address} does not delete {failed.name}: {failed.code}: {failed.message}")

    def unfinished(self, prefix: str) -> Iterator[Unfinished]:
        """The uploads in parts that were begun, and neither finished nor given up; none where there is no bucket."""
        with nothing_without_bucket(), told(self.address):
            yield from self._client.unfinished(self.address.bucket, prefix)

    def abort(self, upload: Unfinished) -> None:
        """One that is over by now is no error."""
        try:
            with told(self.address):
                self._client.abort(self.address.bucket, upload)
        except StorageError as error:
            if code_of(error) != "NoSuchUpload":
                raise


class _Client(Minio):
    """With the two calls about unfinished uploads, which the client has for its own use only."""

    def unfinished(self, bucket: str, prefix: str) -> Iterator[Unfinished]:
        marker: tuple[str | None, str | None] = (None, None)
        while True:
            key, upload_id = marker
            found = self._list_multipart_uploads(bucket, prefix=prefix, key_marker=key, upload_id_marker=upload_id)
            for upload in found.uploads:
                if upload.upload_id is not None and upload.initiated_time is not None:
                    yield Unfinished(upload.object_name, upload.upload_id, upload.initiated_time)
            # One key may have more uploads than one answer. SeaweedFS gives the second mark alone; minio 7.2 misspells where
            # it keeps that one.
            upload_id = found.next_upload_id_marker or vars(found).get("self._next_upload_id_marker")
            following = (found.next_key_marker or None, upload_id or None)
            if not found.is_truncated or following in ((None, None), marker):
                return
            marker = following

    def abort(self, bucket: str, upload: Unfinished) -> None:
        self._abort_multipart_upload(bucket, upload.key, upload.id)
