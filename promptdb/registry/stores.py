"""Opens the database and the blob store that the settings name."""

import getpass
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self
from uuid import UUID

import sqlalchemy as sa

from promptdb.blobs.local import LocalBlobStore
from promptdb.blobs.store import BlobStore
from promptdb.db.engine import address, make_engine
from promptdb.db.migrate import ensure_schema
from promptdb.settings import MAX_ACTOR, AppSettings

Sharing = Callable[[str, frozenset[UUID]], None]
"""Called once, before the first write into a store that other registries use, with its place and the ids of the others."""


@dataclass(frozen=True)
class Registry:
    """A database and a blob store. `actor` is recorded as the author of writes, `sharing` is called for a shared store."""

    engine: sa.Engine
    blobs: BlobStore
    actor: str
    protected_aliases: frozenset[str] = frozenset()
    sharing: Sharing | None = None

    @property
    def is_local(self) -> bool:
        """True for a SQLite file with blobs in a folder, which only this machine uses."""
        return self.engine.dialect.name == "sqlite" and self.blobs.backend == "local"

    @property
    def address(self) -> str:
        """The database's URL without user and password."""
        return address(self.engine)

    def ready(self, database: str | None = None) -> Self:
        """Create the schema in an empty SQLite database. Hints show `database` if it is not that of the current folder.

        Raises:
            ConfigError: the schema is missing, or of another release.
        """
        ensure_schema(self.engine, database)
        return self

    def close(self) -> None:
        """Return the database connections."""
        self.engine.dispose()


def registry_of(settings: AppSettings, sharing: Sharing | None = None) -> Registry:
    """Make the stores that the settings name. Nothing is connected yet.

    Raises:
        ConfigError: a setting is missing or wrong.
    """
    engine = make_engine(settings.database_url.get_secret_value(), settings.base, settings.lock_timeout)
    protected = frozenset(settings.protected_aliases)
    return Registry(engine, blob_store(settings), settings.actor or _user(), protected, sharing)


def blob_store(settings: AppSettings) -> BlobStore:
    """Make the blob store that the settings name. Errors as in `registry_of`."""
    if settings.storage_backend == "local":
        return LocalBlobStore(settings.blob_path)
    from promptdb.blobs.minio import MinioBlobStore
    from promptdb.blobs.s3.address import S3Address

    access, secret = settings.minio_access_key, settings.minio_secret_key
    address = S3Address.of(
        settings.minio_endpoint,
        settings.minio_bucket,
        access.get_secret_value() if access else None,
        secret.get_secret_value() if secret else None,
        secure=settings.minio_secure,
        region=settings.minio_region,
        prefix=str(settings.model_config["env_prefix"]),
    )
    return MinioBlobStore(address)


def _user() -> str:
    try:
        return getpass.getuser().encode(errors="replace").decode()[:MAX_ACTOR]
    except (OSError, KeyError):
        # The user id has no name in some containers.
        return "unknown"
