"""From one registry to another, without a file between them."""

from pathlib import Path

import sqlalchemy as sa

from promptdb.db.engine import address, reading
from promptdb.errors import ConfigError
from promptdb.sync.collect import Progress
from promptdb.sync.registry import Registry
from promptdb.transfer.receive import Received, receive
from promptdb.transfer.source import RegistrySource


def copy_registry(source: Registry, target: Registry, progress: Progress | None = None) -> Received:
    """Bring a registry to where another one is. What is there already is not sent again.

    Args:
        source: is only read, in one transaction.
        target: whose schema is there.
        progress: is told how many of the missing blobs are stored.

    Raises:
        ConfigError: both are one database.
        Conflict: the target has a history of its own that differs.
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
