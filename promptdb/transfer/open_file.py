"""Opens files: a new one, which appears whole or not at all, and an export of any kind."""

import filecmp
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4
from zipfile import is_zipfile

from promptdb.errors import StorageError
from promptdb.transfer.registry_file import registry_file
from promptdb.transfer.source import Source
from promptdb.transfer.version_file import version_file, version_zip
from promptdb.transfer.zip_members import REGISTRY_MEMBER, has_member


@contextmanager
def new_file(file: Path, *, overwrite: bool) -> Iterator[BinaryIO]:
    """Open a file that gets its name when all is written and durable. A file that was there stays until then.

    Raises:
        StorageError: it cannot be written, or is there already and differs.
    """
    staged = file.with_name(f".{file.name}.{uuid4().hex}.tmp")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with staged.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        if file.exists() and not overwrite and not filecmp.cmp(staged, file, shallow=False):
            raise exists_and_differs(file)
        staged.replace(file)
    except OSError as error:
        raise StorageError(f"cannot write {error.filename or file}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):  # it is not there, or what it failed for was told
            staged.unlink()


def exists_and_differs(file: Path) -> StorageError:
    return StorageError(f"{file} exists and differs", "pass --force to replace it")


def source_file(file: Path) -> AbstractContextManager[Source]:
    """Open an export of any kind, as its content shows. A file that is called a zip must be one.

    Raises:
        StorageError, IntegrityFailure: it cannot be read, or is not an export; also when it is entered.
    """
    openers: dict[bool, Callable[[Path], AbstractContextManager[Source]]] = {True: registry_file, False: version_zip}
    try:
        with file.open("rb") as stream:
            is_zip = file.suffix.lower() == ".zip" or stream.read(2) == b"PK" or is_zipfile(stream)
    except OSError as error:
        raise StorageError(f"cannot read {file}: {error.strerror}") from error
    return openers[has_member(file, REGISTRY_MEMBER)](file) if is_zip else version_file(file)
