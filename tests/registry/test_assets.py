"""The assets of a version at run time: listed, streamed and checked, from the store and from git."""

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from registries import client_of, on_sqlite, write
from repositories import Git, commit_all

from promptdb.domain.blob import object_key
from promptdb.domain.digest import digest_of
from promptdb.errors import AssetNotFound, IntegrityFailure, StalePlan, StorageError
from promptdb.project.load import load_tree
from promptdb.service import PromptService
from promptdb.sync.apply import Applied

pytestmark = on_sqlite

ROWS = b'{"q": 1}\n' * 300_000
TREE: dict[str, str | bytes] = {
    "a.yaml": "template: x\nassets: [{path: _rows.jsonl, kind: example_dataset}, {path: _dot.png}]\n",
    "_rows.jsonl": ROWS,
    "_dot.png": b"\x89PNG\r\n\0",
}


@pytest.fixture
def version(tree: Path, service: PromptService, sync: Callable[..., Applied]) -> PromptService:
    write(tree, TREE)
    sync()
    return service


def blob(service: PromptService, data: bytes) -> Path:
    return service.settings.blob_path / object_key(digest_of(data))


def test_the_assets_of_a_version_are_listed(version: PromptService):
    with client_of(version) as client:
        found = client.get("a").assets
    assert [(a.path, a.kind, a.byte_size, a.digest) for a in found] == [
        ("_rows.jsonl", "example_dataset", len(ROWS), digest_of(ROWS)),
        ("_dot.png", "attachment", 7, digest_of(b"\x89PNG\r\n\0")),
    ]
    assert found[1].content_type == "image/png"
    version.register_text("b", "no assets")
    assert version.get("b").assets == ()


def test_an_asset_is_streamed(version: PromptService):
    prompt = version.get("a")
    with prompt.asset("_rows.jsonl") as stream:
        assert stream.readline() == b'{"q": 1}\n'
        assert stream.readline() + stream.read() == ROWS[9:]
    with version.asset(prompt.version, "_rows.jsonl") as stream:
        assert stream.read() == ROWS


@pytest.mark.parametrize("name", ["rows.jsonl", "./_rows.jsonl", ""])
def test_an_asset_that_is_not_there_is_told_with_those_that_are(version: PromptService, name: str):
    prompt = version.get("a")
    for ask in (prompt.asset, lambda path: version.asset(prompt.version, path)):
        with pytest.raises(AssetNotFound, match="default/a revision 1 has no asset") as raised:
            ask(name)
        assert raised.value.hint == "its assets: _rows.jsonl, _dot.png"


def test_a_corrupt_blob_never_comes_to_its_end(version: PromptService):
    blob(version, ROWS).write_bytes(ROWS[:-2] + b"x\n")
    with version.get("a").asset("_rows.jsonl") as stream:
        assert stream.read(100) == ROWS[:100]
        with pytest.raises(IntegrityFailure, match="was changed after it was stored"):
            stream.read()


def test_a_lost_blob_is_told_with_its_remedy(version: PromptService):
    blob(version, ROWS).unlink()
    with pytest.raises(StorageError, match="is not in") as raised:
        version.get("a").asset("_rows.jsonl")
    assert raised.value.hint == "see: promptdb verify"


def test_a_reader_is_no_part_of_the_value_and_stays_in_its_process(version: PromptService):
    prompt = version.get("a")
    assert prompt == replace(prompt, _reader=None)
    assert "reader" not in repr(prompt)
    again = pickle.loads(pickle.dumps(prompt))
    assert again == prompt
    assert again.render_text() == "x"
    for ask in (lambda: again.asset("_dot.png"), lambda: again.assets):
        with pytest.raises(StorageError, match="no connection to read the assets of default/a") as raised:
            ask()
        assert raised.value.hint == "get the prompt from a PromptClient or a PromptService in this process"


@pytest.mark.slow
def test_assets_of_a_commit_that_is_not_recorded_come_from_git(
    git: Git, tree: Path, version: PromptService, tmp_path: Path
):
    write(tree, {"_dot.png": b"other"})
    commit = commit_all(git)
    write(tree, {"_dot.png": b"later"})
    prompt = version.get(f"a:git:{commit}")
    assert not prompt.version.is_recorded
    assert [(a.path, a.byte_size) for a in prompt.assets] == [("_rows.jsonl", len(ROWS)), ("_dot.png", 5)]
    assert prompt.asset("_dot.png").read() == b"other"
    version.export_to_file(f"a:git:{commit}", tmp_path / "out" / "a.yaml")
    assert (tmp_path / "out/_dot.png").read_bytes() == b"other"
    with pytest.raises(AssetNotFound, match="default/a as it is in git, has no asset 'x'"):
        prompt.asset("x")


def test_an_asset_that_is_edited_while_it_is_synced_makes_the_plan_stale(tree: Path, service: PromptService):
    write(tree, TREE)
    desired = load_tree(service.settings).desired
    [rows, _] = desired.content(desired.items[0]).blobs
    write(tree, {"_rows.jsonl": ROWS[:-1] + b" "})
    with pytest.raises(StalePlan, match=r"_rows\.jsonl was edited while it was synced"):
        service.blobs.put_all([rows])
    (tree / "_rows.jsonl").unlink()
    with pytest.raises(StalePlan):
        rows.open()
    assert list(service.blobs.list()) == []
