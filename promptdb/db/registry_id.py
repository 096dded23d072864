"""The row with the id of a registry, and with the turn that writers and gc take."""

from uuid import UUID

import sqlalchemy as sa

from promptdb.db.columns import registries
from promptdb.errors import IntegrityFailure


def registry_id(connection: sa.Connection) -> UUID:
    """Read the id, which blob stores note. Copies of a database share it.

    Raises:
        IntegrityFailure: there is not exactly one id, or it is not a UUID.
    """
    keys: list[UUID] = list(connection.execute(sa.select(registries.c.id)).scalars())
    if len(keys) != 1:
        raise IntegrityFailure(f"the registry has {len(keys) or 'no'} ids instead of one", "see: promptdb verify")
    return keys[0]


def gc_turn(connection: sa.Connection) -> int:
    """Read the number of the turn, which only grows. While it is even, gc deletes nothing."""
    found: int = connection.execute(sa.select(registries.c.gc_turn)).scalar_one()
    return found


def give_turn(connection: sa.Connection, *, to_gc: bool) -> bool:
    """Make the number odd for gc, or even for writers. Return whether it changed."""
    given = sa.update(registries).where(registries.c.gc_turn % 2 == (0 if to_gc else 1))
    return connection.execute(given.values(gc_turn=registries.c.gc_turn + 1)).rowcount > 0
