"""The rows that say which blobs a version has, held against its spec: they may be trusted as far as they fit."""

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from promptdb.blobs.bundle import BundledAsset, manifest
from promptdb.db.audit import Audit
from promptdb.db.lookup import stored_specs
from promptdb.db.repository import PromptRepository
from promptdb.domain.digest import digest_of
from promptdb.domain.integrity import BUNDLE, BlobRow, VersionRow, blob_problems, revision_finding
from promptdb.domain.spec import Asset, PromptSpec
from promptdb.domain.views import AssetView, PromptVersionView
from promptdb.errors import IntegrityFailure

_HAS_ASSETS = b'"assets":[{'
"""In the canonical JSON of every spec with assets; inside a string the quotes would be escaped."""


def bundle_of(spec: bytes, blobs: Sequence[BlobRow]) -> bytes:
    """The manifest that a version should have, as far as its rows are right."""
    assets = [
        BundledAsset(blob.path or "", blob.kind, blob.digest, blob.byte_size, blob.content_type)
        for blob in blobs
        if blob.kind != BUNDLE
    ]
    return manifest(spec, assets)


def recorded_assets(connection: sa.Connection, version: PromptVersionView) -> list[AssetView]:
    """The blobs of a version, its bundle first; of one that is not recorded, none.

    Raises:
        IntegrityFailure: a row of them was edited, or is gone.
    """
    if not version.is_recorded:
        return []
    found = PromptRepository(connection).assets(version.id)
    spec = stored_specs(connection, [version.id]).get(version.id, "").encode()
    rows = [BlobRow(v.kind, v.object_key, v.byte_size, v.checksum_sha256, v.content_type, v.path) for v in found]
    problem = next(_problems(spec, rows), None)
    if problem is not None:
        where = f"{version.prompt} rev:{version.revision}"
        raise IntegrityFailure(f"the rows of the blobs of {where} were edited: {problem}", "see: promptdb verify")
    return found


def doubtful_versions(connection: sa.Connection) -> Iterator[str]:
    """Versions, and prompts that lack some, of which the rows do not tell for sure what blobs they need."""
    audit = Audit(connection)
    for version in audit.versions():
        if not _is_certain(version):
            yield str(version)
    for count in audit.revisions():
        if revision_finding(count) is not None:
            yield count.prompt


def _is_certain(version: VersionRow) -> bool:
    if digest_of(version.spec) != version.spec_hash:
        return False
    try:
        return next(_problems(version.spec, version.blobs), None) is None
    except IntegrityFailure:
        return False


def _problems(spec: bytes, blobs: Sequence[BlobRow]) -> Iterator[str]:
    bundle = bundle_of(spec, blobs)
    return blob_problems(_assets_in(spec), blobs, (digest_of(bundle), len(bundle)))


def _assets_in(spec: bytes) -> Sequence[Asset]:
    """To parse all specs of a large registry takes seconds, and most have none."""
    return PromptSpec.from_canonical(spec).assets if _HAS_ASSETS in spec else ()
