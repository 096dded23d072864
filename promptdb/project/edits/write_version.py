"""Writes a version as files: the prompt file, and beside it the fragments and assets that it names."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from promptdb.domain.blob import Blob
from promptdb.domain.digest import Digest
from promptdb.domain.file_rules import TextDefaults
from promptdb.domain.spec import PromptSpec
from promptdb.domain.suffixes import file_suffix
from promptdb.errors import OutsideRoot, StorageError
from promptdb.files.editing.sections import prompt_sections
from promptdb.files.editing.write import prompt_file_text
from promptdb.project.edits.write_all import write_all
from promptdb.render.section_diff import Section
from promptdb.safe_paths import contained


def prompt_text(spec: PromptSpec) -> str:
    """Format a spec as the text of a prompt file in YAML."""
    return prompt_file_text(spec, ".yaml")


def sections(spec: PromptSpec) -> tuple[Section, ...]:
    """Split a spec into the texts and fields that readers look at and compare."""
    return prompt_sections(spec)


def write_files(
    spec: PromptSpec, open_blob: Callable[[Digest], BinaryIO], file: Path, defaults: TextDefaults, *, overwrite: bool
) -> list[Path]:
    """Write all files of a version, or none, for a place with these defaults. No file is ever half-written.

    Raises:
        ConfigError: a file with this suffix cannot hold the prompt.
        StorageError: another file exists, a file cannot be written, or a blob is missing.
        IntegrityFailure: a blob does not have its digest.
    """
    contents = {file: Blob.of(prompt_file_text(spec, file_suffix(file.name), defaults).encode())}
    for path, blob in _beside(spec, open_blob, file.parent):
        if any(path.resolve() == other.resolve() and blob.digest != contents[other].digest for other in contents):
            raise StorageError(f"{path} would be two files at once", "export to a file of another name")
        contents[path] = blob
    write_all(contents, overwrite=overwrite)
    return list(contents)


def _beside(spec: PromptSpec, open_blob: Callable[[Digest], BinaryIO], folder: Path) -> Iterator[tuple[Path, Blob]]:
    fragments = [(name, Blob.of(text.encode())) for name, text in spec.includes.items()]
    assets = [(asset.path, Blob(asset.digest, 0, partial(open_blob, asset.digest))) for asset in spec.assets]
    for name, blob in [*fragments, *assets]:
        try:
            contained(folder, name)
        except OutsideRoot as error:
            hint = "print the prompt alone: promptdb export REF -"
            raise StorageError(f"{name!r} belongs to the prompt and would be written outside {folder}", hint) from error
        yield folder / name, blob
