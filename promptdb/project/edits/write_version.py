"""A version -> files: the prompt file, and beside it the fragments and assets it names."""

import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from promptdb.domain.blob import CHUNK, Blob
from promptdb.domain.digest import Digest
from promptdb.domain.spec import PromptSpec
from promptdb.domain.suffixes import file_suffix
from promptdb.errors import OutsideRoot, StorageError
from promptdb.files.editing.write import prompt_file_text
from promptdb.safe_paths import contained
from promptdb.streams import stream_digest


def prompt_text(spec: PromptSpec) -> str:
    """Write a spec as the text of a prompt file in YAML."""
    return prompt_file_text(spec, ".yaml")


def write_files(
    spec: PromptSpec, open_blob: Callable[[Digest], BinaryIO], file: Path, *, overwrite: bool
) -> list[Path]:
    """Write all files, or none if one is in the way or a blob is lost. None is ever there half-written.

    Raises:
        ConfigError: the suffix cannot hold this prompt.
        StorageError: a file is there already and differs, one cannot be written, or a blob is missing.
        IntegrityFailure: a blob does not have its digest.
    """
    contents = {file: Blob.of(prompt_file_text(spec, file_suffix(file.name)).encode())}
    for path, blob in _beside(spec, open_blob, file.parent):
        if any(path.resolve() == other.resolve() and blob.digest != contents[other].digest for other in contents):
            raise StorageError(f"{path} would be two files at once", "export to a file of another name")
        contents[path] = blob
    staged: dict[Path, Path] = {}
    made = _missing_folders(path.resolve().parent for path in contents)
    try:
        if not overwrite:
            for path, blob in contents.items():
                if path.exists() and not _holds(path, blob):
                    raise StorageError(f"{path} exists and differs", "pass --force to replace it")
        for path, blob in contents.items():
            _stage(path, blob, staged)
        for temporary, target in staged.items():
            temporary.replace(target)
        made.clear()
    except OSError as error:
        raise StorageError(f"cannot write {error.filename or file}: {error.strerror}") from error
    finally:
        for temporary in staged:
            temporary.unlink(missing_ok=True)
        for folder in made:
            with suppress(OSError):  # it was not made, or somebody put something there
                folder.rmdir()
    return list(contents)


def _missing_folders(folders: Iterable[Path]) -> list[Path]:
    """Those of the folders and of their parents that are not there, the innermost first."""
    missing = {parent for folder in folders for parent in (folder, *folder.parents) if not parent.exists()}
    return sorted(missing, key=lambda folder: len(folder.parts), reverse=True)


def _stage(path: Path, blob: Blob, staged: dict[Path, Path]) -> None:
    """Write the bytes to a temporary file beside the one they are for; what a link leads to is replaced, not the link."""
    target = path.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{uuid4().hex}")
    staged[temporary] = target
    with blob.open() as source, temporary.open("xb") as file:
        shutil.copyfileobj(source, file, CHUNK)
    if target.exists():
        temporary.chmod(stat.S_IMODE(target.stat().st_mode))


def _holds(path: Path, blob: Blob) -> bool:
    with path.open("rb", buffering=0) as file:
        return stream_digest(file) == blob.digest


def _beside(spec: PromptSpec, open_blob: Callable[[Digest], BinaryIO], folder: Path) -> Iterator[tuple[Path, Blob]]:
    for name, text in spec.includes.items():
        yield _inside(folder, name), Blob.of(text.encode())
    for asset in spec.assets:
        yield _inside(folder, asset.path), Blob(asset.digest, 0, partial(open_blob, asset.digest))


def _inside(folder: Path, name: str) -> Path:
    try:
        contained(folder, name)
    except OutsideRoot as error:
        hint = "print the prompt alone: promptdb export REF -"
        raise StorageError(f"{name!r} belongs to the prompt and would be written outside {folder}", hint) from error
    return folder / name
