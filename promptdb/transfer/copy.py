"""Fills a registry from a file that `export` wrote, or from another registry without a file between them."""

from pathlib import Path

import sqlalchemy as sa

from promptdb.db.engine import address, reading
from promptdb.errors import ConfigError
from promptdb.progress import Progress
from promptdb.registry.stores import Registry
from promptdb.transfer.open_file import source_file
from promptdb.transfer.receive import Received, receive
from promptdb.transfer.source import RegistrySource


def import_file(registry: Registry, file: Path, progress: Progress | None = None) -> Received:
    """Import a version, or a whole registry: all of it, or nothing.

    Args:
        registry: whose schema is there.
        file: an export of any kind, under any name.
        progress: receives how many of the missing blobs are stored.

    Raises:
        StorageError: the file cannot be read, a blob is missing, or a store failed.
        IntegrityFailure: the file is damaged, or is not an export.
        Conflict, LockTimeout: as in `receive`.
    """
    with source_file(file) as source:
        return receive(registry, source, progress)


def copy_registry(source: Registry, target: Registry, progress: Progress | None = None) -> Received:
    """Bring a registry to where another one is. Blobs that are there already are not sent again.

    Args:
        source: is only read, in one transaction.
        target: whose schema is there.
        progress: receives how many of the missing blobs are stored.

    Raises:
        ConfigError: both are one database.
        DivergedHistory: the target is neither empty nor behind.
        StorageError, IntegrityFailure, LockTimeout: a store failed, or what is in the source is damaged.
    """
    if _place(source.engine) == _place(target.engine):
        raise ConfigError(f"{address(target.engine)} is the registry itself", "name another database as the target")
    with reading(source.engine) as connection:
        return receive(target, RegistrySource(connection, source.blobs), progress)


def _place(engine: sa.Engine) -> str:
    """Equal for what is surely one database."""
    url = engine.url
    return str(Path(url.database or "").resolve()) if url.get_backend_name() == "sqlite" else address(engine)
