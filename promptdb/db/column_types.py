"""The kinds of columns, and the types of those that SQLite stores as text, which someone may have edited."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

from promptdb.errors import IntegrityFailure

ACTOR = sa.String(255)

# Every constraint has a name, so that migrations can refer to it.
metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

required = partial(sa.Column, nullable=False)
optional = partial(sa.Column, nullable=True)


def numbered() -> sa.Column[int]:
    return sa.Column("id", sa.Integer, primary_key=True)


def key_of(name: str, target: sa.Table, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, target.c.id.type, sa.ForeignKey(target.c.id), nullable=nullable)


_Read = Callable[[Any], Any]


class UtcDateTime(TypeDecorator[datetime]):
    """Aware datetimes in UTC."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        return value.astimezone(UTC) if value is not None else None

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> _Read | None:
        # One function and not two, since a preload reads thousands of times.
        parse = self.impl_instance.result_processor(dialect, coltype)

        def read(value: Any) -> datetime | None:
            if value is None:
                return None
            found = parse(value) if parse is not None else value
            assert isinstance(found, datetime)  # noqa: S101
            # SQLite does not store the zone.
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)

        return _or_refuse(read, "a time")


class RowId(sa.Uuid[UUID]):
    """UUIDs."""

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> _Read | None:
        # SQLite stores them as text, which may be edited by hand.
        read: _Read | None = super().result_processor(dialect, coltype)  # type: ignore[no-untyped-call]
        return _or_refuse(read, "an id")


def _or_refuse(read: _Read | None, what: str) -> _Read | None:
    if read is None:
        return None

    def read_or_refuse(value: Any) -> Any:
        try:
            return read(value)
        # Restated here: callers of the statement could not distinguish these from mistakes of promptdb.
        except (ValueError, TypeError, AttributeError, OverflowError) as error:
            raise IntegrityFailure(
                f"a row of the database has {value!r} where {what} should be", "see: promptdb verify"
            ) from error

    return read_or_refuse
