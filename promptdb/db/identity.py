"""Who a registry is, for its blob stores; and how often garbage was collected in them."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from promptdb.db.columns import collections, registries
from promptdb.errors import IntegrityFailure

_UNFINISHED = -1
"""The bytes of a removal that was announced and has not ended."""


def registry_id(connection: sa.Connection) -> UUID:
    """Made with the schema; a copy of the database has the same.

    Raises:
        IntegrityFailure: it is gone, or there are several, or what stands there is none.
    """
    keys: list[UUID] = list(connection.execute(sa.select(registries.c.id)).scalars())
    if len(keys) != 1:
        raise IntegrityFailure(f"the registry has {len(keys) or 'no'} ids instead of one", "see: promptdb verify")
    return keys[0]


def collected(connection: sa.Connection) -> int | None:
    """A number that grows with every removal of blobs; None while one is going on, or was cut off."""
    unfinished = sa.func.count().filter(collections.c.bytes == _UNFINISHED)
    newest, open_ones = connection.execute(sa.select(sa.func.max(collections.c.id), unfinished)).one()
    return None if open_ones else newest or 0


def announce_removal(connection: sa.Connection, actor: str, now: datetime) -> int:
    """Say that blobs will be removed; to be committed before the first one is. Gives the number of the removal."""
    row = {"blobs": 0, "bytes": _UNFINISHED, "created_by": actor, "created_at": now}
    key: int = connection.execute(sa.insert(collections).values(**row)).inserted_primary_key[0]  # type: ignore[index]
    return key


def is_announced(connection: sa.Connection, number: int) -> bool:
    """Whether a removal has not ended, also by `end_removals` of another process."""
    query = sa.select(collections.c.id).where(collections.c.id == number, collections.c.bytes == _UNFINISHED)
    return connection.execute(query).first() is not None


def end_removals(connection: sa.Connection, number: int, blobs: int, size: int) -> None:
    """Note what was removed. Other removals that have not ended were cut off, or will be announced again."""
    connection.execute(sa.update(collections).where(collections.c.id == number).values(blobs=blobs, bytes=size))
    connection.execute(sa.update(collections).where(collections.c.bytes == _UNFINISHED).values(bytes=0))
