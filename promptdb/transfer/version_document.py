"""A version of a registry as the document of `version_file`."""

import json
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from promptdb.db.bulk import Row
from promptdb.domain.digest import SCHEME
from promptdb.domain.integrity import BUNDLE
from promptdb.errors import IntegrityFailure
from promptdb.transfer.checks import asset_digest, asset_path
from promptdb.transfer.members import VERIFY
from promptdb.transfer.tables import table
from promptdb.transfer.values import Refused
from promptdb.transfer.version_file import FORMAT, PROVENANCE, VERSION


def version_document(connection: sa.Connection, key: UUID) -> dict[str, Any]:
    """
    Args:
        connection: a transaction.
        key: the id of the version, which exists.

    Raises:
        IntegrityFailure: a row of its assets is damaged.
    """
    versions, prompts = table("prompt_versions"), table("prompts")
    version = connection.execute(sa.select(versions).where(versions.c.id == key)).one()
    prompt = connection.execute(sa.select(prompts).where(prompts.c.id == version.prompt_id)).one()
    assets = _of_version(connection, "prompt_assets", key)
    listed = [
        {
            "path": _path(row),
            "kind": row["kind"],
            "digest": asset_digest(row),
            "size": row["byte_size"],
            "content_type": row["content_type"],
        }
        for row in assets
        if row["kind"] != BUNDLE
    ]
    found = [{name: row[name] for name in PROVENANCE} for row in _of_version(connection, "version_sources", key)]
    return {
        "format": FORMAT,
        "version": VERSION,
        "prompt": {
            "id": str(prompt.id),
            "name": f"{prompt.namespace}/{prompt.name}",
            "created_at": prompt.created_at.isoformat(),
        },
        "id": str(version.id),
        "revision": version.revision,
        "digest": version.spec_hash,
        "user_version": version.user_version,
        "created_by": version.created_by,
        "created_at": version.created_at.isoformat(),
        "bundle": next((asset_digest(row) for row in assets if row["kind"] == BUNDLE), None),
        "manifest": {"assets": listed, "scheme": SCHEME, "spec": json.loads(version.spec_json)},
        "provenance": [
            {**row, "committed_at": row["committed_at"] and row["committed_at"].isoformat()}
            for place, row in enumerate(found)
            if row not in found[:place]
        ],
    }


def _path(row: Row) -> str:
    try:
        return asset_path(row)
    except Refused as error:
        raise IntegrityFailure(f"version {row['version_id']}: prompt_assets {row['id']}: {error}", VERIFY) from error


def _of_version(connection: sa.Connection, name: str, key: UUID) -> list[dict[str, Any]]:
    found = table(name)
    query = sa.select(found).where(found.c.version_id == key).order_by(found.c.id)
    return [row._asdict() for row in connection.execute(query)]
