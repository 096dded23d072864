"""Shows, updates and checks the schema of the database that the settings name."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from promptdb.db import migrate
from promptdb.errors import ConfigError
from promptdb.registry.stores import registry_of
from promptdb.settings import AppSettings


@dataclass(frozen=True)
class SchemaStanding:
    """The migration that a database is at, None if it is empty, and the one that this release needs."""

    database: str
    current: str | None
    needed: str


def standing(settings: AppSettings) -> SchemaStanding:
    """Look up which migration the database is at."""
    with closing(registry_of(settings)) as stores:
        return SchemaStanding(stores.address, migrate.current_revision(stores.engine), migrate.HEAD)


def upgrade(settings: AppSettings) -> tuple[str | None, str]:
    """Run the migrations that are missing.

    Returns:
        The migrations before and after; None for an empty database.

    Raises:
        ConfigError: the database holds tables of something else, or comes from a newer release.
    """
    with _engine(settings) as engine:
        before = migrate.current_revision(engine)
        migrate.upgrade(engine)
    return before, migrate.HEAD


def require_sound(settings: AppSettings) -> str:
    """Compare the schema with the tables of this release, and return its migration.

    Raises:
        ConfigError: they differ.
    """
    with _engine(settings) as engine:
        found = migrate.current_revision(engine)
        if found != migrate.HEAD:
            where = f"the schema is at {found or 'nothing'}, not at {migrate.HEAD}"
            raise ConfigError(where, "run: promptdb db upgrade")
        differences = migrate.drift(engine)
    if differences:
        raise ConfigError(f"the schema was changed: {'; '.join(differences)}", "restore it, or report a defect")
    return found


@contextmanager
def _engine(settings: AppSettings) -> Iterator[sa.Engine]:
    with closing(registry_of(settings)) as stores:
        yield stores.engine
