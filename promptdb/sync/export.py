"""A version -> files: the prompt file, and beside it the fragments and assets it names."""

from collections.abc import Iterator
from pathlib import Path

from promptdb.blobs.store import BlobStore
from promptdb.containment import contained
from promptdb.domain.spec import PromptSpec
from promptdb.errors import OutsideRoot, StorageError
from promptdb.files.suffixes import file_suffix
from promptdb.files.write import prompt_file_text


def write_files(spec: PromptSpec, blobs: BlobStore, file: Path, *, overwrite: bool) -> list[Path]:
    """Write all files, or none if one is in the way.

    Raises:
        ConfigError: the suffix cannot hold this prompt.
        StorageError: a file is there already and differs, one cannot be written, or a blob is missing.
    """
    contents = {file: prompt_file_text(spec, file_suffix(file.name)).encode()}
    for path, data in _beside(spec, blobs, file.parent):
        if any(path.resolve() == other.resolve() and data != contents[other] for other in contents):
            raise StorageError(f"{path} would be two files at once", "export to a file of another name")
        contents[path] = data
    try:
        for path, data in contents.items():
            if not overwrite and path.exists() and path.read_bytes() != data:
                raise StorageError(f"{path} exists and differs", "pass --force to replace it")
        for path, data in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    except OSError as error:
        raise StorageError(f"cannot write {error.filename or file}: {error.strerror}") from error
    return list(contents)


def _beside(spec: PromptSpec, blobs: BlobStore, folder: Path) -> Iterator[tuple[Path, bytes]]:
    for name, text in spec.includes.items():
        yield _inside(folder, name), text.encode()
    for asset in spec.assets:
        yield _inside(folder, asset.path), blobs.get(asset.digest)


def _inside(folder: Path, name: str) -> Path:
    try:
        contained(folder, name)
    except OutsideRoot as error:
        hint = "print the prompt alone: promptdb export REF -"
        raise StorageError(f"{name!r} belongs to the prompt and would be written outside {folder}", hint) from error
    return folder / name
