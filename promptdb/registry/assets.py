"""Reads the assets of a recorded version from the blob store."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from promptdb.db.engine import reading
from promptdb.domain.digest import Digest
from promptdb.domain.views import AssetView, PromptVersionView
from promptdb.registry.asset_rows import recorded_assets
from promptdb.registry.stores import Registry
from promptdb.render.resolved import asset_not_found


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


def open_asset(registry: Registry, version: PromptVersionView, path: str) -> BinaryIO:
    """Errors as in `ResolvedPrompt.asset`."""
    assets = RecordedAssets(registry, version)
    there = assets.list()
    for asset in there:
        if asset.path == path:
            return assets.open(asset.digest)
    raise asset_not_found(version, path, [asset.path or "" for asset in there])
