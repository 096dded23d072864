"""Take in what a source has: blobs first, then one transaction under the lock. All of it, or nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from promptdb.blobs.store import Blob, BlobStore
from promptdb.db.engine import writing
from promptdb.db.notices import Notice, send
from promptdb.db.retry import retried
from promptdb.progress import Progress
from promptdb.sync.registry import Registry
from promptdb.sync.uploads import Uploads
from promptdb.transfer.add_version import add_version
from promptdb.transfer.catch_up import catch_up
from promptdb.transfer.insert import Written
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
    return _receive(registry, source, progress)


@retried
def _receive(registry: Registry, source: Source, progress: Progress | None) -> Received:
    uploads = Uploads(registry.blobs, registry.sharing)
    uploads.begin(registry.engine)
    sent = _send(source, registry.blobs, progress)
    with writing(registry.engine) as connection:
        if not uploads.are_safe(connection):
            sent += _send(source, registry.blobs, progress)
        written = (catch_up if source.is_whole else add_version)(connection, source, registry)
        if written.rows:
            send(connection, [Notice()])
    return Received(written, sent)


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
