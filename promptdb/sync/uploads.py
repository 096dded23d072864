"""Blobs on their way from the first look into a store to the rows that name them, safe from garbage collection in between."""

from dataclasses import dataclass, field

import sqlalchemy as sa

from promptdb.blobs.store import BlobStore
from promptdb.db.engine import reading
from promptdb.db.identity import collected, registry_id


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
            StorageError, LockTimeout: a store failed.
        """
        if self._begun:
            return
        if isinstance(source, sa.Engine):
            with reading(source) as connection:
                key, self._collected = registry_id(connection), collected(connection)
        else:
            key, self._collected = registry_id(source), collected(source)
        self.blobs.claim(key)
        self._begun = True

    def are_safe(self, connection: sa.Connection) -> bool:
        """On the connection that holds the lock: whether no blob can have been removed since `begin`."""
        return not self._begun or (self._collected is not None and collected(connection) == self._collected)
