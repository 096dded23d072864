"""Reads a version of a registry as the document of `version_file`."""

import json
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from promptdb.db.repository import PromptRepository
from promptdb.domain.digest import SCHEME
from promptdb.domain.integrity import BUNDLE
from promptdb.transfer.rows_as_json import table
from promptdb.transfer.version_file import FORMAT, PROVENANCE, VERSION


def version_document(connection: sa.Connection, key: UUID) -> dict[str, Any]:
    """
    Args:
        connection: a transaction.
        key: the id of the version, which exists.

    Raises:
        IntegrityFailure: a row of its assets is damaged.
    """
    versions, prompts, sources = table("prompt_versions"), table("prompts"), table("version_sources").c
    version = connection.execute(sa.select(versions).where(versions.c.id == key)).one()
    prompt = connection.execute(sa.select(prompts).where(prompts.c.id == version.prompt_id)).one()
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
        "prompt": {"id": prompt.id, "name": f"{prompt.namespace}/{prompt.name}", "created_at": prompt.created_at},
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
