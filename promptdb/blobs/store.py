"""The protocol of blob stores, and their common errors."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import BinaryIO, Protocol
from uuid import UUID

from promptdb.domain.blob import Blob, StoredBlob
from promptdb.domain.digest import Digest
from promptdb.errors import IntegrityFailure, StorageError

OWNERS = "registries"
"""The folder of the notes about the registries that own blobs of a store."""


Progress = Callable[[int], None]
"""Called with the number of blobs that were finished since the last call."""


class BlobStore(Protocol):
    """Durable bytes by digest. Rows name `backend` and `bucket`. All methods raise `StorageError` if the store fails."""

    @property
    def backend(self) -> str: ...

    @property
    def bucket(self) -> str: ...

    @property
    def place(self) -> str:
        """The address for readers, without keys."""

    def is_there(self) -> bool:
        """Check for the folder or bucket, which the first write creates."""

    def put_all(self, blobs: Iterable[Blob], progress: Progress | None = None) -> None:
        """Store blobs durably. Stored blobs of the right size are not written again.

        Raises:
            IntegrityFailure: bytes do not match their digest.
            StorageError: the store failed. No key has half-written bytes.
        """

    def open(self, digest: Digest) -> BinaryIO:
        """Open the bytes of a blob as a stream, which checks the digest before it ends.

        Raises:
            IntegrityFailure: raised by the stream at its end, if the stored bytes do not match the digest.
            StorageError: the blob is missing, or the store failed. The stream may raise it too.
        """

    def get(self, digest: Digest) -> bytes:
        """Read the bytes of a blob. Errors as in `open`."""

    def size(self, digest: Digest) -> int | None:
        """Return the number of stored bytes of a blob, or None if it is missing."""

    def list(self) -> Iterator[StoredBlob]:
        """List all blobs in any order, and skip all other objects in the store."""

    def delete(self, digests: Iterable[Digest]) -> None:
        """Remove blobs, and ignore missing ones."""

    def leftovers(self, before: datetime) -> int:
        """Count the unfinished uploads of killed processes that began before that time."""

    def discard_leftovers(self, before: datetime) -> None:
        """Remove unfinished uploads. One that is still running fails, and must be repeated."""

    def claim(self, registry: UUID, note: str) -> None:
        """Note that a registry owns blobs of the store. `note` describes the registry for readers."""

    def owners(self) -> frozenset[UUID]:
        """Read the registries that have claimed the store."""


def owner_key(registry: UUID) -> str:
    return f"{OWNERS}/{registry}"


def registries_in(names: Iterable[str]) -> frozenset[UUID]:
    """Parse the names of notes, and ignore all other names."""
    found = set()
    for name in names:
        with suppress(ValueError):
            found.add(UUID(name))
    return frozenset(found)


def blob_missing(digest: Digest, where: str) -> StorageError:
    return StorageError(f"the blob {digest} is not in {where}", "see: promptdb verify")


def blob_changed(digest: Digest, where: str) -> IntegrityFailure:
    message = f"the blob {digest} was changed after it was stored"
    return IntegrityFailure(message, f"see {where}, and: promptdb verify --full")


def wrong_bytes(digest: Digest) -> IntegrityFailure:
    return IntegrityFailure(f"the bytes for {digest} have another digest", "was the file just edited?")
