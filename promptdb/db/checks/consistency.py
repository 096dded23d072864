"""Checks that a database holds together by itself: the file of SQLite, readable values, rows that others refer to."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from promptdb.db.columns import RowId, UtcDateTime, metadata
from promptdb.db.engine import reading
from promptdb.errors import IntegrityFailure, StorageError

_MOST = 100
"""Lines of SQLite about a damaged file."""

_DAMAGED = ("malformed", "not a database", "disk image")


@contextmanager
def any_text(connection: sa.Connection) -> Iterator[None]:
    """Read text that is not UTF-8, as after a bit flip in a file of SQLite, with marks in it instead of an error."""
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.driver_connection
    driver.text_factory = lambda data: data.decode(errors="replace")
    try:
        yield
    finally:
        driver.text_factory = str


def file_damage(engine: sa.Engine, *, thorough: bool) -> list[str]:
    """Ask SQLite to check its file; PostgreSQL checks its own pages.

    Raises:
        StorageError: the file cannot be read at all.
    """
    if engine.dialect.name != "sqlite":
        return []
    check = "integrity_check" if thorough else "quick_check"
    try:
        with reading(engine) as connection:
            lines = list(connection.exec_driver_sql(f"PRAGMA {check}({_MOST})").scalars())
    except StorageError as error:
        if not any(word in error.message for word in _DAMAGED):
            raise
        return [error.message]
    return [] if lines == ["ok"] else [str(line) for line in lines]


def unreadable(connection: sa.Connection) -> Iterator[tuple[str, str]]:
    """Find tables with a value that is not a time or an id; columns of PostgreSQL hold no other kind."""
    for table in metadata.sorted_tables if connection.dialect.name == "sqlite" else ():
        kinds = [column for column in table.columns if isinstance(column.type, RowId | UtcDateTime)]
        try:
            for _ in connection.execute(sa.select(*kinds), execution_options={"yield_per": 500}) if kinds else ():
                pass
        except IntegrityFailure as error:
            yield table.name, error.message


def dangling(connection: sa.Connection) -> Iterator[tuple[str, str]]:
    """Find tables with rows that refer to missing ones: foreign keys may have been switched off."""
    for table in metadata.sorted_tables:
        for constraint in sorted(table.foreign_key_constraints, key=lambda found: str(found.name)):
            parent = constraint.referred_table.alias("parent")
            pairs = [(key.parent, parent.c[key.column.name]) for key in constraint.elements]
            there = sa.exists().where(*(column == target for column, target in pairs)).correlate(table)
            lost = sa.select(sa.func.count()).select_from(table).where(*(c.is_not(None) for c, _ in pairs), ~there)
            if count := connection.execute(lost).scalar_one():
                yield table.name, f"{count} of its rows refer to missing rows of {constraint.referred_table.name}"
