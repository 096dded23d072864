"""Rows of a registry as JSON and back: one object for each row, with exactly the columns of its table."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, create_model

from promptdb.db.columns import metadata
from promptdb.db.inserts import Row
from promptdb.transfer.row_checks import check_row
from promptdb.transfer.strict_json import Refused, strict_json

TABLES = (
    *("prompts", "sync_runs", "prompt_versions", "prompt_assets", "version_sources"),
    *("prompt_aliases", "alias_events", "git_targets", "prompt_redirects", "prompt_absences", "source_heads"),
)
"""The tables that are transferred, each after those that it refers to. A registry keeps its own identity."""


def table(name: str) -> sa.Table:
    return metadata.tables[name]


def kind_of(column: sa.ColumnElement[Any]) -> type:
    """Return the Python type of a column, also where one type of SQLAlchemy wraps another."""
    kind = column.type
    return (kind.impl_instance if isinstance(kind, sa.TypeDecorator) else kind).python_type


def key_of(name: str, row: Row) -> tuple[Any, ...]:
    """Return a row's primary key. Keys sort as the rows of a source do."""
    return tuple(row[column] for column in _key_columns(name))


@cache
def _key_columns(name: str) -> tuple[str, ...]:
    return tuple(column.name for column in table(name).primary_key.columns)


def encoded(row: Mapping[str, Any]) -> bytes:
    """Encode a row as one line, without its end."""
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"), default=plain).encode()


def decoded(name: str, line: bytes) -> Row:
    """Decode a row, and check its types and values.

    Raises:
        Refused: promptdb does not write such a row.
    """
    strict_json(line)  # pydantic accepts a key that appears twice
    try:
        row = dict(_model(name).model_validate_json(line))
    except OverflowError as error:
        raise Refused("a time is out of range") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise Refused(": ".join([*map(str, first["loc"]), first["msg"]])) from error
    check_row(name, row)
    return row


@cache
def _model(name: str) -> type[BaseModel]:
    fields: dict[str, Any] = {column.name: (_type(column), ...) for column in table(name).columns}
    return create_model(name, __config__=ConfigDict(extra="forbid", strict=True), **fields)


def _type(column: sa.Column[Any]) -> Any:
    kind: Any = kind_of(column)
    if kind is datetime:
        kind = Annotated[AwareDatetime, AfterValidator(lambda time: time.astimezone(UTC))]
    elif kind is int:
        kind = Annotated[int, Field(ge=0, lt=2 ** (63 if isinstance(column.type, sa.BigInteger) else 31))]
    elif kind is str:  # PostgreSQL stores no NUL
        kind = Annotated[str, Field(max_length=getattr(column.type, "length", None), pattern=r"\A[^\x00]*\z")]
    return kind | None if column.nullable else kind


def plain(value: UUID | datetime) -> str:
    """Return the text that stands for a value in JSON."""
    return value.isoformat() if isinstance(value, datetime) else str(value)
