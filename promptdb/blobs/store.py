"""What a blob store must do."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import BinaryIO, Protocol
from uuid import UUID

from promptdb.domain.blob import Blob, StoredBlob
from promptdb.domain.digest import Digest
from promptdb.errors import IntegrityFailure, StorageError

OWNERS = "registries"
"""The folder of the names of the registries whose blobs a store has."""


Progress = Callable[[int], None]
"""Is told how many more blobs are done."""


class BlobStore(Protocol):
    """`backend` and `bucket` say in a row where its blobs are. All methods raise `StorageError` where the store fails."""

    @property
    def backend(self) -> str: ...

    @property
    def bucket(self) -> str: ...

    @property
    def place(self) -> str:
        """Where it is, for people; without keys."""
        ...

    def is_there(self) -> bool:
        """Whether there is a folder or a bucket for the blobs; the first write makes one."""
        ...

    def put_all(self, blobs: Iterable[Blob], progress: Progress | None = None) -> None:
        """Store blobs; when this returns they are durable. Those that are there already, in their size, are left alone.

        Raises:
            IntegrityFailure: bytes do not have the digest they claim.
            StorageError: the store failed. Nothing half-written is under a key.
        """
        ...

    def open(self, digest: Digest) -> BinaryIO:
        """A stream of the bytes of a blob, which checks them: its end is reached only if they have the digest.

        Raises:
            IntegrityFailure: by the stream, at its end: what is stored does not have this digest.
            StorageError: there is no such blob, or the store failed; by the stream as well.
        """
        ...

    def get(self, digest: Digest) -> bytes:
        """The bytes of a blob. Errors as in `open`."""
        ...

    def size(self, digest: Digest) -> int | None:
        """The bytes that are stored under a digest; None if nothing is."""
        ...

    def list(self) -> Iterator[StoredBlob]:
        """List all blobs, in no order. Whatever else lies in the store is passed over."""
        ...

    def delete(self, digests: Iterable[Digest]) -> None:
        """Remove blobs. One that is not there is no error."""
        ...

    def leftovers(self, before: datetime) -> int:
        """How many unfinished uploads, begun before that time, a killed process has left behind."""
        ...

    def discard_leftovers(self, before: datetime) -> None:
        """Remove them. One that is still going on fails, and has to be made again."""
        ...

    def claim(self, registry: UUID, note: str) -> None:
        """Note in the store that a registry has blobs in it; `note` tells people which one that is."""
        ...

    def owners(self) -> frozenset[UUID]:
        """The registries that have blobs in it, as far as they have noted it."""
        ...


def owner_key(registry: UUID) -> str:
    return f"{OWNERS}/{registry}"


def blob_missing(digest: Digest, where: str) -> StorageError:
    return StorageError(f"the blob {digest} is not in {where}", "see: promptdb verify")


def blob_changed(digest: Digest, where: str) -> IntegrityFailure:
    return IntegrityFailure(
        f"the blob {digest} was changed after it was stored", f"see {where}, and: promptdb verify --full"
    )


def wrong_bytes(digest: Digest) -> IntegrityFailure:
    return IntegrityFailure(f"the bytes for {digest} have another digest", "was the file just edited?")
