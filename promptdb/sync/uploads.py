"""Blobs on their way from the first look into a store to the rows that name them, safe from garbage collection in between."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import sqlalchemy as sa

from promptdb.blobs.store import Blob, BlobStore
from promptdb.db.engine import address, reading
from promptdb.db.identity import collected, registry_id
from promptdb.db.named import newest_blob
from promptdb.domain.plan import Plan
from promptdb.errors import Guard
from promptdb.progress import Progress
from promptdb.sync.batch import Batch, new_versions
from promptdb.sync.registry import Sharing


@dataclass
class Uploads:
    """For every writer of versions. What a store has already is not uploaded again, and `gc` may remove it just then, since no
    row names it yet: so a writer calls `begin` before it first uploads, and, holding the lock, puts all of its blobs again
    unless `are_safe`. `gc` removes nothing while that lock is held, and afterwards there are rows.
    """

    blobs: BlobStore
    sharing: Sharing | None = None
    _begun: bool = field(default=False, init=False)
    _collected: int | None = field(default=None, init=False)

    def begin(self, source: sa.Engine | sa.Connection) -> None:
        """Before the first upload; the store learns whose blobs it has. A second call does nothing.

        Args:
            source: of the database; a connection where a transaction is open.

        Raises:
            Guard: the store is that of other registries.
            StorageError, LockTimeout: a store failed.
        """
        if self._begun:
            return
        with reading(source) if isinstance(source, sa.Engine) else nullcontext(source) as connection:
            key, self._collected = registry_id(connection), collected(connection)
            owners = self.blobs.owners()
            if key not in owners:
                if owners:
                    _require_own(connection, self.blobs, key)
                now = datetime.now(UTC)
                self.blobs.claim(key, f"{address(connection.engine)}, since {now:%Y-%m-%d %H:%M:%S} UTC\n")
                if owners and self.sharing is not None:
                    self.sharing(self.blobs.place, owners)
        self._begun = True

    def are_safe(self, connection: sa.Connection) -> bool:
        """On the connection that holds the lock: whether no blob can have been removed since `begin`."""
        return not self._begun or (self._collected is not None and collected(connection) == self._collected)


def upload_in_order(blobs: BlobStore, planned: Sequence[tuple[Batch, Plan]], progress: Progress | None = None) -> None:
    """What several plans need, together: a store is slower with little at a time.

    Args:
        blobs: the store.
        planned: each with what stands behind it.
        progress: is told how far the upload got. Assets count from when the turn of their plan comes.

    Raises:
        StorageError, IntegrityFailure, StalePlan: as in `put_all`.
    """
    done, total = 0, sum(len(new_versions(plan)) for _, plan in planned)

    def new_blobs() -> Iterator[Blob]:
        nonlocal total
        for batch, plan in planned:
            new = list(batch.new_blobs(plan))
            total += batch.asset_count
            yield from new

    def advance(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress(done, total)

    blobs.put_all(new_blobs(), advance)


def _require_own(connection: sa.Connection, blobs: BlobStore, key: UUID) -> None:
    """
    Raises:
        Guard: the registry has versions, and their blobs are not in this store.
    """
    newest = newest_blob(connection)
    if newest is not None and blobs.size(newest) is None:
        message = f"{blobs.place} is the blob store of other registries, and has no blobs of this one ({key})"
        raise Guard(message, "check the settings of the database and of the blob store; see: promptdb db doctor")
