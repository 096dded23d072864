"""The bundle of a version: one manifest with its spec and the digests of its assets, stored under its own digest."""

from dataclasses import asdict, dataclass

from promptdb.domain.digest import SCHEME, Digest, canonical_json

CONTENT_TYPE = "application/vnd.promptdb.bundle+json"


@dataclass(frozen=True)
class BundledAsset:
    """An asset as the manifest lists it."""

    path: str
    kind: str
    digest: Digest
    size: int
    content_type: str


def manifest(spec: bytes, assets: list[BundledAsset]) -> bytes:
    """Write the canonical JSON of a bundle.

    Args:
        spec: the canonical JSON of the spec. It goes in as it is, which saves encoding it twice.
        assets: in the order of the spec.
    """
    listed = canonical_json([asdict(asset) for asset in assets])
    return b'{"assets":%b,"scheme":%d,"spec":%b}' % (listed, SCHEME, spec)
