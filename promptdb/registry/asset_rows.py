"""Reads which blobs a version has, and checks that these rows fit its spec."""

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from promptdb.db.checks.audit import Audit
from promptdb.db.lookup import stored_specs
from promptdb.db.repository import PromptRepository
from promptdb.domain.bundle import BundledAsset, manifest
from promptdb.domain.digest import digest_of
from promptdb.domain.integrity import BUNDLE, VersionRow, blobs_fit
from promptdb.domain.spec import PromptSpec
from promptdb.domain.views import AssetView, PromptVersionView
from promptdb.errors import IntegrityFailure

_HAS_ASSETS = b'"assets":[{'
"""Part of the canonical JSON of every spec with assets. Inside a string, the quotes are escaped."""


def may_have_assets(spec: bytes) -> bool:
    """Return False for the stored spec of a version that certainly has no assets, which most have not."""
    return _HAS_ASSETS in spec


def bundle_of(spec: bytes, blobs: Sequence[AssetView]) -> bytes:
    """Make the manifest that a version must have if the rows of its assets are right."""
    assets = [
        BundledAsset(blob.path or "", blob.kind, blob.digest, blob.byte_size, blob.content_type)
        for blob in blobs
        if blob.kind != BUNDLE
    ]
    return manifest(spec, assets)


def recorded_assets(connection: sa.Connection, version: PromptVersionView) -> list[AssetView]:
    """List the blobs of a version, its bundle first. An unrecorded version has none.

    Raises:
        IntegrityFailure: the rows of the blobs do not fit the spec.
    """
    if not version.is_recorded:
        return []
    found = PromptRepository(connection).assets([version.id]).get(version.id, [])
    spec = stored_specs(connection, [version.id]).get(version.id, "").encode()
    if not _fit(spec, found):
        where = f"{version.prompt} rev:{version.revision}"
        raise IntegrityFailure(f"the rows of the blobs of {where} do not fit its spec", "see: promptdb verify")
    return found


def doubtful_versions(connection: sa.Connection) -> Iterator[str]:
    """Find versions whose rows do not fit their specs, and prompts that lack versions. `gc` cannot know their blobs."""
    audit = Audit(connection)
    for version in audit.versions():
        if not _is_certain(version):
            yield str(version)
    yield from audit.incomplete_prompts()


def _is_certain(version: VersionRow) -> bool:
    if digest_of(version.spec) != version.spec_hash:
        return False
    try:
        return _fit(version.spec, version.blobs)
    except IntegrityFailure:
        return False


def _fit(spec: bytes, blobs: Sequence[AssetView]) -> bool:
    bundle = bundle_of(spec, blobs)
    # Parsing all specs of a large registry takes seconds.
    assets = PromptSpec.from_canonical(spec).assets if may_have_assets(spec) else ()
    return blobs_fit(assets, blobs, (digest_of(bundle), len(bundle)))
