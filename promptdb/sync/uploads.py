"""Blobs on their way from the first look into a store to the rows that name them, safe from garbage collection in between."""

from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import sqlalchemy as sa

from promptdb.blobs.store import BlobStore
from promptdb.db.engine import address, reading
from promptdb.db.identity import collected, registry_id
from promptdb.db.named import newest_blob
from promptdb.errors import Guard


@dataclass
class Uploads:
    """For every writer of versions. What a store has already is not uploaded again, and `gc` may remove it just then, since no
    row names it yet: so a writer calls `begin` before it first uploads, and, holding the lock, puts all of its blobs again
    unless `are_safe`. `gc` removes nothing while that lock is held, and afterwards there are rows.
    """

    blobs: BlobStore
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
        self._begun = True

    def are_safe(self, connection: sa.Connection) -> bool:
        """On the connection that holds the lock: whether no blob can have been removed since `begin`."""
        return not self._begun or (self._collected is not None and collected(connection) == self._collected)


def _require_own(connection: sa.Connection, blobs: BlobStore, key: UUID) -> None:
    """
    Raises:
        Guard: the registry has versions, and their blobs are not in this store.
    """
    newest = newest_blob(connection)
    if newest is not None and blobs.size(newest) is None:
        message = f"{blobs.place} is the blob store of other registries, and has no blobs of this one ({key})"
        raise Guard(message, "check the settings of the database and of the blob store; see: promptdb db doctor")
