"""The source that the settings name."""

from collections.abc import Callable

from promptdb.client.source import Source
from promptdb.settings import AppSettings


def _database(settings: AppSettings) -> Source:
    from promptdb.client.sources.database import DatabaseSource

    return DatabaseSource(settings)


def _files(settings: AppSettings) -> Source:
    from promptdb.client.sources.files import FilesSource

    return FilesSource(settings)


def _snapshot(settings: AppSettings) -> Source:
    from promptdb.client.sources.snapshot import SnapshotSource

    return SnapshotSource(settings)


SOURCES: dict[str, Callable[[AppSettings], Source]] = {
    "database": _database,
    "files": _files,
    "snapshot": _snapshot,
}
"""Each imports its module when it is chosen: only one of them needs SQLAlchemy."""


def chosen_source(settings: AppSettings) -> Source:
    """Make the source that the settings name. Raise ConfigError if a setting is wrong."""
    return SOURCES[settings.source](settings)
