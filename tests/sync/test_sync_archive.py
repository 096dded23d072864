"""Prompts whose files are gone, came back, or have another name."""

from collections.abc import Callable
from pathlib import Path

import pytest
from registries import dump, rows, write

from promptdb.domain.plan import Policy
from promptdb.errors import Conflict, Guard
from promptdb.project.load import load_tree
from promptdb.service import PromptService
from promptdb.sync.apply import Applied
from promptdb.sync.sync_tree import plan_tree

pytestmark = pytest.mark.slow

Sync = Callable[..., Applied]


@pytest.fixture
def ten(tree: Path, sync: Sync) -> Path:
    """Ten prompts, synced."""
    write(tree, {f"a/p{number}.txt": f"Prompt {number}\n" for number in range(10)})
    sync()
    return tree


def changes(applied: Applied) -> list[tuple[str, str]]:
    return [(change.action.value, str(change.prompt)) for change in applied.plan.changes]


def names(service: PromptService, *, archived: bool = False) -> list[str]:
    return [summary.prompt.name for summary in service.list_prompts(archived=archived)]


def remove(tree: Path, *numbers: int) -> None:
    for number in numbers:
        (tree / f"a/p{number}.txt").unlink()


def test_without_prune_a_missing_file_changes_nothing_but_is_told(
    service: PromptService, ten: Path, sync: Sync
) -> None:
    before = dump(service.engine)
    remove(ten, 3)
    applied = sync()
    assert changes(applied) == []
    assert [str(name) for name in applied.plan.missing] == ["a/p3"]
    assert dump(service.engine) == before


def test_prune_archives_prompts_that_stay_resolvable(service: PromptService, ten: Path, sync: Sync) -> None:
    service.promote("a/p3", "production")
    remove(ten, 3)
    assert changes(sync(prune=True)) == [("archive", "a/p3")]
    assert "p3" not in names(service)
    assert "p3" in names(service, archived=True)
    for ref in ("a/p3", "a/p3:rev:1", "a/p3:production"):
        assert service.get(ref).render_text() == "Prompt 3"
    assert changes(sync(prune=True)) == []


@pytest.mark.parametrize(("gone", "max_prune", "allowed"), [
    (2, 20, True),
    (3, 20, False),
    (3, 29, False),
    (3, 30, True),
    (1, 9, False),
    (1, 0, False),
    (10, 99, False),
    (10, 100, True),
])  # fmt: skip
def test_the_guard_counts_percent_of_the_tree(
    service: PromptService, ten: Path, sync: Sync, gone: int, max_prune: int, allowed: bool
) -> None:
    before = dump(service.engine)
    remove(ten, *range(gone))
    if allowed:
        assert len(changes(sync(prune=True, max_prune=max_prune))) == gone
        return
    with pytest.raises(Guard, match=f"would archive {gone} of 10 prompts, more than {max_prune} percent") as caught:
        sync(prune=True, max_prune=max_prune)
    assert "--max-prune" in str(caught.value.hint)
    assert dump(service.engine) == before


def test_the_guard_stops_everything_else_too(service: PromptService, ten: Path, sync: Sync) -> None:
    before = dump(service.engine)
    remove(ten, *range(5))
    write(ten, {"a/new.txt": "New", "a/p9.txt": "Changed"})
    with pytest.raises(Guard):
        sync(prune=True)
    assert dump(service.engine) == before


def test_an_empty_folder_does_not_archive_everything(service: PromptService, ten: Path, sync: Sync) -> None:
    remove(ten, *range(10))
    with pytest.raises(Guard, match="would archive 10 of 10"):
        sync(prune=True)


def test_archived_prompts_do_not_count_as_part_of_the_tree(service: PromptService, ten: Path, sync: Sync) -> None:
    remove(ten, 0, 1)
    sync(prune=True)
    remove(ten, 2, 3)
    with pytest.raises(Guard, match="would archive 2 of 8"):
        sync(prune=True)


@pytest.mark.slow
def test_a_file_that_returns_revives_its_prompt_without_a_version(
    service: PromptService, ten: Path, sync: Sync
) -> None:
    remove(ten, 3)
    sync(prune=True)
    versions = rows(service.engine, "prompt_versions")
    write(ten, {"a/p3.txt": "Prompt 3\n"})
    assert changes(sync()) == [("revive", "a/p3")]
    assert "p3" in names(service)
    assert rows(service.engine, "prompt_versions") == versions
    assert changes(sync()) == []


def test_a_file_that_returns_with_other_text_revives_its_prompt_with_a_version(
    service: PromptService, ten: Path, sync: Sync
) -> None:
    service.promote("a/p3", "production")
    remove(ten, 3)
    sync(prune=True)
    write(ten, {"a/p3.txt": "Again\n"})
    assert changes(sync()) == [("revive", "a/p3"), ("update", "a/p3")]
    assert service.get("a/p3").version.revision == 2
    assert service.get("a/p3:production").version.revision == 1


def test_registering_revives_an_archived_prompt(service: PromptService, ten: Path, sync: Sync) -> None:
    remove(ten, 3)
    sync(prune=True)
    service.register_text("a/p3", "Again")
    assert "p3" in names(service)


def test_prompts_that_no_file_ever_made_are_never_archived(service: PromptService, ten: Path, sync: Sync) -> None:
    service.register_text("api/only", "text")
    applied = sync(prune=True, max_prune=100)
    assert changes(applied) == []
    assert applied.plan.missing == ()
    assert applied.plan.tracked == 10


def test_a_registered_prompt_that_got_a_file_is_part_of_the_tree(service: PromptService, ten: Path, sync: Sync) -> None:
    service.register_text("a/p10", "text")
    write(ten, {"a/p10.txt": "text from a file"})
    sync()
    remove(ten, 10)
    assert changes(sync(prune=True)) == [("archive", "a/p10")]


# Renames


def renamed(text: str, *earlier: str) -> str:
    return f"---\nrenamed_from: [{', '.join(earlier)}]\n---\n{text}\n"


def test_a_rename_keeps_history_ids_and_aliases(service: PromptService, ten: Path, sync: Sync) -> None:
    write(ten, {"a/p1.txt": "Second text\n"})
    sync()
    service.promote("a/p1:rev:1", "production")
    before = service.list_versions("a/p1")
    remove(ten, 1)
    write(ten, {"b/fresh.txt": renamed("Second text", "a/p1")})
    assert changes(sync()) == [("rename", "b/fresh")]
    assert [(version.id, version.revision) for version in service.list_versions("b/fresh")] == [
        (version.id, version.revision) for version in before
    ]
    assert service.get("b/fresh:production").version.revision == 1
    assert service.get("a/p1:production").version == service.get("b/fresh:production").version
    assert "p1" not in names(service, archived=True)
    assert len(service.alias_log("b/fresh")) == 1
    assert changes(sync(prune=True)) == []


def test_a_rename_with_an_edit_adds_a_version_to_the_same_history(
    service: PromptService, ten: Path, sync: Sync
) -> None:
    remove(ten, 1)
    write(ten, {"b/fresh.txt": renamed("Other text", "a/p1")})
    loaded = load_tree(service.settings)
    [_, update] = plan_tree(service.registry, loaded, Policy()).changes
    assert update.parts == ("template",)
    assert changes(sync()) == [("rename", "b/fresh"), ("update", "b/fresh")]
    assert [version.revision for version in service.list_versions("b/fresh")] == [2, 1]


def test_an_archived_prompt_can_be_renamed_by_a_file_that_continues_it(
    service: PromptService, ten: Path, sync: Sync
) -> None:
    remove(ten, 1)
    sync(prune=True)
    write(ten, {"b/fresh.txt": renamed("Prompt 1", "a/p1")})
    assert changes(sync()) == [("rename", "b/fresh"), ("revive", "b/fresh")]
    assert "fresh" in names(service)
    assert [version.revision for version in service.list_versions("b/fresh")] == [1]


def test_a_rename_does_not_count_against_the_guard(service: PromptService, ten: Path, sync: Sync) -> None:
    remove(ten, *range(8))
    write(ten, {f"b/p{number}.txt": renamed(f"Prompt {number}", f"a/p{number}") for number in range(8)})
    assert changes(sync(prune=True, max_prune=0)) == [("rename", f"b/p{number}") for number in range(8)]


def test_a_name_that_stays_in_use_is_not_a_rename(service: PromptService, ten: Path, sync: Sync) -> None:
    """The file was copied: both go on."""
    write(ten, {"b/copy.txt": renamed("Prompt 1", "a/p1")})
    assert changes(sync()) == [("create", "b/copy")]
    assert service.get("a/p1").version.id != service.get("b/copy").version.id


def test_renamed_from_a_name_that_never_was_is_a_new_prompt(service: PromptService, ten: Path, sync: Sync) -> None:
    write(ten, {"b/fresh.txt": renamed("text", "nobody/knows")})
    assert changes(sync()) == [("create", "b/fresh")]


def test_two_files_cannot_continue_the_same_prompt(service: PromptService, ten: Path, sync: Sync) -> None:
    """One is the prompt under its new name, the other a new prompt: ids stay unique."""
    remove(ten, 1)
    write(ten, {"b/x.txt": renamed("Prompt 1", "a/p1"), "b/y.txt": renamed("Prompt 1", "a/p1")})
    assert changes(sync()) == [("rename", "b/x"), ("create", "b/y")]


def test_a_new_prompt_may_take_the_old_name(service: PromptService, ten: Path, sync: Sync) -> None:
    old = service.get("a/p1").version
    remove(ten, 1)
    write(ten, {"b/fresh.txt": renamed("Prompt 1", "a/p1")})
    sync()
    write(ten, {"a/p1.txt": "Prompt 1\n"})
    assert changes(sync()) == [("create", "a/p1")]
    new = service.get("a/p1").version
    assert str(new.prompt) == "a/p1"
    assert new.id != old.id
    assert service.get("b/fresh").version.id == old.id
    assert changes(sync()) == []


def test_a_rename_and_its_reverse_in_one_history(service: PromptService, ten: Path, sync: Sync) -> None:
    old = service.get("a/p1").version
    remove(ten, 1)
    write(ten, {"b/fresh.txt": renamed("Prompt 1", "a/p1")})
    sync()
    (ten / "b/fresh.txt").unlink()
    write(ten, {"a/p1.txt": renamed("Prompt 1", "b/fresh")})
    assert changes(sync()) == [("rename", "a/p1")]
    assert service.get("a/p1").version.id == service.get("b/fresh").version.id == old.id


def test_a_rename_is_known_by_the_user_versions_of_the_old_name(service: PromptService, tree: Path, sync: Sync) -> None:
    write(tree, {"a/one.yaml": "template: one\nmetadata: {user_version: v1}\n"})
    sync()
    (tree / "a/one.yaml").unlink()
    write(tree, {"b/one.yaml": "template: two\nmetadata: {user_version: v1}\nrenamed_from: [a/one]\n"})
    with pytest.raises(Conflict, match="b/one: user_version 'v1' already names revision 1"):
        sync()
