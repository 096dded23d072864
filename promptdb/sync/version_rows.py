"""The rows of one new version: the version itself, its blobs, and where it came from."""

import json
from datetime import datetime
from uuid import UUID

from promptdb.blobs.store import BlobStore
from promptdb.db.inserts import Row
from promptdb.domain.blob import object_key
from promptdb.domain.bundle import BundledAsset
from promptdb.domain.views import Provenance
from promptdb.project.content import Content


def version_row(version: UUID, prompt: UUID, revision: int | None, content: Content, actor: str, now: datetime) -> Row:
    return {
        "id": version,
        "prompt_id": prompt,
        "revision": revision,
        "user_version": content.user_version,
        "spec_json": content.canonical.decode(),
        "spec_hash": content.digest,
        "created_by": actor,
        "created_at": now,
    }


def asset_row(version: UUID, asset: BundledAsset, blobs: BlobStore, now: datetime) -> Row:
    """A blob and its place. Only a bundle has no path."""
    return {
        "version_id": version,
        "kind": asset.kind,
        "storage_backend": blobs.backend,
        "bucket": blobs.bucket,
        "object_key": object_key(asset.digest),
        "content_type": asset.content_type,
        "byte_size": asset.size,
        "checksum_sha256": asset.digest.partition(":")[2],
        "metadata_json": json.dumps({"path": asset.path} if asset.path else {}),
        "created_at": now,
    }


def source_row(version: UUID, found: Provenance, run_id: int) -> Row:
    """Where a version was found by a run."""
    return {
        "version_id": version,
        "run_id": run_id,
        "path": found.path,
        "commit_id": found.commit_id,
        "branch": found.branch,
        "author": found.author,
        "committed_at": found.committed_at,
        "blob_id": found.blob_id,
        "is_dirty": found.is_dirty,
    }
