"""Edits of rows behind the back of promptdb, as by somebody who owns the database: triggers and foreign keys do not stop them."""

from typing import Any

import sqlalchemy as sa


def edit(engine: sa.Engine, *statements: str) -> None:
    """Run statements with what would refuse them switched off; afterwards all of that is there again."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("SET session_replication_role = replica"))
            for statement in statements:
                connection.exec_driver_sql(statement)
            connection.commit()
        else:
            _edit_sqlite(connection.connection.driver_connection, statements)
        connection.invalidate()  # the settings go with it


def _edit_sqlite(connection: Any, statements: tuple[str, ...]) -> None:
    """On the driver's connection, which begins no transaction: in one, foreign keys cannot be switched off."""
    connection.execute("PRAGMA foreign_keys = OFF")
    triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    for _, definition in triggers:
        connection.execute(definition)
