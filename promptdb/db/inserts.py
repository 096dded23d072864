"""Bulk inserts. Values are converted one column at a time, which takes half the time of `connection.execute`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

Row = Mapping[str, Any]

# From this number of rows on, COPY is faster than INSERT.
COPY_FROM = 200


def insert_rows(connection: sa.Connection, target: sa.Table, rows: Sequence[Row]) -> None:
    """Insert rows that all have the same columns, with one statement."""
    if not rows:
        return
    names = list(rows[0])
    if connection.dialect.name == "postgresql" and len(rows) >= COPY_FROM:
        _copy(connection, target, names, _converted(connection, target, names, rows))
        return
    statement = sa.insert(target).compile(dialect=connection.dialect, column_keys=names)
    if statement.positional:
        names = statement.positiontup or names
        connection.exec_driver_sql(str(statement), list(_converted(connection, target, names, rows)))
    else:
        values = _converted(connection, target, names, rows)
        connection.exec_driver_sql(str(statement), [dict(zip(names, row, strict=True)) for row in values])


def _copy(connection: sa.Connection, target: sa.Table, names: list[str], rows: Iterable[tuple[Any, ...]]) -> None:
    quoted = connection.dialect.identifier_preparer.quote
    into = f"COPY {quoted(target.name)} ({', '.join(map(quoted, names))}) FROM STDIN"
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(into) as copy:
        for row in rows:
            copy.write_row(row)


def _converted(
    connection: sa.Connection, target: sa.Table, names: list[str], rows: Sequence[Row]
) -> Iterable[tuple[Any, ...]]:
    """Convert the rows to tuples of the values that the driver takes."""
    columns = []
    for name in names:
        values = [row[name] for row in rows]
        convert = target.c[name].type.dialect_impl(connection.dialect).bind_processor(connection.dialect)
        if convert is not None:
            # Many rows share a value, such as a time: it is converted once.
            converted = {value: convert(value) for value in set(values)}
            values = [converted[value] for value in values]
        columns.append(values)
    return zip(*columns, strict=True)
