"""The rows of one new version: the version itself, its blobs, and where it came from."""

import json
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from uuid import UUID

from promptdb.blobs.bundle import CONTENT_TYPE
from promptdb.blobs.store import BlobStore, object_key
from promptdb.db.bulk import Row
from promptdb.domain.digest import Digest
from promptdb.domain.ids import version_id
from promptdb.domain.integrity import BUNDLE
from promptdb.domain.plan import Change
from promptdb.domain.views import Provenance
from promptdb.sync.content import Content


@dataclass(frozen=True)
class VersionRows:
    """`prompt` is the id of the prompt, `change` the create or update, `manifest` digest and size of the bundle."""

    prompt: UUID
    change: Change
    content: Content
    manifest: tuple[Digest, int]
    blobs: BlobStore
    actor: str
    now: datetime

    @cached_property
    def id(self) -> UUID:
        return version_id(self.prompt, self.change.revision or 1, self.content.digest)

    def version(self) -> Row:
        return {
            "id": self.id,
            "prompt_id": self.prompt,
            "revision": self.change.revision,
            "user_version": self.content.user_version,
            "spec_json": self.content.canonical.decode(),
            "spec_hash": self.content.digest,
            "created_by": self.actor,
            "created_at": self.now,
        }

    def assets(self) -> list[Row]:
        digest, size = self.manifest
        return [
            self._asset(BUNDLE, digest, CONTENT_TYPE, size, {}),
            *(
                self._asset(asset.kind, asset.digest, asset.content_type, asset.size, {"path": asset.path})
                for asset in self.content.assets
            ),
        ]

    def _asset(self, kind: str, digest: Digest, content_type: str, size: int, metadata: dict[str, str]) -> Row:
        return {
            "version_id": self.id,
            "kind": kind,
            "storage_backend": self.blobs.backend,
            "bucket": self.blobs.bucket,
            "object_key": object_key(digest),
            "content_type": content_type,
            "byte_size": size,
            "checksum_sha256": digest.partition(":")[2],
            "metadata_json": json.dumps(metadata),
            "created_at": self.now,
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
