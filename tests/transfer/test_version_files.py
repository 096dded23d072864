"""One version in a file, with and without its assets."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from registries import NewRegistry, dump, on_sqlite, rows, write

from promptdb.domain.plan import Policy
from promptdb.errors import Conflict, IntegrityFailure, PromptDBError, StorageError
from promptdb.maintenance.verify import verify
from promptdb.project.load import load_tree
from promptdb.service import PromptService
from promptdb.sync.sync_tree import sync_tree
from promptdb.transfer.copy import copy_registry, import_file
from promptdb.transfer.export import export_registry

pytestmark = [pytest.mark.slow, on_sqlite, pytest.mark.usefixtures("backend")]


@pytest.fixture
def rich(filled: PromptService, tmp_path: Path) -> Path:
    [file] = filled.export_to_file("rich", tmp_path / "rich.zip")
    return file


@pytest.mark.parametrize("suffix", [".zip", ".bundle.json"])
def test_a_version_comes_back_as_it_was(
    filled: PromptService, new_registry: NewRegistry, tmp_path: Path, suffix: str
) -> None:
    [file] = filled.export_to_file("a/one:rev:1", tmp_path / f"one{suffix}")
    target = new_registry()
    received = import_file(target.registry, file)
    assert (received.written.versions, received.blobs) == (1, 1)
    assert target.get("a/one").version == filled.get("a/one:rev:1").version
    assert target.log("a/one")[0].source == filled.log("a/one:rev:1".partition(":")[0])[1].source
    assert import_file(target.registry, file).is_empty


def test_assets_come_with_the_zip(filled: PromptService, new_registry: NewRegistry, rich: Path) -> None:
    target = new_registry()
    import_file(target.registry, rich)
    view = target.get("rich").version
    assert [asset.checksum_sha256 for asset in target.assets(view)] == [
        asset.checksum_sha256 for asset in filled.assets(view)
    ]
    assert {blob.digest for blob in target.blobs.list()} == {
        f"sha256:{asset.checksum_sha256}" for asset in filled.assets(view)
    }


def test_without_them_the_store_must_have_them(
    filled: PromptService, new_registry: NewRegistry, tmp_path: Path, rich: Path
) -> None:
    [bare] = filled.export_to_file("rich", tmp_path / "rich.bundle.json")
    target = new_registry()
    with pytest.raises(StorageError, match=r"has no assets, and the store does not have '_data.csv'"):
        import_file(target.registry, bare)
    assert list(target.blobs.list()) == []
    import_file(target.registry, rich)
    assert import_file(target.registry, bare).is_empty


def test_the_next_revision_follows_and_a_later_one_does_not(
    filled: PromptService, new_registry: NewRegistry, tmp_path: Path
) -> None:
    target, files = new_registry(), {}
    for revision in (1, 2):
        [files[revision]] = filled.export_to_file(f"a/one:rev:{revision}", tmp_path / f"{revision}.zip")
    with pytest.raises(Conflict, match=r"revision 2 of a/one in .*2.zip cannot come next: the next one here is 1"):
        import_file(target.registry, files[2])
    assert target.list_prompts(archived=True) == []
    import_file(target.registry, files[1])
    import_file(target.registry, files[2])
    assert [view.id for view in target.list_versions("a/one")] == [view.id for view in filled.list_versions("a/one")]
    assert [run["outcome"] for run in rows(target.engine, "sync_runs")] == ["imported", "imported"]


def test_a_revision_that_is_taken_is_a_conflict(
    filled: PromptService, new_registry: NewRegistry, tmp_path: Path
) -> None:
    target = new_registry()
    target.register_text("a/one", "another text")
    [file] = filled.export_to_file("a/one:rev:1", tmp_path / "one.zip")
    with pytest.raises(Conflict, match="revision 1 of a/one is sha256:"):
        import_file(target.registry, file)


def test_equal_versions_give_equal_files(filled: PromptService, tmp_path: Path, rich: Path) -> None:
    filled.export_to_file("rich", tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == rich.read_bytes()


def test_the_file_has_the_document_and_each_asset_under_its_key(rich: Path) -> None:
    with zipfile.ZipFile(rich) as archive:
        document = json.loads(archive.read("bundle.json"))
        [asset] = document["manifest"]["assets"]
        value = asset["digest"].removeprefix("sha256:")
        assert archive.namelist() == ["bundle.json", f"sha256/{value[:2]}/{value}"]
        assert archive.read(archive.namelist()[1]) == b"a,b\r\n"


def edit(document: dict[str, Any], path: str, value: Any) -> None:
    *outer, last = path.split(".")
    for key in outer:
        document = document[int(key) if key.isdigit() else key]
    document[last] = value


EDITS = [
    ("version", 1.0, "version is not the number"),
    ("extra", 1, "unknown field 'extra'"),
    ("version", 2, "of a newer promptdb"),
    ("revision", 5, r"its id is not that of its prompt, revision and digest"),
    ("digest", "sha256:" + "0" * 64, "its spec has the digest"),
    ("bundle", "sha256:" + "0" * 64, "the manifest does not have the digest of the bundle"),
    ("manifest.spec.template", "ho", "the manifest does not have the digest of the bundle"),
    ("manifest.assets.0.size", 1, "of 1 bytes is not in it|does not have the digest of the bundle"),
    ("manifest.assets", 1, "manifest.assets: not a list"),
    ("manifest.spec.template", "\ud800", "values that JSON cannot hold: .*surrogates not allowed"),
    ("provenance", {}, "provenance: not a list"),
    ("manifest.extra", 1, "manifest: unknown field 'extra'"),
    ("prompt.name", "../up", "is not a"),
    ("prompt.id", "x", "id: Input should be a valid UUID"),
    ("prompt", None, "prompt: not a JSON object"),
    ("created_at", 5, "created_at: Input should be a valid datetime"),
    ("user_version", "2.0", "its user_version is not that of its spec"),
    ("provenance.0.colour", "red", "provenance.0: unknown field 'colour'"),
    ("provenance.0.is_dirty", "no", "is_dirty: Input should be a valid boolean"),
]


def test_a_document_that_was_edited_is_refused(new_registry: NewRegistry, rich: Path) -> None:
    """All on one registry, which stays as it is."""
    with zipfile.ZipFile(rich) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    target = new_registry()
    before = dump(target.engine)
    for path, value, message in EDITS:
        document = json.loads(members["bundle.json"])
        edit(document, path, value)
        with zipfile.ZipFile(rich, "w") as archive:
            for name, data in {**members, "bundle.json": json.dumps(document).encode()}.items():
                archive.writestr(name, data)
        with pytest.raises(IntegrityFailure, match=message) as caught:
            import_file(target.registry, rich)
        assert str(rich) in caught.value.message
        assert dump(target.engine) == before
        assert list(target.blobs.list()) == []


def test_a_file_that_is_in_the_way_stays(filled: PromptService, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_text("mine")
    for export in (
        lambda: filled.export_to_file("rich", tmp_path / "x.zip"),
        lambda: export_registry(filled.registry, tmp_path / "x.zip"),
    ):
        with pytest.raises(PromptDBError, match=r"x\.zip exists"):
            export()
    assert (tmp_path / "x.zip").read_text() == "mine"
    export_registry(filled.registry, tmp_path / "x.zip", overwrite=True)
    assert zipfile.is_zipfile(tmp_path / "x.zip")
    assert not [file for file in tmp_path.iterdir() if file.suffix == ".tmp"]


def test_a_version_of_a_new_prompt_takes_a_name_that_another_one_had(
    filled: PromptService, new_registry: NewRegistry, tmp_path: Path
) -> None:
    other = new_registry()
    copy_registry(filled.registry, other.registry)
    write(other.settings.prompts_path, {"a/two.txt": "a new one"})  # the earlier name of b/renamed
    sync_tree(other.registry, load_tree(other.settings), Policy())
    [file] = other.export_to_file("a/two", tmp_path / "two.zip")
    import_file(filled.registry, file)
    assert filled.get("a/two").version.id == other.get("a/two").version.id
    assert verify(filled.registry).findings == ()
