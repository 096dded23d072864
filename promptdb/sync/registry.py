"""Where versions are kept."""

import getpass
from dataclasses import dataclass

import sqlalchemy as sa

from promptdb.blobs.local import LocalBlobStore
from promptdb.blobs.store import BlobStore
from promptdb.db.engine import make_engine
from promptdb.settings import MAX_ACTOR, AppSettings


@dataclass(frozen=True)
class Registry:
    """The two stores, who writes, and which aliases are protected from breaking changes."""

    engine: sa.Engine
    blobs: BlobStore
    actor: str
    protected_aliases: frozenset[str] = frozenset()

    @property
    def is_local(self) -> bool:
        return is_local(self.engine, self.blobs)


def is_local(engine: sa.Engine, blobs: BlobStore) -> bool:
    """Whether a registry is of one's own: SQLite, and blobs in a folder. Connects to nothing."""
    return engine.dialect.name == "sqlite" and blobs.backend == "local"


def registry_of(settings: AppSettings) -> Registry:
    """The stores that the settings name; nothing is connected yet.

    Raises:
        ConfigError: a setting is wrong.
    """
    engine = make_engine(settings.database_url.get_secret_value(), settings.base, settings.lock_timeout)
    protected = frozenset(settings.protected_aliases)
    return Registry(engine, blob_store(settings), settings.actor or _user(), protected)


def blob_store(settings: AppSettings) -> BlobStore:
    """The blob store that the settings name; nothing is connected yet."""
    return LocalBlobStore(settings.blob_path)


def _user() -> str:
    try:
        return getpass.getuser().encode(errors="replace").decode()[:MAX_ACTOR]
    except (OSError, KeyError):  # no such user, as in some containers
        return "unknown"
