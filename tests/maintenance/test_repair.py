"""`verify --repair`: what is put back is what was there, from wherever it still is; rows stay as they are."""

import shutil
from pathlib import Path

import pytest
from intruder import edit
from registries import dump, on_sqlite, rows, write
from repositories import Git, commit_all

from promptdb.blobs.local import LocalBlobStore
from promptdb.domain.plan import Policy
from promptdb.errors import ConfigError, Guard
from promptdb.maintenance.repair import other_store, repaired
from promptdb.maintenance.verify import Verified, verify
from promptdb.project.load import load_tree
from promptdb.service import PromptService
from promptdb.sync.sync_tree import sync_tree

# Of the database only rows are read, as in `verify`.
pytestmark = [on_sqlite, pytest.mark.usefixtures("backend"), pytest.mark.slow]

FILES: dict[str, str | bytes] = {"a/rich.txt": "---\nassets: [{path: _x.csv}]\n---\nHello", "a/_x.csv": b"a,b\n" * 50}


@pytest.fixture
def committed(service: PromptService, tree: Path, git: Git) -> PromptService:
    """A prompt with an asset, synced from a commit."""
    write(tree, FILES)
    commit_all(git)
    sync_tree(service.registry, load_tree(service.settings), Policy())
    return service


def files(service: PromptService) -> list[Path]:
    return [service.settings.blob_path / row["object_key"] for row in rows(service.engine, "prompt_assets")]


def repair(service: PromptService, **options: LocalBlobStore) -> Verified:
    return repaired(service.registry, service.settings, verify(service.registry, full=True), **options)


@pytest.mark.parametrize("damage", ["flipped", "truncated", "deleted"])
def test_a_bundle_and_an_asset_of_the_work_tree_are_put_back(committed: PromptService, damage: str) -> None:
    intact, before = [file.read_bytes() for file in files(committed)], dump(committed.engine)
    for file in files(committed):
        if damage == "deleted":
            file.unlink()
        else:
            file.write_bytes(file.read_bytes()[:-1] + (b"!" if damage == "flipped" else b""))
    found = repair(committed)
    assert (found.findings, len(found.repaired)) == ((), 2)
    assert [file.read_bytes() for file in files(committed)] == intact
    assert dump(committed.engine) == before
    assert verify(committed.registry, full=True).findings == ()


@pytest.mark.parametrize("kind", ["folder", "link", "file above"])
def test_what_lies_in_the_place_of_a_blob_stays_a_finding_and_the_others_are_mended(
    committed: PromptService, tmp_path: Path, kind: str
) -> None:
    bundle, asset = files(committed)
    bundle.unlink()
    asset.unlink()
    if kind == "folder":
        (bundle / "x").mkdir(parents=True)
    elif kind == "link":
        write(tmp_path, {"outside": "not a blob"})
        bundle.symlink_to(tmp_path / "outside")
    else:
        bundle.parent.rmdir()
        bundle.parent.write_text("not a folder")
    found = repair(committed)
    (finding,) = found.findings
    assert (finding.code, finding.digest, finding.repairable) == ("V402", f"sha256:{bundle.name}", False)
    assert finding.remedy == f"move away what is at {bundle}, and repeat: promptdb verify --repair"
    assert found.repaired == (f"sha256:{asset.name}",)
    assert kind != "link" or (tmp_path / "outside").read_text() == "not a blob"


def lose_asset(service: PromptService) -> None:
    files(service)[1].unlink()


def test_an_asset_that_is_in_git_only_is_put_back(committed: PromptService, tree: Path) -> None:
    lose_asset(committed)
    shutil.rmtree(tree)
    assert repair(committed).findings == ()


def test_an_asset_that_is_in_another_store_only_is_put_back(
    committed: PromptService, tree: Path, tmp_path: Path
) -> None:
    shutil.copytree(committed.settings.blob_path, tmp_path / "copy")
    edit(committed.engine, "DELETE FROM version_sources")
    lose_asset(committed)
    shutil.rmtree(tree)
    assert repair(committed, other=LocalBlobStore(tmp_path / "copy")).findings == ()


def test_other_bytes_are_not_put_in_the_place_of_an_asset(committed: PromptService, tree: Path, tmp_path: Path) -> None:
    shutil.copytree(committed.settings.blob_path, tmp_path / "copy")
    edit(committed.engine, "DELETE FROM version_sources")
    lost = files(committed)[1]
    (tmp_path / "copy" / lost.relative_to(committed.settings.blob_path)).write_bytes(b"c,d\n" * 50)
    write(tree, {"a/_x.csv": b"c,d\n" * 50})
    lost.unlink()
    found = repair(committed, other=LocalBlobStore(tmp_path / "copy"))
    assert [(finding.code, finding.digest) for finding in found.findings] == [("V402", f"sha256:{lost.name}")]
    assert found.repaired == ()
    assert not lost.exists()


def test_a_bundle_whose_row_was_edited_is_not_made_up(committed: PromptService) -> None:
    edit(committed.engine, "UPDATE prompt_versions SET spec_json = replace(spec_json, 'Hello', 'Evil')")
    files(committed)[0].unlink()
    assert [finding.code.value for finding in repair(committed).findings] == ["V101", "V402"]


def test_a_lost_store_is_made_again(committed: PromptService) -> None:
    shutil.rmtree(committed.settings.blob_path)
    assert repair(committed).findings == ()


def test_the_store_of_another_registry_is_not_written_to(committed: PromptService) -> None:
    shutil.rmtree(committed.settings.blob_path)
    write(committed.settings.blob_path, {"registries/00000000-0000-4000-8000-000000000000": ""})
    with pytest.raises(Guard, match="another registry"):
        repair(committed)
    assert list(committed.blobs.list()) == []


def test_another_store_is_a_folder_of_blobs_or_of_settings(tmp_path: Path) -> None:
    (tmp_path / "blobs/sha256").mkdir(parents=True)
    write(tmp_path, {"other/promptdb.toml": 'blob_root = "../blobs"'})
    for path in ("blobs", "other", "other/promptdb.toml"):
        store = other_store(tmp_path / path)
        assert isinstance(store, LocalBlobStore)
        assert store.root.resolve() == tmp_path / "blobs"
    with pytest.raises(ConfigError, match="not a folder of blobs"):
        other_store(tmp_path)
