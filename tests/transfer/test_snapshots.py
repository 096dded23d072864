"""Snapshots of real registries: the same answers as from the database, the same bytes for the same state."""

from io import BytesIO
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from registries import NewRegistry, on_sqlite, write

from promptdb.client.sources.database import DatabaseSource
from promptdb.client.sources.snapshot import SnapshotSource
from promptdb.domain.plan import Policy
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import PromptRef
from promptdb.domain.snapshot.reader import Snapshot, bytes_reader
from promptdb.errors import IntegrityFailure, NotFound, StorageError, VersionNotFound
from promptdb.project.load import load_tree
from promptdb.service import PromptService
from promptdb.sync.sync_tree import sync_tree
from promptdb.transfer.snapshot import SnapshotChange, compare_snapshots, write_snapshot

ALIASES = ["production", "declared", "latest"]


def snapshot_of(
    service: PromptService, *aliases: str, namespace: str | None = None, with_assets: bool = False
) -> bytes:
    stream = BytesIO()
    write_snapshot(service.registry, stream, aliases or ALIASES, namespace, with_assets=with_assets)
    return stream.getvalue()


def opened(data: bytes) -> Snapshot:
    return Snapshot(bytes_reader(data), len(data), "test")


def source_of(service: PromptService, file: Path, data: bytes) -> SnapshotSource:
    file.write_bytes(data)
    return SnapshotSource(service.settings.model_copy(update={"source": "snapshot", "snapshot": SecretStr(str(file))}))


def test_lookups_give_what_the_database_gives(filled: PromptService, tmp_path: Path) -> None:
    database = DatabaseSource(filled.settings, filled.reader)
    snapshot = source_of(filled, tmp_path / "s", snapshot_of(filled))
    texts = [
        *("a/one", "a/one:production", "a/one:declared", "a/one:latest", "a/one:rev:2", "by/hand", "gone", "rich"),
        *("rich:1.0", "rich:rev:1", "a/two", "a/two:rev:1", "b/renamed", "default/rich"),
    ]
    for text in texts:
        ref = PromptRef.parse(text)
        found = database.find(ref)
        assert snapshot.find(ref) == found, text
        for selector in (found.view.id, found.view.spec_hash, *([f"git:{found.commit_id}"] if found.commit_id else [])):
            again = PromptRef.parse(f"{text.partition(':')[0]}:{selector}")
            assert snapshot.find(again).view == found.view
    for alias in ALIASES:
        for namespace in (None, "a", "default"):
            theirs = sorted(database.find_all(alias, namespace), key=lambda stored: stored.view.prompt)
            assert sorted(snapshot.find_all(alias, namespace), key=lambda stored: stored.view.prompt) == theirs
    assert snapshot.list_versions("a/one") == database.list_versions("a/one", 1)  # the first one is not inside
    assert snapshot.changes(None).generation == database.changes(None).generation


def test_equal_states_make_equal_bytes_and_nothing_of_now(filled: PromptService) -> None:
    first = snapshot_of(filled, with_assets=True)
    assert snapshot_of(filled, "latest", *ALIASES, with_assets=True) == first
    opened(first).verify()
    filled.promote("rich", "production")
    moved = snapshot_of(filled, with_assets=True)
    assert moved != first
    assert opened(moved).head.generation == opened(first).head.generation + 1


def test_a_change_of_another_prompt_changes_only_the_generation(filled: PromptService) -> None:
    first = opened(snapshot_of(filled, "production")).head
    filled.register_text("other/one", "x")
    second = opened(snapshot_of(filled, "production")).head
    assert (first.content == second.content, first.generation < second.generation) == (True, True)


def test_assets_are_inside_only_on_request(filled: PromptService, tmp_path: Path) -> None:
    ref = PromptRef.parse("rich")
    for with_assets in (True, False):
        data = snapshot_of(filled, with_assets=with_assets)
        assert opened(data).head.with_assets is with_assets
        assets = source_of(filled, tmp_path / "s", data).find(ref).assets
        assert assets is not None
        [view] = assets.list()
        theirs = filled.get("rich").assets[0]
        assert view == theirs
        if with_assets:
            with assets.open(view.digest) as stream:
                assert stream.read() == b"a,b\r\n"
        else:
            with pytest.raises(StorageError, match="does not have the bytes"):
                assets.open(view.digest)


def test_a_namespace_limits_what_is_inside(filled: PromptService) -> None:
    snapshot = opened(snapshot_of(filled, "latest", namespace="a"))
    assert [str(found.prompt) for found in snapshot.prompts()] == ["a/one"]
    assert snapshot.find(PromptId("a", "two")) is None


def test_a_misspelt_alias_is_refused(filled: PromptService) -> None:
    with pytest.raises(VersionNotFound, match="no prompt has the alias 'prod'"):
        snapshot_of(filled, "production", "prod")
    with pytest.raises(VersionNotFound, match="no prompt in none has the alias 'latest'"):
        snapshot_of(filled, "latest", namespace="none")


@on_sqlite
def test_a_name_that_another_prompt_has_now_leads_to_that_one(filled_tree: PromptService, tmp_path: Path) -> None:
    filled = filled_tree
    write(filled.settings.prompts_path, {"a/two.txt": "another"})
    sync_tree(filled.registry, load_tree(filled.settings), Policy())
    snapshot = source_of(filled, tmp_path / "s", snapshot_of(filled, "production", "latest"))
    assert snapshot.find(PromptRef.parse("a/two")).spec_json == filled.get("a/two").spec_json
    filled.promote("b/renamed", "live")
    with pytest.raises(NotFound):
        source_of(filled, tmp_path / "t", snapshot_of(filled, "live")).find(PromptRef.parse("a/two:live"))


def test_a_version_that_was_changed_by_hand_is_not_passed_on(new_registry: NewRegistry) -> None:
    service = new_registry()
    service.register_text("a/one", "one")
    with service.engine.begin() as connection:
        connection.execute(sa.text("DROP TRIGGER prompt_versions_no_update"))
        connection.execute(sa.text("UPDATE prompt_versions SET spec_json = replace(spec_json, 'one', 'two')"))
    with pytest.raises(IntegrityFailure, match="does not have its digest"):
        snapshot_of(service, "latest")


def test_arms_of_splits_are_inside_and_compared(filled: PromptService) -> None:
    before = opened(snapshot_of(filled, "production"))
    filled.split("a/one", "production", [("rev:2", 9), ("rev:1", 1)])
    after = opened(snapshot_of(filled, "production"))
    found = after.find(PromptId("a", "one"))
    assert found is not None
    assert [version.view.revision for version in found.versions] == [2, 1]
    assert str(found.aliases["production"].split) == "rev:2=9 rev:1=1"
    assert after.head.versions == before.head.versions + 1
    after.verify()
    [change] = compare_snapshots(before, after)
    assert (change.before and change.before.split, str(change.after and change.after.split)) == (
        None,
        "rev:2=9 rev:1=1",
    )


def test_a_comparison_names_the_aliases_that_give_another_version(filled: PromptService) -> None:
    before = opened(snapshot_of(filled, "production", "latest"))
    filled.promote("a/one:rev:1", "production")
    filled.register_text("by/new", "x")
    after = opened(snapshot_of(filled, "production"))
    changes = compare_snapshots(before, after)
    one = next(change for change in changes if change.prompt == PromptId("a", "one") and change.alias == "production")
    assert (one.before and one.before.revision, one.after and one.after.revision) == (2, 1)
    assert {change.alias for change in changes if change.after is None} == {"latest"}
    assert compare_snapshots(after, after) == []
    assert compare_snapshots(after, before) == [
        SnapshotChange(change.prompt, change.alias, change.after, change.before) for change in changes
    ]
