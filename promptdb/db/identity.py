"""Who a registry is, for its blob stores; and how often garbage was collected in them."""

from uuid import UUID

import sqlalchemy as sa

from promptdb.db.columns import collections, registries


def registry_id(connection: sa.Connection) -> UUID:
    """Made with the schema; a copy of the database has the same."""
    key: UUID = connection.execute(sa.select(registries.c.id)).scalar_one()
    return key


def collected(connection: sa.Connection) -> int:
    """Grows with every removal of blobs."""
    newest: int | None = connection.execute(sa.select(sa.func.max(collections.c.id))).scalar()
    return newest or 0
