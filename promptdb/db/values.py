"""Whether the values in the rows can be what their columns are for, found without reading them as such."""

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from promptdb.db.columns import UtcDateTime, aliases, assets, events, prompts, redirects, runs
from promptdb.domain.changes import ContractChange
from promptdb.domain.identity import PromptId
from promptdb.domain.refs import parse_alias
from promptdb.errors import InvalidRef

_Check = Callable[[str], object]
_SHOWN = 60
"""Characters of a value in a message."""


def unreadable(connection: sa.Connection) -> Iterator[tuple[str, str]]:
    """Tables, with the columns that have values which promptdb cannot read. Kinds are asked of SQLite only: PostgreSQL keeps
    to them by itself.
    """
    from promptdb.db.tables import Table  # slow to import

    if connection.dialect.name == "sqlite":
        for table in Table.metadata.sorted_tables:
            for column in table.columns:
                yield from _told(column, _of_another_kind(connection, column))
    for column, check in _JSON:
        yield from _told(column, _refused(connection, column, check))


def impossible_names(connection: sa.Connection) -> Iterator[tuple[str, str]]:
    """Tables, with names that no command gives."""
    for table in (prompts, redirects):
        for namespace, name in connection.execute(sa.select(table.c.namespace, table.c.name)):
            if not _is_name(str(namespace), str(name)):
                yield table.name, f"{_shown(f'{namespace}/{name}')} cannot be the name of a prompt"
    for table in (aliases, events):
        for alias in _refused(connection, table.c.alias, parse_alias):
            yield table.name, f"{_shown(alias)} cannot be the name of an alias"


def _of_another_kind(connection: sa.Connection, column: sa.Column[Any]) -> Iterable[str]:
    kind = column.type
    if isinstance(kind, UtcDateTime):
        return _refused(connection, column, datetime.fromisoformat)
    if isinstance(kind, sa.Uuid):
        text = sa.cast(column, sa.String)  # as it is written: in another form no query finds it
        wrong = sa.or_(sa.func.length(text) != len(UUID(int=0).hex), text.op("GLOB")("*[^0-9a-f]*"))
    elif isinstance(kind, sa.Integer | sa.Boolean):
        wrong = sa.or_(sa.func.typeof(column) != "integer")
    else:
        return ()
    query = sa.select(sa.cast(column, sa.String)).where(column.is_not(None), wrong)
    return map(str, connection.execute(query).scalars())


def _refused(connection: sa.Connection, column: sa.Column[Any], check: _Check) -> Iterator[str]:
    """Each value once: few are different."""
    query = sa.select(sa.cast(column, sa.String)).where(column.is_not(None)).distinct()
    for value in connection.execute(query).scalars():
        try:
            check(str(value))
        except (ValueError, TypeError, InvalidRef):
            yield str(value)


def _told(column: sa.Column[Any], values: Iterable[str]) -> Iterator[tuple[str, str]]:
    found = list(values)
    if found:
        more = f", and {len(found) - 1} more" if len(found) > 1 else ""
        yield column.table.name, f"{column.name} cannot be read: {_shown(found[0])}{more}"


def _shown(value: str) -> str:
    return repr(value if len(value) <= _SHOWN else f"{value[:_SHOWN]}...")


def _is_name(namespace: str, name: str) -> bool:
    try:
        return PromptId.from_segments([*namespace.split("/"), name]) == (namespace, name)
    except InvalidRef:
        return False


def _object(text: str) -> None:
    if not isinstance(json.loads(text), dict):
        raise TypeError("no JSON object")


def _changes(text: str) -> None:
    for change in json.loads(text):
        ContractChange(**change)


_JSON: tuple[tuple[sa.Column[Any], _Check], ...] = (
    (runs.c.counts_json, _object),
    (assets.c.metadata_json, _object),
    (events.c.breaking_json, _changes),
)
