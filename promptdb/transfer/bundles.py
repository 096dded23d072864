"""Whether versions have the asset rows that belong to them, in whichever tables they are."""

from itertools import groupby
from uuid import UUID

import sqlalchemy as sa

from promptdb.domain.integrity import BUNDLE
from promptdb.transfer.checks import check_bundle
from promptdb.transfer.values import Refused

_ROWS = 1000
"""At a time, so that memory does not grow with a table."""


def first_without_bundle(
    connection: sa.Connection, versions: sa.Table, assets: sa.Table, chosen: sa.ColumnElement[bool]
) -> tuple[UUID, Refused] | None:
    """The first of the chosen versions whose assets, or bundle, are not those of its spec, and what is wrong with them."""
    query = (
        sa.select(versions.c.id.label("version"), versions.c.spec_json, *assets.c)
        .outerjoin_from(versions, assets, assets.c.version_id == versions.c.id)
        .where(chosen)
        .order_by(versions.c.id, assets.c.kind != BUNDLE, assets.c.id)
    )
    rows = (row._asdict() for row in connection.execute(query, execution_options={"yield_per": _ROWS}))
    for key, found in groupby(rows, lambda row: row["version"]):
        listed = list(found)
        try:
            check_bundle(listed[0], [row for row in listed if row["id"] is not None])
        except Refused as error:
            return key, error
    return None
