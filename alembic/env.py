"""Runs migrations on the connection of `promptdb.db.migrate`, or for Alembic's command line on the database of the settings."""

from pathlib import Path

import sqlalchemy as sa
from alembic import context

from promptdb.db.columns import metadata


def run(connection: sa.Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        compare_type=True,
        compare_server_default=True,
        render_as_batch=False,
        transactional_ddl=True,  # SQLite too, since promptdb begins its transactions itself
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    from promptdb.db.engine import create_missing, make_engine, writing
    from promptdb.settings import load_settings

    settings = load_settings(Path.cwd())
    engine = make_engine(settings.database_url.get_secret_value(), settings.base)
    create_missing(engine)
    with writing(engine) as own:
        run(own)
