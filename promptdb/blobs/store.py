"""What a blob store must do."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from promptdb.domain.digest import Digest


@dataclass(frozen=True)
class Blob:
    """Bytes to store under their digest. `read` gives them when their turn comes, so that not all are in memory at once."""

    digest: Digest
    read: Callable[[], bytes]


class BlobStore(Protocol):
    """`backend` and `bucket` say in a row where its blobs are."""

    @property
    def backend(self) -> str: ...

    @property
    def bucket(self) -> str: ...

    def put_all(self, blobs: Iterable[Blob]) -> None:
        """Store blobs; when this returns they are durable. Those that are there already are left alone.

        Raises:
            IntegrityFailure: bytes do not have the digest they claim.
            StorageError: the store failed. Nothing half-written is under a key.
        """
        ...

    def get(self, digest: Digest) -> bytes:
        """The bytes of a blob.

        Raises:
            IntegrityFailure: what is stored does not have this digest.
            StorageError: there is no such blob, or the store failed.
        """
        ...

    def has(self, digest: Digest) -> bool: ...


def object_key(digest: Digest) -> str:
    """The key of a digest, the same in every store: `sha256/ab/abcd...`."""
    algorithm, _, value = digest.partition(":")
    return f"{algorithm}/{value[:2]}/{value}"
