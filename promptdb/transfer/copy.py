"""Fills a registry from a file that `export` wrote, or directly from another registry."""

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
    """Import a version or a whole registry from a file of any name, completely or not at all. The schema must exist.

    Raises:
        ConfigError: the file is a prompt file.
        StorageError: the file cannot be read, a blob is missing, or a store failed.
        IntegrityFailure: the file is damaged, or is not an export.
        Conflict, LockTimeout: as in `receive`.
    """
    with source_file(file) as source:
        return receive(registry, source, progress)


def copy_registry(source: Registry, target: Registry, progress: Progress | None = None) -> Received:
    """Copy a whole registry to another one, whose schema must exist. Send only the blobs that the target lacks.

    Raises:
        ConfigError: both registries use the same database.
        DivergedHistory: the target is neither empty nor behind.
        StorageError, IntegrityFailure, LockTimeout: a store failed, or the source is damaged.
    """
    if _place(source.engine) == _place(target.engine):
        raise ConfigError(f"{address(target.engine)} is the registry itself", "name another database as the target")
    with reading(source.engine) as connection:
        return receive(target, RegistrySource(connection, source.blobs), progress)


def _place(engine: sa.Engine) -> str:
    url = engine.url
    return str(Path(url.database or "").resolve()) if url.get_backend_name() == "sqlite" else address(engine)
