"""Writes a version or a whole registry to a file."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from promptdb.db.checks.audit import Audit
from promptdb.db.engine import reading
from promptdb.db.repository import PromptRepository
from promptdb.db.retry import retried
from promptdb.domain.digest import SCHEME
from promptdb.domain.integrity import BUNDLE, first_name
from promptdb.domain.views import PromptVersionView
from promptdb.errors import IntegrityFailure, StorageError, VersionNotFound
from promptdb.python_gc import collecting_rarely
from promptdb.registry.stores import Registry
from promptdb.transfer.open_file import exists_and_differs, new_file
from promptdb.transfer.registry_file import registry_file, write_registry
from promptdb.transfer.rows_as_json import table
from promptdb.transfer.source import RegistrySource
from promptdb.transfer.version_file import FORMAT, PROVENANCE, VERSION, write_version

_BUNDLE, _ZIP = ".bundle.json", ".zip"


def is_bundle(file: Path) -> bool:
    """Return True for the names of files that hold a version as it is recorded; False for prompt files."""
    return file.name.lower().endswith((_BUNDLE, _ZIP))


def is_zip(file: Path) -> bool:
    return file.name.lower().endswith(_ZIP)


def export_version(registry: Registry, version: PromptVersionView, file: Path, *, overwrite: bool) -> Path:
    """Write a version as it is recorded, with its assets if the file is a zip.

    Raises:
        VersionNotFound: no sync has recorded the version.
        StorageError, IntegrityFailure: the file exists or cannot be written, or a blob is missing or damaged.
    """
    if not version.is_recorded:
        hint = "sync that commit first, with 'promptdb sync --rev', or export it as a prompt file"
        raise VersionNotFound(f"no sync has recorded this version of {version.prompt}", hint)
    document = version_document(registry, version)
    with new_file(file, overwrite=overwrite) as stream:
        write_version(document, registry.blobs, stream, zipped=is_zip(file))
    return file


@retried
def version_document(registry: Registry, version: PromptVersionView) -> dict[str, Any]:
    """Read everything about a recorded version, as `write_version` writes it."""
    with reading(registry.engine) as connection:
        return _document(connection, version.id)


def _document(connection: sa.Connection, key: UUID) -> dict[str, Any]:
    versions, prompts, sources = table("prompt_versions"), table("prompts"), table("version_sources").c
    version = connection.execute(sa.select(versions).where(versions.c.id == key)).one()
    prompt = connection.execute(sa.select(prompts).where(prompts.c.id == version.prompt_id)).one()
    name, created = f"{prompt.namespace}/{prompt.name}", {"created_at": prompt.created_at}
    assets = PromptRepository(connection).assets([key]).get(key, [])
    listed = [
        {"path": a.path, "kind": a.kind, "digest": a.digest, "size": a.byte_size, "content_type": a.content_type}
        for a in assets
        if a.kind != BUNDLE
    ]
    query = sa.select(*(sources[name] for name in PROVENANCE)).where(sources.version_id == key).order_by(sources.id)
    provenance = dict.fromkeys(tuple(row) for row in connection.execute(query))
    return {
        "format": FORMAT,
        "version": VERSION,
        "prompt": {"id": prompt.id, "name": name, "first_name": _first_name(connection, prompt.id), **created},
        "id": version.id,
        "revision": version.revision,
        "digest": version.spec_hash,
        "user_version": version.user_version,
        "created_by": version.created_by,
        "created_at": version.created_at,
        "bundle": next((asset.digest for asset in assets if asset.kind == BUNDLE), None),
        "manifest": {"assets": listed, "scheme": SCHEME, "spec": json.loads(version.spec_json)},
        "provenance": [dict(zip(PROVENANCE, row, strict=True)) for row in provenance],
    }


def _first_name(connection: sa.Connection, key: UUID) -> str:
    everyone = Audit(connection).names()
    prompt = next(each for each in everyone if each.id == key)
    return str(first_name(prompt, everyone) or prompt.name)


@collecting_rarely()
def export_registry(registry: Registry, file: Path, *, overwrite: bool = False) -> dict[str, int]:
    """Write a whole registry to a zip, and count the rows of each table, and `blobs`.

    Raises:
        StorageError, IntegrityFailure: as in `export_version`.
    """
    with reading(registry.engine) as connection:
        source = RegistrySource(connection, registry.blobs)
        # An export may take long: refuse before it, if the result is certain.
        if not overwrite and _surely_differs(file, source):
            raise exists_and_differs(file)
        with new_file(file, overwrite=overwrite) as stream:
            return write_registry(source, stream)


def _surely_differs(file: Path, source: RegistrySource) -> bool:
    """Return True if a file exists that is not an export with as many rows and blobs."""
    try:
        with registry_file(file) as found:
            return found.counts() != source.counts()
    except IntegrityFailure:
        return True
    except StorageError:
        return False  # it does not exist, or writing it reports the problem
