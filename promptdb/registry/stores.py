"""Opens the database and the blob store that the settings name."""

import getpass
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Self
from uuid import UUID

import sqlalchemy as sa

from promptdb.blobs.local import LocalBlobStore
from promptdb.blobs.store import BlobStore
from promptdb.db.engine import address, forget_connections, make_engine
from promptdb.db.migrate import HEAD, current_revision, empty_database, ensure_schema, is_absent, require_schema
from promptdb.errors import ConfigError
from promptdb.settings import MAX_ACTOR, AppSettings, settings_file, variable_of

Sharing = Callable[[str, frozenset[UUID]], None]
"""Called once, before the first write into a store that other registries use, with its place and the ids of the others."""


@dataclass(frozen=True)
class Registry:
    """A database and a blob store, each opened at its first use.

    Attributes:
        open_blobs: makes the blob store. Only blobs need it: texts are in the database.
        blobs_place: the address of the blob store for readers, even if its settings are incomplete.
        has_local_blobs: blobs are in a folder.
        is_beside: the database is a SQLite file in or beside the checkout.
        origin: says how the settings chose the database, for messages.
        actor: recorded as the author of writes.
        sharing: called for a shared store.
    """

    engine: sa.Engine
    open_blobs: Callable[[], BlobStore]
    blobs_place: str
    has_local_blobs: bool
    is_beside: bool
    origin: Callable[[], str]
    actor: str
    protected_aliases: frozenset[str] = frozenset()
    sharing: Sharing | None = None

    @cached_property
    def blobs(self) -> BlobStore:
        """The blob store, not connected yet.

        Raises:
            ConfigError: one of its settings is missing or wrong.
        """
        return self.open_blobs()

    @property
    def is_local(self) -> bool:
        """True if only the owner of the checkout uses the database and the blobs."""
        return self.is_beside and self.has_local_blobs

    @property
    def audience(self) -> str:
        """The people who get what a sync writes, for messages."""
        return f"who reads {self.blobs_place}" if self.is_beside else f"who reads 'latest' from {self.address}"

    @property
    def address(self) -> str:
        """The database's URL without user and password."""
        return address(self.engine)

    @property
    def absence(self) -> str | None:
        """Say that there is no database yet, and how the settings chose it. None if there is one."""
        return f"there is no database {self.address}; {self.origin()}" if is_absent(self.engine) else None

    def ready(self, database: str | None = None) -> Self:
        """Require the schema of this release, and create nothing. Hints show `database` in place of its URL.

        Raises:
            ConfigError: there is no database, or its schema is missing or of another release.
        """
        if current_revision(self.engine) == HEAD:
            return self
        if (absence := self.absence) is not None:
            raise ConfigError(absence, "'promptdb sync' creates it there; otherwise set PROMPTDB_DATABASE_URL")
        require_schema(self.engine, database)
        return self

    def created(self, database: str | None = None) -> Self:
        """Create a missing SQLite database and its schema. For all other databases, do as `ready`."""
        ensure_schema(self.engine, database)
        return self

    def compared(self) -> Self:
        """Do as `ready`, but replace a missing SQLite database by an empty one in memory, to plan the first sync."""
        if current_revision(self.engine) == HEAD:
            return self
        if is_absent(self.engine):
            return replace(self, engine=empty_database())
        return self.ready()

    def after_fork(self) -> None:
        """Give up the connections of the parent in a forked child."""
        forget_connections(self.engine)
        self.__dict__.pop("blobs", None)

    def close(self) -> None:
        """Return the database connections."""
        self.engine.dispose()


def registry_of(settings: AppSettings, sharing: Sharing | None = None) -> Registry:
    """Make the stores that the settings name. Nothing is connected yet.

    Raises:
        ConfigError: the database URL is wrong.
    """
    engine = make_engine(settings.database_url.get_secret_value(), settings.base, settings.lock_timeout)
    return Registry(
        engine,
        partial(blob_store, settings),
        _blobs_place(settings),
        settings.storage_backend == "local",
        _is_beside(engine, settings.base),
        partial(_origin, settings),
        settings.actor or _user(),
        frozenset(settings.protected_aliases),
        sharing,
    )


def blob_store(settings: AppSettings) -> BlobStore:
    """Make the blob store that the settings name.

    Raises:
        ConfigError: a setting of the store is missing or wrong.
    """
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
        prefix=settings.prefix,
    )
    return MinioBlobStore(address)


def _blobs_place(settings: AppSettings) -> str:
    if settings.storage_backend == "local":
        return str(settings.blob_path)
    scheme = "https" if settings.minio_secure else "http"
    return f"{scheme}://{settings.minio_endpoint or '(no endpoint)'}/{settings.minio_bucket or '(no bucket)'}"


def _is_beside(engine: sa.Engine, base: Path) -> bool:
    """Check for a SQLite file in the checkout around `base`, or in the folder that holds the checkout."""
    if engine.dialect.name != "sqlite":
        return False
    base, file = base.resolve(), Path(engine.url.database or "").resolve()
    checkout = next((folder for folder in (base, *base.parents) if (folder / ".git").exists()), base)
    return file.is_relative_to(checkout) or file.parent == checkout.parent


def _origin(settings: AppSettings) -> str:
    prefix = settings.prefix
    if (variable := variable_of("database_url", prefix)) is not None:
        return f"{variable} names it"
    file, is_named = settings_file(settings.base), "database_url" in settings.model_fields_set
    if file is not None:
        return f"{file} names it" if is_named else f"it is the default, because {file} does not name a database"
    if is_named:
        return "the program names it"
    return f"it is the default, because no settings file was found for {settings.base}"


def _user() -> str:
    try:
        return getpass.getuser().encode(errors="replace").decode()[:MAX_ACTOR]
    except (OSError, KeyError):
        # The user id has no name in some containers.
        return "unknown"
