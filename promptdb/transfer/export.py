"""Writes a version, or all of a registry, to a file."""

from pathlib import Path

from promptdb.db.engine import reading
from promptdb.domain.views import PromptVersionView
from promptdb.errors import IntegrityFailure, StorageError, VersionNotFound
from promptdb.registry.stores import Registry
from promptdb.transfer.open_file import exists_and_differs, new_file
from promptdb.transfer.registry_file import registry_file, write_registry
from promptdb.transfer.source import RegistrySource
from promptdb.transfer.version_document import version_document
from promptdb.transfer.version_file import write_version

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
        write_version(document, registry.blobs, stream, zipped=is_zip(file))
    return file


def export_registry(registry: Registry, file: Path, *, overwrite: bool = False) -> dict[str, int]:
    """
    Returns:
        The number of rows of each table, and of `blobs`.

    Raises:
        StorageError, IntegrityFailure: as in `export_version`.
    """
    with reading(registry.engine) as connection:
        source = RegistrySource(connection, registry.blobs)
        if not overwrite and _is_surely_another(file, source):
            raise exists_and_differs(file)  # before the work, which may be long
        with new_file(file, overwrite=overwrite) as stream:
            return write_registry(source, stream)


def _is_surely_another(file: Path, source: RegistrySource) -> bool:
    """Whether what lies there is no export with as many rows and blobs. A registry that went on has more."""
    try:
        if not file.exists():
            return False
        if not file.is_file():
            return True
        with registry_file(file) as found:
            return found.counts() != source.counts()
    except IntegrityFailure:  # it is something else, or damaged
        return True
    except (OSError, StorageError):
        return False  # whoever writes it tells more
