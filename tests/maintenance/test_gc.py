"""`gc`: what no row names goes, what a row names never does, whatever goes on at the same time or is cut off."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from intruder import edit
from registries import dump, on_sqlite, write
from workers import collect_all, killed_at, sync_and_collect, together

from promptdb.db.engine import reading, writing
from promptdb.db.registry_id import gc_turn, give_turn
from promptdb.domain.blob import Blob
from promptdb.domain.plan import Policy
from promptdb.errors import Guard
from promptdb.maintenance.gc import CollectedGarbage, collect_garbage
from promptdb.maintenance.verify import verify
from promptdb.project.load import load_tree
from promptdb.registry.uploads import Intended, upload_and_write
from promptdb.service import PromptService
from promptdb.sync.apply import Applied
from promptdb.sync.sync_tree import sync_tree

NOW, DAY = timedelta(0), timedelta(days=1)
GARBAGE = Blob.of(b"nobody needs this")


def collect(service: PromptService, grace: timedelta = NOW, max_delete: int = 50, **options: bool) -> CollectedGarbage:
    return collect_garbage(service.registry, grace, max_delete, **options)


def stored(service: PromptService) -> set[str]:
    return {blob.digest for blob in service.blobs.list()}


@pytest.fixture
def littered(service: PromptService, tree: Path, sync: Callable[..., Applied]) -> PromptService:
    """Two prompts, and a blob that no version needs."""
    write(tree, {"one.txt": "One", "two.txt": "Two"})
    sync()
    service.blobs.put_all([GARBAGE])
    return service


def test_without_delete_nothing_is_removed(littered: PromptService) -> None:
    before, there = dump(littered.engine), stored(littered)
    found = collect(littered)
    assert (found.blobs, found.garbage, found.garbage_bytes, found.deleted) == (3, 1, GARBAGE.size, 0)
    assert found.examples == (GARBAGE.digest,)
    assert (dump(littered.engine), stored(littered)) == (before, there)


def test_with_delete_garbage_goes_and_what_is_named_stays(littered: PromptService) -> None:
    there = stored(littered)
    found = collect(littered, delete=True)
    assert (found.deleted, found.deleted_bytes) == (1, GARBAGE.size)
    assert stored(littered) == there - {GARBAGE.digest}
    assert verify(littered.registry, full=True).findings == ()


def test_what_was_stored_within_the_grace_period_stays(littered: PromptService) -> None:
    found = collect(littered, DAY, delete=True)
    assert (found.garbage, found.recent, found.deleted) == (0, 1, 0)
    assert GARBAGE.digest in stored(littered)


def test_where_there_is_no_garbage_nothing_is_written(littered: PromptService) -> None:
    collect(littered, delete=True)
    before = dump(littered.engine)
    assert collect(littered, delete=True).deleted == 0
    assert dump(littered.engine) == before


@on_sqlite
def test_unfinished_uploads_go_after_an_hour_whatever_the_grace_period(littered: PromptService) -> None:
    staging = littered.settings.blob_path / "tmp"
    write(staging, {"old": "x", "new": "x"})
    os.utime(staging / "old", (0, 0))
    assert collect(littered).unfinished == 1
    collect(littered, delete=True)
    assert [file.name for file in staging.iterdir()] == ["new"]


# Guards


def test_a_store_of_two_registries_is_left_alone(littered: PromptService) -> None:
    other = uuid4()
    littered.blobs.claim(other, "another\n")
    with pytest.raises(Guard, match=str(other)):
        collect(littered, max_delete=100, delete=True)
    assert GARBAGE.digest in stored(littered)


def test_more_than_half_of_the_blobs_are_not_removed_unless_that_is_allowed(littered: PromptService) -> None:
    littered.blobs.put_all([Blob.of(b"more"), Blob.of(b"and more")])
    with pytest.raises(Guard, match="3 of 5 blobs, more than 50 %"):
        collect(littered, delete=True)
    assert len(stored(littered)) == 5
    assert "3 of 5" in str(collect(littered).refusal)
    assert collect(littered, max_delete=60, delete=True).deleted == 3


def test_an_empty_database_removes_nothing(service: PromptService) -> None:
    service.blobs.put_all([GARBAGE])
    with pytest.raises(Guard, match="the wrong database"):
        collect(service, delete=True)
    assert collect(service, max_delete=100, delete=True).deleted == 1


OF_ASSET = "kind <> 'bundle'"
ROWS_THAT_DO_NOT_FIT = {
    "all deleted": "DELETE FROM prompt_assets",
    "asset deleted": f"DELETE FROM prompt_assets WHERE {OF_ASSET}",
    "key": f"UPDATE prompt_assets SET object_key = 'sha256/00/{'0' * 64}'",
    "checksum": f"UPDATE prompt_assets SET checksum_sha256 = '{'0' * 64}'",
    "of another version": "UPDATE prompt_assets SET version_id = (SELECT id FROM prompt_versions WHERE user_version IS NULL)",
    "bundle twice": "UPDATE prompt_assets SET kind = 'bundle'",
    "other blob": "UPDATE prompt_assets SET (object_key, checksum_sha256) ="
    f" (SELECT object_key, checksum_sha256 FROM prompt_assets WHERE kind = 'bundle' LIMIT 1) WHERE {OF_ASSET}",
    "spec": "UPDATE prompt_versions SET spec_json = replace(spec_json, '_x.csv', '_y.csv')",
    "version deleted": "DELETE FROM prompt_versions WHERE user_version = 'first'",
}


@pytest.mark.parametrize("statement", ROWS_THAT_DO_NOT_FIT.values(), ids=ROWS_THAT_DO_NOT_FIT)
def test_where_rows_do_not_fit_the_specs_nothing_is_removed(
    service: PromptService, tree: Path, sync: Callable[..., Applied], statement: str
) -> None:
    write(tree, {"a.yaml": "template: A\nassets: [{path: _x.csv}]\nmetadata: {user_version: first}", "_x.csv": "x,y"})
    write(tree, {"b.txt": 'B says "assets":[{{'})
    sync()
    assert collect(service).refusal is None
    edit(service.engine, statement)
    there = stored(service)
    with pytest.raises(Guard, match=r"rows of default/. rev:1|rows of default/a ") as raised:
        collect(service, max_delete=100, delete=True)
    assert raised.value.hint == "see: promptdb verify"
    assert stored(service) == there
    assert collect(service).refusal == raised.value.message


# Beside a sync: it looks whether a blob is there, then gc removes it, then the sync writes the row.


def removal(service: PromptService, *, cut_off: bool = False) -> None:
    """With `cut_off`, killed before it had the lock again."""
    if cut_off:
        with writing(service.engine) as connection:
            give_turn(connection, to_gc=True)
        return
    service.blobs.put_all([Blob.of(uuid4().bytes)])
    assert collect(service, max_delete=100, delete=True).deleted


@pytest.mark.parametrize(
    ("before", "between", "uploads"),
    [
        ([], [], 1),
        (["whole"], [], 1),
        (["cut off"], [], 1),
        (["cut off", "whole"], [], 1),
        ([], ["whole"], 2),
        ([], ["cut off"], 2),
        (["whole"], ["whole"], 2),
        (["cut off"], ["whole"], 2),
        (["cut off"], ["cut off"], 2),
        ([], ["cut off", "whole"], 2),
        ([], ["another writer"], 1),
        ([], ["whole", "another writer"], 2),
        ([], ["cut off", "another writer"], 2),
        (["cut off"], ["another writer"], 1),
    ],
)
def test_a_writer_uploads_again_only_if_gc_had_its_turn(
    service: PromptService, before: list[str], between: list[str], uploads: int
) -> None:
    def act(kind: str) -> None:
        if kind == "another writer":
            service.register_text("other", uuid4().hex)
        else:
            removal(service, cut_off=kind == "cut off")

    for kind in before:
        act(kind)
    calls: list[int] = []

    def upload() -> None:
        calls.append(1)
        if len(calls) == 1:
            for kind in between:
                act(kind)

    upload_and_write(service.registry, lambda _: None, lambda _, __: Intended(lambda _: None, upload))
    assert len(calls) == uploads


def test_gc_deletes_nothing_in_the_turn_of_writers(littered: PromptService, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer begins each time gc waits for the lock: before the next deletion, gc takes the turn again."""
    turns: list[int] = []
    delete = littered.blobs.delete

    def when_deleting(digests: list[str]) -> None:
        with reading(littered.engine) as connection:
            turns.append(gc_turn(connection))
        delete(digests)

    def writer_begins(connection: sa.Connection, *, to_gc: bool) -> bool:
        changed = give_turn(connection, to_gc=to_gc)
        if changed and not begun:
            begun.append(1)
            give_turn(connection, to_gc=False)
        return changed

    begun: list[int] = []
    monkeypatch.setattr(littered.registry.blobs, "delete", when_deleting)
    monkeypatch.setattr("promptdb.maintenance.gc.give_turn", writer_begins)
    assert collect(littered, delete=True).deleted == 1
    assert [turn % 2 for turn in turns] == [1]
    assert turns[0] > 2


@pytest.fixture
def abandoned(service: PromptService, tree: Path, sync: Callable[..., Applied]) -> PromptService:
    """A sync of new versions was cut off: their blobs are in the store, and nobody names them."""
    write(tree, {f"{name}.txt": f"{name}, old" for name in "abcdefgh"})
    sync()
    write(tree, {"a.yaml": "template: new\nassets: [{path: _x.csv}]\n", "_x.csv": "x,y\n"})
    (tree / "a.txt").unlink()
    loaded = load_tree(service.settings)
    service.blobs.put_all(blob for item in loaded.desired.items for blob in loaded.desired.content(item).blobs)
    return service


@pytest.mark.slow
def test_a_sync_puts_back_what_gc_removed_after_it_had_looked(
    abandoned: PromptService, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where gc is killed, at one of its steps after another."""
    put_all, kills = abandoned.blobs.put_all, iter(range(4, 1000, 14))
    outcomes: list[bool] = []

    def put_then_collect(*arguments: object) -> None:
        put_all(*arguments)  # type: ignore[arg-type]
        if len(outcomes) == edition:
            outcomes.append(killed_at(next(kills), collect_all, database_url, tmp_path))

    monkeypatch.setattr(abandoned.registry.blobs, "put_all", put_then_collect)
    edition = 0
    while not outcomes or outcomes[-1]:
        write(
            tmp_path / "prompts",
            {"a.yaml": f"template: new {edition}\nassets: [{{path: _x.csv}}]\n", "_x.csv": f"x{edition}"},
        )
        sync_tree(abandoned.registry, load_tree(abandoned.settings), Policy())
        assert verify(abandoned.registry, full=True).findings == ()
        edition += 1
    assert len(outcomes) > 2, "too few steps were seen"


@pytest.mark.slow
def test_syncs_and_collections_at_once_lose_nothing(service: PromptService, database_url: str, tmp_path: Path) -> None:
    write(tmp_path / "prompts", {f"{name}.txt": "first" for name in "abcdefgh"})
    sync_tree(service.registry, load_tree(service.settings), Policy())
    calls = [(database_url, tmp_path, tmp_path / f"worker{number}", number < 2) for number in range(4)]
    answers = together(sync_and_collect, calls)
    assert answers == ["done"] * 4
    assert verify(service.registry, full=True).findings == ()
    with reading(service.engine) as connection:
        assert gc_turn(connection) > 2
