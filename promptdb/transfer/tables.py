"""The rows of a registry as JSON, and back: one object per row, with every column of its table and no other."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from promptdb.db.bulk import Row
from promptdb.db.columns import metadata
from promptdb.transfer.values import Refused, require_fields, strict_json

TABLES = (
    *("prompts", "sync_runs", "prompt_versions", "prompt_assets", "version_sources"),
    *("prompt_aliases", "alias_events", "prompt_redirects", "prompt_absences", "source_heads"),
)
"""Those that are transferred, each after the ones that it refers to. Who a registry is, and what was collected in its store,
is its own.
"""

_NUL_OR_SURROGATE = re.compile("[\0\ud800-\udfff]")


def table(name: str) -> sa.Table:
    return metadata.tables[name]


def kind_of(column: sa.ColumnElement[Any]) -> type:
    """What its values are in Python; a type that wraps another does not tell."""
    kind = column.type
    return (kind.impl_instance if isinstance(kind, sa.TypeDecorator) else kind).python_type


def encoded(row: Mapping[str, Any]) -> bytes:
    """One line, without its end."""
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"), default=_plain).encode()


def decoded(target: sa.Table, line: bytes) -> Row:
    """
    Raises:
        Refused: it is not a row of the table.
    """
    found = strict_json(line)
    require_fields(found, set(target.columns.keys()))
    return {column.name: _value(column, found[column.name]) for column in target.columns}


def _value(column: sa.Column[Any], value: Any) -> Any:
    if value is None:
        if not column.nullable:
            raise Refused(f"{column.name} is null")
        return None
    return _READERS[kind_of(column)](column, value)


def _uuid(column: sa.Column[Any], value: Any) -> UUID:
    try:
        found = UUID(value)
    except (ValueError, AttributeError, TypeError) as error:
        raise Refused(f"{column.name} is not a UUID") from error
    if str(found) != value:
        raise Refused(f"{column.name} is not a UUID in lower case")
    return found


def _time(column: sa.Column[Any], value: Any) -> datetime:
    try:
        found = datetime.fromisoformat(value)
    except (ValueError, TypeError) as error:
        raise Refused(f"{column.name} is not a time") from error
    if found.utcoffset() is None:
        raise Refused(f"{column.name} is a time without an offset")
    try:
        return found.astimezone(UTC)
    except OverflowError as error:
        raise Refused(f"{column.name} is no time in UTC") from error


def _flag(column: sa.Column[Any], value: Any) -> bool:
    if not isinstance(value, bool):
        raise Refused(f"{column.name} is neither true nor false")
    return value


def _number(column: sa.Column[Any], value: Any) -> int:
    bits = 63 if isinstance(column.type, sa.BigInteger) else 31
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**bits:
        raise Refused(f"{column.name} is not a number that fits")
    return value


def _text(column: sa.Column[Any], value: Any) -> str:
    if not isinstance(value, str):
        raise Refused(f"{column.name} is not a text")
    length = getattr(column.type, "length", None)
    if length is not None and len(value) > length:
        raise Refused(f"{column.name} is longer than {length} characters")
    if _NUL_OR_SURROGATE.search(value):
        raise Refused(f"{column.name} has characters that cannot be stored")
    return value


_READERS: dict[type, Callable[[sa.Column[Any], Any], Any]] = {
    UUID: _uuid,
    datetime: _time,
    bool: _flag,
    int: _number,
    str: _text,
}


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
