"""Reads the lists of an overview with one SELECT: what changed since an alias, the newest moves, and the newest syncs."""

from types import SimpleNamespace
from typing import Any, NamedTuple

import sqlalchemy as sa

from promptdb.db.alias_log import move_of, moves_query
from promptdb.db.pages import behind_of, behind_query, run_of, runs_query
from promptdb.domain.listing import Behind, SyncRun
from promptdb.domain.views import AliasEventView


class Recent(NamedTuple):
    """Each list as its own question would give it."""

    behind: list[Behind]
    moves: list[AliasEventView]
    runs: list[SyncRun]


def read_recent(connection: sa.Connection, alias: str, behind: int, moves: int, runs: int) -> Recent:
    """Read the first prompts behind an alias, the newest moves and the newest syncs, at most so many of each."""
    lists = (behind_query(alias, behind), moves_query().limit(moves), runs_query(None, runs))
    tables = [query.subquery(f"list{number}") for number, query in enumerate(lists)]
    numbers = sa.union_all(*(sa.select(sa.literal(number).label("list")) for number in range(len(tables)))).subquery()
    joined: sa.FromClause = numbers
    for number, table in enumerate(tables):
        joined = joined.outerjoin(table, numbers.c.list == number)
    columns = [column.label(f"{table.name}_{column.key}") for table in tables for column in table.c]
    rows = connection.execute(sa.select(numbers.c.list, *columns).select_from(joined)).all()
    found = [_rows_of(table, number, rows) for number, table in enumerate(tables)]
    # A join keeps no order.
    return Recent(
        sorted((behind_of(row) for row in found[0]), key=lambda one: one.prompt),
        [move_of(row) for row in sorted(found[1], key=lambda row: -row.id)],
        [run_of(row) for row in sorted(found[2], key=lambda row: -row.id)],
    )


def _rows_of(table: sa.Subquery, number: int, rows: Any) -> list[Any]:
    """Take the rows of one list, under the names of its own columns. An empty list has one row of nulls."""
    names = [column.key for column in table.c]
    own = [
        SimpleNamespace(**{name: getattr(row, f"{table.name}_{name}") for name in names})
        for row in rows
        if row.list == number
    ]
    return [row for row in own if any(value is not None for value in vars(row).values())]
