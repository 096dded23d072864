"""Creates, upgrades and checks the schema of a database, through Alembic only."""

import shlex
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from promptdb.db.columns import metadata
from promptdb.db.engine import address, create_missing, is_missing, memory_engine, reading, writing
from promptdb.db.retry import retried
from promptdb.errors import ConfigError

if TYPE_CHECKING:
    from alembic.config import Config

# Stated here so that commands start without Alembic. A test compares it with the scripts.
HEAD = "0009"
"""The migration that this release needs."""

WAL_TIMEOUT = 10.0  # seconds
_VERSION_TABLE = "alembic_version"
_IMMUTABLE = ("prompt_versions", "alias_events")
_TRIGGERS = {
    "sqlite": {f"{table}_no_{event}" for table in _IMMUTABLE for event in ("update", "delete", "replace")},
    "postgresql": {f"{table}_no_{event}" for table in _IMMUTABLE for event in ("update", "truncate")},
}
_TRIGGER_NAMES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'",
}
_PACKAGE = Path(__file__).resolve().parent.parent


def ensure_schema(engine: sa.Engine, named: str | None = None) -> None:
    """Require the schema of this release, and create it in an empty SQLite database.

    Args:
        engine: of the database.
        named: stands for the URL in the hint, as the URL may hold a password. None if the settings name the database.

    Raises:
        ConfigError: as in `require_schema`.
    """
    current = current_revision(engine)
    if current is None and engine.dialect.name == "sqlite":
        # It looks again under the lock: another process may be creating the schema.
        upgrade(engine)
    elif current != HEAD:
        _refuse(engine, current, named)


def require_schema(engine: sa.Engine, named: str | None = None) -> None:
    """Require the schema of this release. Arguments as in `ensure_schema`.

    Raises:
        ConfigError: the schema is missing, outdated, newer than this release, or not promptdb's.
    """
    current = current_revision(engine)
    if current != HEAD:
        _refuse(engine, current, named)


def is_absent(engine: sa.Engine) -> bool:
    """Check for a SQLite database that does not exist yet, or that is an empty file. Creates nothing."""
    if engine.dialect.name != "sqlite":
        return False
    return is_missing(engine) or (current_revision(engine) is None and is_empty(engine))


def empty_database() -> sa.Engine:
    """Make a database in memory with the schema of this release and no rows, for plans before the first sync."""
    engine = memory_engine()
    upgrade(engine)
    return engine


@retried
def current_revision(engine: sa.Engine) -> str | None:
    """Return the migration that the database is at, or None if there is none."""
    if is_missing(engine):
        return None
    with reading(engine) as connection:
        return _current(connection)


def upgrade(engine: sa.Engine, revision: str = "head") -> None:
    """Run the migrations up to `revision`, all or none, under the write lock. Creates a missing SQLite file.

    Raises:
        ConfigError: the database has tables of another application, or comes from a newer release.
    """
    from alembic import command  # slow to import, and rarely needed

    create_missing(engine)
    with writing(engine) as connection:
        current = _current(connection)
        if current is None and _tables(connection):
            _refuse(engine, None)
        if current is not None and current not in known_revisions():
            _refuse(engine, current)
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    if engine.dialect.name == "sqlite":
        _use_wal(engine)


def downgrade(engine: sa.Engine, revision: str) -> None:
    """Undo the migrations down to `revision`. `base` removes the schema with all data."""
    from alembic import command

    with writing(engine) as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def drift(engine: sa.Engine) -> list[str]:
    """List the differences between the database and the tables of this release."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        differences = [str(difference) for difference in compare_metadata(context, metadata)]
        present = connection.execute(sa.text(_TRIGGER_NAMES[engine.dialect.name])).scalars()
        return [*differences, *(f"no trigger {name}" for name in sorted(_TRIGGERS[engine.dialect.name] - set(present)))]


def known_revisions() -> list[str]:
    """List the migrations of this release, the newest first."""
    from alembic.script import ScriptDirectory

    return [script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()]


def _config() -> "Config":
    from alembic.config import Config

    checkout = _PACKAGE.parent / "alembic"
    config = Config()
    # A wheel has the scripts inside the package. A checkout has them beside it: copies inside may be stale.
    location = checkout if (checkout / "env.py").is_file() else _PACKAGE / "migrations"
    config.set_main_option("script_location", str(location).replace("%", "%%"))
    return config


def _current(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table(_VERSION_TABLE):
        return None
    revision: str | None = connection.execute(sa.text(f"SELECT version_num FROM {_VERSION_TABLE}")).scalar()  # noqa: S608
    return revision


def _tables(connection: sa.Connection) -> set[str]:
    # Alembic's own table stays after a downgrade to nothing.
    return set(sa.inspect(connection).get_table_names()) - {_VERSION_TABLE}


def is_empty(engine: sa.Engine) -> bool:
    with reading(engine) as connection:
        return not _tables(connection)


def _refuse(engine: sa.Engine, current: str | None, named: str | None = None) -> None:
    where = address(engine)
    if current is not None and current not in known_revisions():
        raise ConfigError(f"the schema of {where} is {current}, which this promptdb does not know", "upgrade promptdb")
    if current is None and not is_empty(engine):
        raise ConfigError(f"{where} holds tables that are not promptdb's", "give promptdb a database of its own")
    command = "promptdb db upgrade"
    if named is not None:
        # `named` may be a path relative to another folder; the address of a SQLite file is absolute, and not a secret.
        url = shlex.quote(where) if engine.dialect.name == "sqlite" else named
        command = f"PROMPTDB_DATABASE_URL={url} {command}"
    state = "empty" if current is None else f"at {current}"
    run = "run" if engine.dialect.name == "sqlite" else "as the role that owns the schema, run"
    raise ConfigError(f"the schema of {where} is {state}; this promptdb needs {HEAD}", f"{run}: {command}")


def _use_wal(engine: sa.Engine) -> None:
    # In WAL mode readers do not block the writer. The mode is part of the file; SQLite changes it only without other readers.
    deadline = time.monotonic() + WAL_TIMEOUT
    with closing(engine.raw_connection()) as connection:
        while True:
            try:
                connection.driver_connection.execute("PRAGMA journal_mode = WAL")  # type: ignore[union-attr]
                return
            except sqlite3.OperationalError:
                if time.monotonic() > deadline:
                    return  # without WAL, readers are slower and as safe
                time.sleep(0.02)
