"""Finds out whether a commit succeeded after the connection was lost, by a row that only this transaction can have written.

The row is looked up under the write lock: until then the server may still be committing. The status of the transaction id
would not do: after a crash PostgreSQL may give the id of a lost transaction to the next one.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

Marks = list[sa.Select[tuple[bool]]]
"""At most one query, which is true if the transaction was committed."""

OPTION = "promptdb_marks"
"""The execution option of a connection with its marks."""

# The columns that distinguish a row from those of all other transactions.
_DISTINCT = {
    "prompt_versions": ("id", "created_by", "created_at"),
    "alias_events": ("prompt_id", "alias", "generation", "actor", "created_at"),
    "api_tokens": ("token_hash",),
    "sync_runs": ("root", "created_by", "started_at", "finished_at"),
    "webhooks": ("secret",),
}


def note(connection: sa.Connection, target: sa.Table, row: Mapping[str, Any]) -> None:
    """Remember a row that the transaction inserted."""
    marks: Marks | None = connection.get_execution_options().get(OPTION)
    if marks is not None and not marks and target.name in _DISTINCT:
        same = (target.c[name] == row[name] for name in _DISTINCT[target.name])
        marks.append(sa.select(sa.exists().where(*same)))
