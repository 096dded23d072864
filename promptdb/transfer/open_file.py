"""Creates files that appear completely or not at all, and opens exports of any kind."""

import filecmp
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4
from zipfile import ZipFile

from promptdb.errors import StorageError
from promptdb.transfer.registry_file import registry_file
from promptdb.transfer.source import Source
from promptdb.transfer.version_file import version_file, version_zip
from promptdb.transfer.zip_members import REGISTRY_MEMBER, restated


@contextmanager
def new_file(file: Path, *, overwrite: bool) -> Iterator[BinaryIO]:
    """Open a file that gets its name once it is complete and durable. An existing file stays until then.

    Raises:
        StorageError: the file cannot be written, or exists and differs.
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
        with suppress(OSError):  # it was renamed, or never created
            staged.unlink()


def exists_and_differs(file: Path) -> StorageError:
    return StorageError(f"{file} exists and differs", "pass --force to replace it")


def source_file(file: Path) -> AbstractContextManager[Source]:
    """Open an export of any kind, which its content shows. A file whose name ends in .zip must be a zip.

    Raises:
        StorageError, IntegrityFailure: the file cannot be read, or is not an export; also when the result is entered.
    """
    with restated(file), file.open("rb") as stream:
        is_zip = file.suffix.lower() == ".zip" or stream.read(2) == b"PK"
    if not is_zip:
        return version_file(file)
    with restated(file), ZipFile(file) as archive:
        is_whole = REGISTRY_MEMBER in archive.namelist()
    return registry_file(file) if is_whole else version_zip(file)
