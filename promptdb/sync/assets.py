"""Where the assets of a version are read: from the blob store, or from the files that no sync has recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from promptdb.blobs.store import object_key
from promptdb.db.engine import reading
from promptdb.domain.digest import Digest
from promptdb.domain.views import AssetView, PromptVersionView
from promptdb.render.resolved import asset_not_found
from promptdb.sync.blob_rows import recorded_assets
from promptdb.sync.content import Content
from promptdb.sync.registry import Registry


@dataclass(frozen=True)
class RecordedAssets:
    """Those of a version in the registry."""

    registry: Registry
    version: PromptVersionView

    def list(self) -> Sequence[AssetView]:
        with reading(self.registry.engine) as connection:
            found = recorded_assets(connection, self.version)
        return [asset for asset in found if asset.path is not None]

    def open(self, digest: Digest) -> BinaryIO:
        return self.registry.blobs.open(digest)


@dataclass(frozen=True)
class AssetsOfFiles:
    """Those of content that was read from files, or from git."""

    content: Content

    def list(self) -> Sequence[AssetView]:
        return [
            AssetView(a.kind, object_key(a.digest), a.content_type, a.size, a.digest.partition(":")[2], a.path)
            for a in self.content.assets
        ]

    def open(self, digest: Digest) -> BinaryIO:
        return self.content.open_blob(digest)


def open_asset(registry: Registry, version: PromptVersionView, path: str) -> BinaryIO:
    """Errors as in `ResolvedPrompt.asset`."""
    assets = RecordedAssets(registry, version)
    there = assets.list()
    for asset in there:
        if asset.path == path:
            return assets.open(asset.digest)
    raise asset_not_found(version, path, [asset.path or "" for asset in there])
