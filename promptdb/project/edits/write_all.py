"""Writes several files, or none."""

import shutil
import stat
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from uuid import uuid4

from promptdb.domain.blob import CHUNK, Blob
from promptdb.errors import StorageError
from promptdb.streams import stream_digest


def write_all(contents: Mapping[Path, Blob], *, overwrite: bool) -> None:
    """Write all files, or none. No file is ever half-written, and one that has its content stays as it is.

    Raises:
        StorageError: another file exists and `overwrite` is not set, or a file cannot be written.
    """
    try:
        with ExitStack() as undo:
            if not overwrite:
                for path, blob in contents.items():
                    if path.exists() and not _holds(path, blob):
                        raise StorageError(f"{path} exists and differs", "pass --force to replace it")
            # The target of a link is replaced, not the link.
            targets = {path.resolve(): blob for path, blob in contents.items()}
            staged = [(_staged(target, blob, undo), target) for target, blob in targets.items()]
            for temporary, target in staged:
                temporary.replace(target)
            undo.pop_all()
    except OSError as error:
        path = error.filename or next(iter(contents))
        raise StorageError(f"cannot write {path}: {error.strerror}") from error


def _staged(target: Path, blob: Blob, undo: ExitStack) -> Path:
    for folder in [folder for folder in reversed(target.parents) if not folder.exists()]:
        folder.mkdir(exist_ok=True)
        undo.callback(_remove_empty, folder)
    temporary = target.with_name(f".{uuid4().hex}")
    undo.callback(temporary.unlink, missing_ok=True)
    with blob.open() as source, temporary.open("xb") as file:
        shutil.copyfileobj(source, file, CHUNK)
    if target.exists():
        temporary.chmod(stat.S_IMODE(target.stat().st_mode))
    return temporary


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


def _holds(path: Path, blob: Blob) -> bool:
    with path.open("rb", buffering=0) as file:
        return stream_digest(file) == blob.digest
