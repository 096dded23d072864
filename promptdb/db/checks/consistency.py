"""Checks the consistency of a database: the file of SQLite, readable values, and foreign keys."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from promptdb.db.column_types import RowId, UtcDateTime
from promptdb.db.columns import metadata
from promptdb.db.engine import reading
from promptdb.errors import IntegrityFailure, StorageError

_MOST = 100  # findings of SQLite in a damaged file
_DAMAGED = ("malformed", "not a database", "disk image")


@contextmanager
def any_text(connection: sa.Connection) -> Iterator[None]:
    """Read text with replacement characters where it is not UTF-8, as after a bit flip in a SQLite file."""
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
    """List the damage that SQLite finds in its file. PostgreSQL checks its pages by itself.

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
    """Find tables with values that are not times or ids. PostgreSQL has typed columns."""
    for table in metadata.sorted_tables if connection.dialect.name == "sqlite" else ():
        kinds = [column for column in table.columns if isinstance(column.type, RowId | UtcDateTime)]
        try:
            for _ in connection.execute(sa.select(*kinds), execution_options={"yield_per": 500}) if kinds else ():
                pass
        except IntegrityFailure as error:
            yield table.name, error.message


def dangling(connection: sa.Connection) -> Iterator[tuple[str, str]]:
    """Find tables with rows that refer to missing rows. An editor may have ignored foreign keys."""
    for table in metadata.sorted_tables:
        for constraint in sorted(table.foreign_key_constraints, key=lambda found: str(found.name)):
            parent = constraint.referred_table.alias("parent")
            pairs = [(key.parent, parent.c[key.column.name]) for key in constraint.elements]
            there = sa.exists().where(*(column == target for column, target in pairs)).correlate(table)
            lost = sa.select(sa.func.count()).select_from(table).where(*(c.is_not(None) for c, _ in pairs), ~there)
            if count := connection.execute(lost).scalar_one():
                yield table.name, f"{count} of its rows refer to missing rows of {constraint.referred_table.name}"
