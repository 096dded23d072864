"""Versions that come from files, and that no registry has recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO
from uuid import UUID, uuid5

from promptdb.domain.blob import object_key
from promptdb.domain.digest import Digest
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.views import AssetView, PromptVersionView, Provenance, StoredVersion
from promptdb.project.content import Content

_NAMESPACE = UUID("9d1f6a0e-52f4-5c37-8e0b-6f2f0f6f7a55")
"""The namespace of the ids of unrecorded versions, which differ from all ids of recorded versions."""


@dataclass(frozen=True)
class AssetsOfFiles:
    """The assets of an unrecorded version, read from files on disk or in git."""

    content: Content

    def list(self) -> Sequence[AssetView]:
        return [
            AssetView(a.kind, object_key(a.digest), a.content_type, a.size, a.digest.partition(":")[2], a.path)
            for a in self.content.assets
        ]

    def open(self, digest: Digest) -> BinaryIO:
        return self.content.open_blob(digest)


def unrecorded(prompt: PromptId, content: Content, at: Provenance) -> StoredVersion:
    """Make a version of the content of a file. Its author and time are those of the file's commit."""
    view = PromptVersionView(
        uuid5(_NAMESPACE, f"{prompt}:{at.commit_id}:{content.digest}"),
        prompt,
        0,
        content.digest,
        content.user_version,
        at.author or "unknown",
        at.committed_at or datetime.fromtimestamp(0, UTC),
        is_recorded=False,
    )
    return StoredVersion(view, content.canonical.decode(), commit_id=at.commit_id, assets=AssetsOfFiles(content))
