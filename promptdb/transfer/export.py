"""A version, or all of a registry, to a file."""

from pathlib import Path

from promptdb.db.engine import reading
from promptdb.domain.views import PromptVersionView
from promptdb.errors import VersionNotFound
from promptdb.sync.registry import Registry
from promptdb.transfer.files import new_file
from promptdb.transfer.registry_file import write_registry
from promptdb.transfer.source import RegistrySource
from promptdb.transfer.version_document import version_document
from promptdb.transfer.version_file import write_version, write_version_zip

_BUNDLE, _ZIP = ".bundle.json", ".zip"


def is_bundle(file: Path) -> bool:
    """Whether a file of this name holds a version as it is stored, and not a prompt file."""
    return file.name.lower().endswith((_BUNDLE, _ZIP))


def is_zip(file: Path) -> bool:
    """Whether a file of this name holds blobs, too."""
    return file.name.lower().endswith(_ZIP)


def export_version(registry: Registry, version: PromptVersionView, file: Path, *, overwrite: bool) -> Path:
    """
    Raises:
        VersionNotFound: no sync has recorded the version, so that it has no revision.
        StorageError, IntegrityFailure: the file is in the way or cannot be written, or a blob is missing or was changed.
    """
    if not version.is_recorded:
        hint = "sync that commit first, with 'promptdb sync --rev', or export it as a prompt file"
        raise VersionNotFound(f"no sync has recorded this version of {version.prompt}", hint)
    with reading(registry.engine) as connection:
        document = version_document(connection, version.id)
    with new_file(file, overwrite=overwrite) as stream:
        if is_zip(file):
            write_version_zip(document, registry.blobs, stream)
        else:
            write_version(document, stream)
    return file


def export_registry(registry: Registry, file: Path, *, overwrite: bool = False) -> dict[str, int]:
    """
    Returns:
        The number of rows of each table, and of `blobs`.

    Raises:
        StorageError, IntegrityFailure: as in `export_version`.
    """
    with reading(registry.engine) as connection, new_file(file, overwrite=overwrite) as stream:
        return write_registry(RegistrySource(connection, registry.blobs), stream)
