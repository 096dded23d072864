"""The file of a SQLite database: opened only if it exists, and compared with the file that is at its path later."""

import os
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import PoolProxiedConnection

from promptdb.errors import StorageError

_OPENED = "promptdb_file"
"""The key of the path, and of the file that was there, in the `info` of a connection."""

_GONE = "put the file back, or restore a backup there; it is read at once"

FileId = tuple[int, int]
"""The device and the inode. A file that replaces another one has another."""


def open_existing(engine: sa.Engine, path: Path) -> None:
    """Make all connections of an engine open the file at `path`, and never create it."""

    @sa.event.listens_for(engine, "do_connect")
    def _open(_: Any, record: Any, arguments: list[Any], options: dict[str, Any]) -> None:
        require_folder(path)
        # Before it is opened: if it is replaced in between, the connection counts as moved, and writes nothing.
        record.info[_OPENED] = (str(path), file_id(path))
        arguments[0], options["uri"] = f"{path.resolve().as_uri()}?{_mode(path)}", True


def file_id(path: Path) -> FileId:
    """Return the identity of the file at a path.

    Raises:
        StorageError: there is none.
    """
    try:
        found = path.stat()
    except OSError as error:
        raise StorageError(f"the database sqlite:///{path} is gone: {error.strerror}", _GONE) from error
    return found.st_dev, found.st_ino


def is_moved(connection: sa.Connection | PoolProxiedConnection) -> bool:
    """Check whether the file of a connection was moved, deleted or replaced. False for a database that is not a file."""
    opened: tuple[str, FileId] | None = connection.info.get(_OPENED)
    if opened is None:
        return False
    path, file = opened
    try:
        # Each lookup comes here, and `Path.stat` takes twice as long.
        found = os.stat(path)  # noqa: PTH116
    except OSError:
        return True
    return (found.st_dev, found.st_ino) != file


def moved(engine: sa.Engine) -> StorageError:
    """Make the error for a write into a file that is not at its path any more."""
    message = f"the database file {engine.url.database} was moved or replaced while it was open; nothing was written"
    return StorageError(message, "put the file back, or try again with the file that is there now")


def require_folder(path: Path) -> None:
    """Require the folder of a database file. Raise StorageError if there is none."""
    if not path.parent.is_dir():
        hint = "create it or set PROMPTDB_DATABASE_URL"
        # It may come back, as the folder of a disk that is not mounted at the moment.
        raise StorageError(f"there is no folder {path.parent} for the database", hint)


def _mode(path: Path) -> str:
    """Return the options to open a file: for a database that this process may not write, as in an image, other ones."""
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        return "mode=rw"
    # In WAL mode even a reader writes beside the file, unless the file is immutable (https://sqlite.org/wal.html#rodb).
    return "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "mode=ro&immutable=1"
