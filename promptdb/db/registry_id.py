"""The row that says who a registry is, for its blob stores, and whose turn it is: that of writers or of gc."""

from uuid import UUID

import sqlalchemy as sa

from promptdb.db.columns import registries
from promptdb.errors import IntegrityFailure


def registry_id(connection: sa.Connection) -> UUID:
    """Made with the schema; a copy of the database has the same.

    Raises:
        IntegrityFailure: it is gone, or there are several, or what stands there is none.
    """
    keys: list[UUID] = list(connection.execute(sa.select(registries.c.id)).scalars())
    if len(keys) != 1:
        raise IntegrityFailure(f"the registry has {len(keys) or 'no'} ids instead of one", "see: promptdb verify")
    return keys[0]


def gc_turn(connection: sa.Connection) -> int:
    """A number that only grows. While it is even, gc deletes nothing."""
    found: int = connection.execute(sa.select(registries.c.gc_turn)).scalar_one()
    return found


def give_turn(connection: sa.Connection, *, to_gc: bool) -> bool:
    """Make the number odd for gc, or even for writers. Return whether it was not so before."""
    given = sa.update(registries).where(registries.c.gc_turn % 2 == (0 if to_gc else 1))
    return connection.execute(given.values(gc_turn=registries.c.gc_turn + 1)).rowcount > 0
