"""Takes in what a source has: all of it, or nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import sqlalchemy as sa

from promptdb.blobs.store import BlobStore
from promptdb.db.notices import Notice, send
from promptdb.domain.blob import Blob
from promptdb.progress import Progress
from promptdb.registry.stores import Registry
from promptdb.registry.uploads import Intended, upload_and_write
from promptdb.transfer.add_version import add_version
from promptdb.transfer.catch_up import catch_up
from promptdb.transfer.insert_rows import Written
from promptdb.transfer.source import Source

_BLOBS = 2000
"""At a time: so many are made durable at once."""


@dataclass(frozen=True)
class Received:
    """What was written: rows, and how many blobs were not there yet."""

    written: Written
    blobs: int

    @property
    def is_empty(self) -> bool:
        return not (self.written.rows or self.blobs)


def receive(registry: Registry, source: Source, progress: Progress | None = None) -> Received:
    """Versions keep their ids, revisions and digests; the registry keeps its own id.

    Args:
        registry: whose schema is there.
        source: what to take in.
        progress: is told how many of the missing blobs are stored.

    Raises:
        IntegrityFailure: something of the source is not what it claims.
        Conflict: the registry is not behind the source, or the version of the source is not the next one.
        LockTimeout, StorageError: a store failed.
    """
    source.inspect()
    sent = 0

    def upload() -> None:
        nonlocal sent
        sent += _send(source, registry.blobs, progress)

    def write(connection: sa.Connection) -> Received:
        written = (catch_up if source.is_whole else add_version)(connection, source, registry)
        if written.rows:
            send(connection, [Notice()])
        return Received(written, sent)

    def decide(_: None) -> Intended[Received] | Received:
        return Intended(write, upload)

    return upload_and_write(registry, lambda _: None, decide)


def _send(source: Source, store: BlobStore, progress: Progress | None) -> int:
    """Store the blobs that are missing, or have another size."""
    present = {blob.digest: blob.size for blob in store.list()}

    def missing() -> Iterator[Blob]:
        return (blob for blob in source.blobs() if present.get(blob.digest) != blob.size)

    total = sum(1 for _ in missing())
    done, blobs = 0, missing()
    while batch := list(islice(blobs, _BLOBS)):
        store.put_all(batch)
        done += len(batch)
        if progress is not None:
            progress(done, total)
    return total
