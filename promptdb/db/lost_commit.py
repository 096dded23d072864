"""Whether a transaction was committed, where the connection was lost before the database could say so.

Rows with the transaction's own time tell, once the write lock is free: until then the other end may still be at it. (The status
of a transaction id would not do: after a crash PostgreSQL gives the id of a lost transaction to the next one.)
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

Marks = list[sa.Select[tuple[bool]]]
"""Queries that are true if the transaction was committed. One is enough: all of it is written, or nothing."""

OPTION = "promptdb_marks"
"""The execution option of a connection that holds its marks."""

_DISTINCT = {
    "prompt_versions": ("id", "created_by", "created_at"),
    "alias_events": ("prompt_id", "alias", "generation", "actor", "created_at"),
    "sync_runs": ("root", "created_by", "started_at", "finished_at"),
}
"""Columns by which a row is that of one transaction and no other."""


def note(connection: sa.Connection, target: sa.Table, row: Mapping[str, Any]) -> None:
    """Remember a row that the transaction of this connection has inserted."""
    marks: Marks | None = connection.get_execution_options().get(OPTION)
    if marks is not None and not marks and target.name in _DISTINCT:
        same = (target.c[name] == row[name] for name in _DISTINCT[target.name])
        marks.append(sa.select(sa.exists().where(*same)))
