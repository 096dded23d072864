"""Blobs as objects in a bucket of MinIO, Amazon S3 or another S3 server."""

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from datetime import datetime
from functools import cached_property
from io import BytesIO
from itertools import chain, islice
from threading import Event, Semaphore
from typing import TYPE_CHECKING, BinaryIO
from uuid import UUID

from promptdb.blobs.store import OWNERS, Progress, blob_changed, blob_missing, owner_key, registries_in
from promptdb.blobs.threads import in_threads
from promptdb.domain.blob import Blob, StoredBlob, digest_of_key, object_key
from promptdb.domain.digest import Digest, parse_digest
from promptdb.errors import StorageError
from promptdb.streams import checked

if TYPE_CHECKING:
    from promptdb.blobs.s3.address import S3Address
    from promptdb.blobs.s3.bucket import Bucket, Unfinished

# Requests at once. More are not faster: each takes half a millisecond of CPU.
_THREADS = 8
# Larger blobs are limited in number, since two parts of each may be in memory.
_SMALL = 1024 * 1024
_LARGE_AT_ONCE = 2
# Up to this number, each blob costs one request. For more, a list of the bucket has a thousand objects per request.
_FEW = 32
# Blobs beyond the first part of a large bucket cost one request each again.
_LISTED = 50_000
_BLOBS = "sha256/"


class MinioBlobStore:
    """A blob store in a bucket, which the first write creates. Thread-safe, and connected at the first use.

    Args:
        address: of the bucket.
        patience: seconds of retries after a request failed for a passing reason.
    """

    backend = "minio"

    def __init__(self, address: "S3Address", patience: float = 30.0) -> None:
        self.address = address
        self.bucket = address.bucket
        self.place = str(address)
        self._patience = patience
        self._large = Semaphore(_LARGE_AT_ONCE)
        self._is_there = False

    def is_there(self) -> bool:
        return self._bucket.is_there()

    def put_all(self, blobs: Iterable[Blob], progress: Progress | None = None) -> None:
        remaining = iter(blobs)
        first = list(islice(remaining, _FEW + 1))
        if not first:
            return
        self._require_bucket()
        sizes, is_complete = self._listed() if len(first) > _FEW else ({}, False)
        report, put = progress or (lambda _: None), set[Digest]()

        def missing() -> Iterator[Blob]:
            for blob in chain(first, remaining):
                digest = parse_digest(blob.digest)
                if digest in put or sizes.get(digest) == blob.size:
                    report(1)
                    continue
                put.add(digest)
                yield blob

        def upload(blob: Blob, stop: Event) -> None:
            if is_complete or self._bucket.size(object_key(blob.digest)) != blob.size:
                self._put(blob, stop)

        for _ in in_threads(upload, missing(), _THREADS):
            report(1)

    def open(self, digest: Digest) -> BinaryIO:
        from promptdb.blobs.s3.streams import ResumedDownload

        key = object_key(parse_digest(digest))
        answer = self._bucket.get(key)
        if answer is None:
            raise blob_missing(digest, self.place)
        source = ResumedDownload(self._bucket, key, answer)
        return checked(source, digest, lambda: blob_changed(digest, f"{self.place}/{key}"))

    def get(self, digest: Digest) -> bytes:
        with self.open(digest) as stream:
            return stream.read()

    def size(self, digest: Digest) -> int | None:
        return self._bucket.size(object_key(parse_digest(digest)))

    def list(self) -> Iterator[StoredBlob]:
        for item in self._bucket.list(_BLOBS):
            if (digest := digest_of_key(item.key)) is not None:
                yield StoredBlob(digest, item.size, item.modified)

    def delete(self, digests: Iterable[Digest]) -> None:
        self._bucket.delete([object_key(parse_digest(digest)) for digest in digests])

    def leftovers(self, before: datetime) -> int:
        return sum(1 for _ in self._leftovers(before))

    def discard_leftovers(self, before: datetime) -> None:
        for upload in list(self._leftovers(before)):
            self._bucket.abort(upload)

    def claim(self, registry: UUID, note: str) -> None:
        self._require_bucket()
        data = note.encode()
        self._bucket.put(owner_key(registry), BytesIO(data), len(data))

    def owners(self) -> frozenset[UUID]:
        return registries_in(item.key.removeprefix(f"{OWNERS}/") for item in self._bucket.list(f"{OWNERS}/"))

    @cached_property
    def _bucket(self) -> "Bucket":
        from promptdb.blobs.s3.bucket import Bucket  # slow to import

        return Bucket(self.address, _THREADS, self._patience)

    def _require_bucket(self) -> None:
        if not self._is_there:
            if not self.is_there():
                self._bucket.create()
            self._is_there = True

    def _listed(self) -> tuple[dict[Digest, int], bool]:
        """Return the sizes of stored blobs, and whether the list is complete."""
        sizes = {blob.digest: blob.size for blob in islice(self.list(), _LISTED)}
        return sizes, len(sizes) < _LISTED

    def _put(self, blob: Blob, stop: Event) -> None:
        from promptdb.blobs.s3.streams import CheckedUpload

        try:
            with blob.open() as stream, self._large if blob.size > _SMALL else nullcontext():
                self._bucket.put(object_key(blob.digest), CheckedUpload(blob, stream, stop), blob.size)
        except OSError as error:
            raise StorageError(f"cannot read the bytes for {blob.digest}: {error.strerror or error}") from error

    def _leftovers(self, before: datetime) -> Iterator["Unfinished"]:
        return (upload for upload in self._bucket.unfinished(_BLOBS) if upload.begun < before)
