"""Where versions are kept."""

import getpass
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from promptdb.blobs.local import LocalBlobStore
from promptdb.blobs.store import BlobStore
from promptdb.db.engine import make_engine
from promptdb.settings import MAX_ACTOR, AppSettings

Sharing = Callable[[str, frozenset[UUID]], None]
"""Is told once, when a registry begins in a store that others have marked: where that is, and who they are."""


@dataclass(frozen=True)
class Registry:
    """The two stores, who writes, which aliases are protected from breaking changes, and who is told of a shared store."""

    engine: sa.Engine
    blobs: BlobStore
    actor: str
    protected_aliases: frozenset[str] = frozenset()
    sharing: Sharing | None = None

    @property
    def is_local(self) -> bool:
        return is_local(self.engine, self.blobs)


def is_local(engine: sa.Engine, blobs: BlobStore) -> bool:
    """Whether a registry is of one's own: SQLite, and blobs in a folder. Connects to nothing."""
    return engine.dialect.name == "sqlite" and blobs.backend == "local"


def registry_of(settings: AppSettings, sharing: Sharing | None = None) -> Registry:
    """The stores that the settings name; nothing is connected yet.

    Raises:
        ConfigError: a setting is wrong.
    """
    engine = make_engine(settings.database_url.get_secret_value(), settings.base, settings.lock_timeout)
    protected = frozenset(settings.protected_aliases)
    return Registry(engine, blob_store(settings), settings.actor or _user(), protected, sharing)


def blob_store(settings: AppSettings) -> BlobStore:
    """The store that the settings name; nothing is connected yet.

    Raises:
        ConfigError: a setting of it is missing or wrong.
    """
    if settings.storage_backend == "local":
        return LocalBlobStore(settings.blob_path)
    from promptdb.blobs.minio import MinioBlobStore
    from promptdb.blobs.s3_address import S3Address

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
    except (OSError, KeyError):  # no such user, as in some containers
        return "unknown"
