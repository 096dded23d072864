"""Blobs on their way from the first look into a store to the rows that name them, safe from garbage collection in between."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import sqlalchemy as sa

from promptdb.blobs.store import BlobStore
from promptdb.db.columns import versions
from promptdb.db.engine import address, reading
from promptdb.db.identity import collected, registry_id
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
        if isinstance(source, sa.Engine):
            with reading(source) as connection:
                key, has_versions, self._collected = _standing(connection)
        else:
            key, has_versions, self._collected = _standing(source)
        owners = self.blobs.owners()
        if has_versions and owners and key not in owners:
            message = f"{self.blobs.place} is the blob store of other registries, and has no blobs of this one ({key})"
            raise Guard(message, "check the settings of the database and of the blob store; see: promptdb db doctor")
        if key not in owners:
            self.blobs.claim(key, f"{address(source.engine)}, since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n")
        self._begun = True

    def are_safe(self, connection: sa.Connection) -> bool:
        """On the connection that holds the lock: whether no blob can have been removed since `begin`."""
        return not self._begun or (self._collected is not None and collected(connection) == self._collected)


def _standing(connection: sa.Connection) -> tuple[UUID, bool, int | None]:
    """The registry, whether it has versions, and the number of removals."""
    has_versions = connection.execute(sa.select(sa.exists().select_from(versions))).scalar()
    return registry_id(connection), bool(has_versions), collected(connection)
