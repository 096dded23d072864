"""Writes the rows and blobs of a source to a registry, completely or not at all."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import sqlalchemy as sa

from promptdb.blobs.store import BlobStore
from promptdb.db.notices import Notice, send
from promptdb.domain.blob import Blob
from promptdb.progress import Progress
from promptdb.registry.stores import Registry
from promptdb.registry.uploads import Connect, Intended, upload_and_write
from promptdb.transfer.add_version import add_version
from promptdb.transfer.catch_up import catch_up
from promptdb.transfer.insert_rows import Written
from promptdb.transfer.source import Source

_BLOBS = 2000
"""The number of blobs that are made durable together."""


@dataclass(frozen=True)
class Received:
    """The written rows, and the number of blobs that were missing."""

    written: Written
    blobs: int

    @property
    def is_empty(self) -> bool:
        return not (self.written.rows or self.blobs)


def receive(registry: Registry, source: Source, progress: Progress | None = None) -> Received:
    """Write a source to a registry. Versions keep their ids, revisions and digests; the registry keeps its own id.

    Raises:
        IntegrityFailure: the source is damaged.
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

    def decide(_: None, __: Connect) -> Intended[Received] | Received:
        return Intended(write, upload)

    return upload_and_write(registry, lambda _: None, decide)


def _send(source: Source, store: BlobStore, progress: Progress | None) -> int:
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
