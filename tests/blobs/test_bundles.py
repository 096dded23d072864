"""The bundle of a version: one canonical manifest under its own digest, beside the assets that versions share."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from registries import rows, write

from promptdb.domain.blob import object_key
from promptdb.domain.bundle import BundledAsset, manifest
from promptdb.domain.digest import Digest, canonical_json, digest_of
from promptdb.domain.spec import PromptSpec
from promptdb.service import PromptService

ROWS = b"question,answer\n1,2\n"
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(100)

texts = st.text(st.characters(exclude_categories=("Cs",)))
assets = st.builds(
    BundledAsset,
    path=texts,
    kind=st.sampled_from(["attachment", "example_dataset"]),
    digest=st.binary().map(digest_of),
    size=st.integers(0, 2**40),
    content_type=texts,
)


@given(texts, st.lists(assets, max_size=3))
def test_a_manifest_is_the_canonical_json_of_the_whole(template: str, listed: list[BundledAsset]) -> None:
    spec = PromptSpec(kind="string", template=template)
    data = manifest(spec.canonical(), listed)
    whole = json.loads(data)
    assert canonical_json(whole) == data
    assert whole["spec"] == json.loads(spec.canonical())
    assert [entry["digest"] for entry in whole["assets"]] == [asset.digest for asset in listed]
    assert set(whole) == {"assets", "scheme", "spec"}


@pytest.fixture
def with_assets(service: PromptService, tree: Path, sync: Callable[..., object]) -> PromptService:
    write(
        tree,
        {
            "data/grade.yaml": (
                "template: Grade {answer}\n"
                "assets:\n"
                "- {path: _assets/rows.csv, kind: example_dataset}\n"
                "- {path: _assets/picture.png}\n"
            ),
            "data/_assets/rows.csv": ROWS,
            "data/_assets/picture.png": PICTURE,
        },
    )
    sync()
    return service


def test_the_bundle_of_a_version_is_stored_under_its_own_digest(with_assets: PromptService) -> None:
    version = with_assets.get("data/grade").version
    bundle = with_assets.assets(version)[0]
    data = with_assets.blobs.get(Digest(f"sha256:{bundle.checksum_sha256}"))
    assert (bundle.kind, bundle.path, bundle.byte_size) == ("bundle", None, len(data))
    assert bundle.content_type == "application/vnd.promptdb.bundle+json"
    whole = json.loads(data)
    assert digest_of(canonical_json(whole["spec"])) == version.spec_hash
    assert whole["assets"] == [
        {
            "path": "_assets/rows.csv",
            "kind": "example_dataset",
            "digest": digest_of(ROWS),
            "size": len(ROWS),
            "content_type": "text/csv",
        },
        {
            "path": "_assets/picture.png",
            "kind": "attachment",
            "digest": digest_of(PICTURE),
            "size": len(PICTURE),
            "content_type": "image/png",
        },
    ]


def test_each_blob_of_a_version_has_a_row_with_its_key_size_and_checksum(with_assets: PromptService) -> None:
    [version] = rows(with_assets.engine, "prompt_versions")
    found = rows(with_assets.engine, "prompt_assets")
    assert {row["version_id"] for row in found} == {version["id"]}
    assert [(row["kind"], json.loads(row["metadata_json"]), row["content_type"]) for row in found] == [
        ("bundle", {}, "application/vnd.promptdb.bundle+json"),
        ("example_dataset", {"path": "_assets/rows.csv"}, "text/csv"),
        ("attachment", {"path": "_assets/picture.png"}, "image/png"),
    ]
    for row, data in zip(found[1:], (ROWS, PICTURE), strict=True):
        assert row["checksum_sha256"] == hashlib.sha256(data).hexdigest()
        assert row["byte_size"] == len(data)
        assert row["object_key"] == object_key(digest_of(data))
        assert (row["storage_backend"], row["bucket"]) == ("local", ".blobs")
    folder = with_assets.settings.blob_path
    assert [(folder / row["object_key"]).stat().st_size for row in found] == [row["byte_size"] for row in found]


def test_versions_share_the_assets_that_did_not_change(
    with_assets: PromptService, tree: Path, sync: Callable[..., object]
) -> None:
    stored = set(_blobs(with_assets))
    file = tree / "data" / "grade.yaml"
    file.write_text(file.read_text().replace("Grade", "Judge"))
    sync()
    assert [version.revision for version in with_assets.list_versions("data/grade")] == [2, 1]
    assert len(set(_blobs(with_assets)) - stored) == 1, "the new bundle, and nothing else"
    keys = [row["object_key"] for row in rows(with_assets.engine, "prompt_assets")]
    assert len(keys) == 6
    assert keys.count(object_key(digest_of(ROWS))) == keys.count(object_key(digest_of(PICTURE))) == 2


def test_an_asset_that_changed_makes_a_version_whose_old_one_keeps_its_bytes(
    with_assets: PromptService, tree: Path, sync: Callable[..., object]
) -> None:
    (tree / "data/_assets/rows.csv").write_bytes(b"other\n")
    sync()
    for revision, data in ((1, ROWS), (2, b"other\n")):
        version = with_assets.get(f"data/grade:rev:{revision}").version
        row = next(asset for asset in with_assets.assets(version) if asset.path == "_assets/rows.csv")
        assert with_assets.blobs.get(Digest(f"sha256:{row.checksum_sha256}")) == data


def test_a_revert_needs_no_new_blob(with_assets: PromptService, tree: Path, sync: Callable[..., object]) -> None:
    file = tree / "data" / "grade.yaml"
    first = file.read_text()
    for text in (first.replace("Grade", "Judge"), first):
        stored = set(_blobs(with_assets))
        file.write_text(text)
        sync()
    assert with_assets.get("data/grade").version.revision == 3
    assert set(_blobs(with_assets)) == stored


def test_a_registered_text_has_a_bundle_too(service: PromptService) -> None:
    version = service.register_text("a/one", "Hello").version
    [bundle] = service.assets(version)
    data = service.blobs.get(Digest(f"sha256:{bundle.checksum_sha256}"))
    assert data == b'{"assets":[],"scheme":1,"spec":%b}' % service.get("a/one").spec.canonical()


def _blobs(service: PromptService) -> list[str]:
    folder = service.settings.blob_path
    return sorted(str(path.relative_to(folder)) for path in (folder / "sha256").rglob("*") if path.is_file())
