"""Inserts of many rows: SQLAlchemy writes the statement and converts the values, a column at a time instead of row by row."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

Row = Mapping[str, Any]

COPY_FROM = 200
"""Rows from which on PostgreSQL's COPY is the faster way."""


def insert_rows(connection: sa.Connection, target: sa.Table, rows: Sequence[Row]) -> None:
    """Insert rows that all have the same columns, with one statement. About half the time of `connection.execute`."""
    if not rows:
        return
    dialect = connection.dialect
    if dialect.name == "postgresql" and len(rows) >= COPY_FROM:
        _copy(connection, target, rows)
        return
    statement = sa.insert(target).compile(dialect=dialect, column_keys=list(rows[0]))
    names = statement.positiontup if statement.positional and statement.positiontup else list(rows[0])
    values = list(
        zip(*(_converted(target.c[name], [row[name] for row in rows], dialect) for name in names), strict=True)
    )
    if not statement.positional:
        connection.exec_driver_sql(str(statement), [dict(zip(names, row, strict=True)) for row in values])
    else:
        connection.exec_driver_sql(str(statement), values)


def _copy(connection: sa.Connection, target: sa.Table, rows: Sequence[Row]) -> None:
    names = list(rows[0])
    values = zip(
        *(_converted(target.c[name], [row[name] for row in rows], connection.dialect) for name in names), strict=True
    )
    quoted = connection.dialect.identifier_preparer.quote
    into = f"COPY {quoted(target.name)} ({', '.join(map(quoted, names))}) FROM STDIN"
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(into) as copy:
        for row in values:
            copy.write_row(row)


def _converted(column: sa.Column[Any], values: list[Any], dialect: sa.Dialect) -> list[Any]:
    """As the driver wants them. What stands in many rows, such as a time, is converted once."""
    convert = column.type.dialect_impl(dialect).bind_processor(dialect)
    if convert is None:
        return values
    known = {value: convert(value) for value in set(values)}
    return [known[value] for value in values]
