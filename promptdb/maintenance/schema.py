"""Shows, updates and checks the schema of the database that the settings name."""

from contextlib import closing
from dataclasses import dataclass

from promptdb.db import migrate
from promptdb.errors import ConfigError
from promptdb.registry.stores import registry_of
from promptdb.settings import AppSettings


@dataclass(frozen=True)
class SchemaStanding:
    """A database's migration, None if it is empty, and the migration that this release needs."""

    database: str
    current: str | None
    needed: str


def standing(settings: AppSettings) -> SchemaStanding:
    """Look up which migration the database is at."""
    with closing(registry_of(settings)) as registry:
        return SchemaStanding(registry.address, migrate.current_revision(registry.engine), migrate.HEAD)


def upgrade(settings: AppSettings) -> tuple[str | None, str]:
    """Run the missing migrations, and return the migrations before and after; None for an empty database.

    Raises:
        ConfigError: the database has tables that are not promptdb's, or comes from a newer release.
    """
    with closing(registry_of(settings)) as registry:
        before = migrate.current_revision(registry.engine)
        migrate.upgrade(registry.engine)
    return before, migrate.HEAD


def require_sound(settings: AppSettings) -> str:
    """Compare the schema with the tables of this release, and return its migration.

    Raises:
        ConfigError: they differ, or there is no database.
    """
    with closing(registry_of(settings)) as registry:
        registry.ready()
        differences = migrate.drift(registry.engine)
    if differences:
        raise ConfigError(f"the schema was changed: {'; '.join(differences)}", "restore it, or report a defect")
    return migrate.HEAD
