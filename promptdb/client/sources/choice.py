"""The source that the settings name."""

from collections.abc import Callable
from dataclasses import dataclass

from promptdb.client.source import Source
from promptdb.settings import AppSettings, load_settings


def _database(settings: AppSettings) -> Source:
    from promptdb.client.sources.database import DatabaseSource

    return DatabaseSource(settings)


def _files(settings: AppSettings) -> Source:
    from promptdb.client.sources.files import FilesSource

    return FilesSource(settings)


def _http(settings: AppSettings) -> Source:
    from promptdb.client.sources.http import HttpSource

    return HttpSource(settings)


def _snapshot(settings: AppSettings) -> Source:
    from promptdb.client.sources.snapshot import SnapshotSource

    return SnapshotSource(settings)


SOURCES: dict[str, Callable[[AppSettings], Source]] = {
    "database": _database,
    "files": _files,
    "http": _http,
    "snapshot": _snapshot,
}
"""Each imports its module when it is chosen: only one of them needs SQLAlchemy."""


@dataclass(frozen=True)
class Choice:
    """A source, and how long a client serves its answers, in seconds."""

    source: Source
    ttl: float
    max_stale: float | None
    enable_otel: bool


def chosen(settings: AppSettings | None) -> Choice:
    """Make the source that the settings name, by default those of the current folder. Raise ConfigError if one is wrong."""
    settings = settings or load_settings()
    made = [SOURCES[name](settings) for name in settings.source]
    source = made[0] if len(made) == 1 else _chain(*made)
    return Choice(source, settings.cache_ttl, settings.max_stale, settings.enable_otel)


def _chain(live: Source, stand_in: Source) -> Source:
    from promptdb.client.sources.chain import Chain, WritableChain

    # `isinstance` would make the service.
    return WritableChain(live, stand_in) if hasattr(type(live), "service") else Chain(live, stand_in)
