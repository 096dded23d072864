"""Holds: an alias that was moved by hand stays where it is, until it is released or git changes."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from registries import Recorded, dump, on_sqlite, rows, settings_for, write
from repositories import Git, commit_all

from promptdb.domain.plan import Plan, Policy
from promptdb.errors import NotFound
from promptdb.maintenance.verify import verify
from promptdb.project.load import load_tree
from promptdb.service import PromptService
from promptdb.sync import apply as apply_module
from promptdb.sync.alias_moves import Pointing
from promptdb.sync.apply import Applied
from promptdb.sync.sync_tree import plan_tree, sync_tree

pytestmark = pytest.mark.slow

ONE = "a/one"


def sync(service: PromptService, **policy: Any) -> Applied:
    return sync_tree(service.registry, load_tree(service.settings), Policy(**policy))


def planned(service: PromptService) -> Plan:
    return plan_tree(service.registry, load_tree(service.settings), Policy())


def at(service: PromptService, alias: str) -> int | None:
    return next((view.revision for view in service.aliases(ONE) if view.alias == alias), None)


def declare(tree: Path, line: str) -> None:
    write(tree, {"_aliases.yaml": f"production:\n  {line}\n"})


@pytest.fixture
def declared(tree: Path, recorded: Recorded) -> PromptService:
    """Without git: `a/one` has three revisions, and `production` is declared and synced at the second."""
    return recorded(fill, files=True)


def fill(service: PromptService) -> None:
    tree = service.settings.prompts_path
    for text in ("one", "two", "three"):
        write(tree, {"a/one.txt": text})
        sync(service)
    declare(tree, "a/one: rev:2")
    sync(service)


def roll_back(service: PromptService) -> None:
    service.promote(f"{ONE}:rev:1", "production", reason="too loud")


def test_a_rollback_stays(tree: Path, declared: PromptService) -> None:
    roll_back(declared)
    for text in ("four", "five"):
        write(tree, {"a/one.txt": text})
        intended, applied = planned(declared), sync(declared)
        assert (intended.moves, applied.plan.moves, at(declared, "production")) == ((), (), 1)
        [hold] = applied.plan.held
        assert intended.held == (hold,)
        assert (hold.revision, hold.actor, hold.reason, hold.action) == (1, "tester", "too loud", "promote")
        assert (hold.git.revision, hold.git.place) == (2, "prompts/_aliases.yaml:2")
    assert sync(declared).run_id is None
    assert [(view.alias, view.held) for view in declared.aliases(ONE)] == [("production", True)]


BY_HAND: dict[str, Callable[[PromptService], object]] = {
    "promote": roll_back,
    "rollback": lambda service: [service.promote(f"{ONE}:rev:1", "production"), service.rollback(ONE, "production")],
    "delete": lambda service: service.delete_alias(ONE, "production"),
    "register": lambda service: service.register_text(ONE, "by hand", alias="production"),
    "promote all": lambda service: service.promote_all("latest", "production"),
}


@pytest.mark.parametrize("way", ["promote", "delete", "register", "promote all"])
@pytest.mark.slow
def test_each_way_to_move_an_alias_by_hand_holds_it(tree: Path, declared: PromptService, way: str) -> None:
    BY_HAND[way](declared)
    there = at(declared, "production")
    assert there != 2
    applied = sync(declared)
    assert (at(declared, "production"), applied.plan.moves) == (there, ())
    assert [hold.revision for hold in declared.holds()] == [there]


def test_a_move_says_at_once_what_git_says(declared: PromptService) -> None:
    dry = declared.promote(f"{ONE}:rev:1", "production", dry_run=True)
    move = declared.promote(f"{ONE}:rev:1", "production")
    for found in (dry, move):
        assert found.git_target is not None
        assert (found.is_held, found.git_target.selector, found.git_target.line) == (True, "rev:2", 2)
    back = declared.rollback(ONE, "production")
    assert (back.is_held, back.to_revision, declared.holds()) == (False, 2, [])
    other = declared.promote(ONE, "canary")
    assert (other.git_target, other.is_held, declared.holds()) == (None, False, [])


def test_a_release_ends_the_hold_and_the_next_sync_moves_the_alias(declared: PromptService) -> None:
    roll_back(declared)
    before = declared.aliases(ONE)[0].generation
    hold = declared.release_alias(ONE, "production", reason="fixed")
    assert (hold.revision, hold.git.revision, at(declared, "production")) == (1, 2, 1)
    event = declared.alias_log(ONE, "production")[0]
    assert (event.action, event.from_revision, event.to_revision, event.reason) == ("release", 1, 1, "fixed")
    assert (declared.holds(), declared.aliases(ONE)[0].generation) == ([], before + 1)
    with pytest.raises(NotFound, match="a/one:production is not held"):
        declared.release_alias(ONE, "production")
    assert [move.to_revision for move in planned(declared).moves] == [2]
    sync(declared)
    assert (at(declared, "production"), planned(declared).is_empty) == (2, True)
    assert declared.rollback(ONE, "production").to_revision == 1
    assert verify(declared.registry).findings == ()


def test_a_release_of_a_deleted_alias_sets_it_again(declared: PromptService) -> None:
    declared.delete_alias(ONE, "production")
    declared.release_alias(ONE, "production")
    assert verify(declared.registry).findings == ()
    sync(declared)
    assert at(declared, "production") == 2


@pytest.mark.parametrize(("line", "revision"), [("a/one: rev:3", 3), ("a/one: rev:1", 1), ("a/one: latest", 3)])
@pytest.mark.slow
def test_git_ends_a_hold_by_another_version_or_by_the_same_move(
    tree: Path, declared: PromptService, line: str, revision: int
) -> None:
    roll_back(declared)
    sync(declared)
    declare(tree, line)
    intended, applied = planned(declared), sync(declared)
    for found in (intended, applied.plan):
        assert [(ended.hold.revision, ended.git_revision) for ended in found.ended_holds] == [(1, revision)]
        assert found.held == ()
    assert (at(declared, "production"), declared.holds()) == (revision, [])
    assert sync(declared).run_id is None
    declared.promote(f"{ONE}:rev:2", "production")
    assert sync(declared).plan.moves == ()
    assert len(declared.holds()) == 1


def test_a_line_that_is_rewritten_or_moved_ends_no_hold(tree: Path, declared: PromptService) -> None:
    roll_back(declared)
    digest = declared.resolve(f"{ONE}:rev:2").spec_hash
    write(tree, {"_aliases.yaml": f"# who moves what\nproduction:\n  a/one: '{digest[:20]}'\n"})
    applied = sync(declared)
    assert (applied.plan.ended_holds, at(declared, "production")) == ((), 1)
    assert declared.holds()[0].git.place == "prompts/_aliases.yaml:3"


def test_a_removed_line_ends_a_hold_and_from_then_on_nothing_is_held(tree: Path, declared: PromptService) -> None:
    roll_back(declared)
    write(tree, {"_aliases.yaml": "canary: {a/one: rev:1}\n"})
    applied = sync(declared)
    assert [ended.git_revision for ended in applied.plan.ended_holds] == [None]
    assert (at(declared, "production"), declared.holds()) == (1, [])
    assert declared.promote(f"{ONE}:rev:3", "production").git_target is None
    assert sync(declared).plan.held == ()


def test_a_broken_file_ends_no_hold(tree: Path, declared: PromptService) -> None:
    roll_back(declared)
    write(tree, {"_aliases.yaml": "production: {a/one: rev:0}\n", "a/two.txt": "two"})
    applied = sync_tree(declared.registry, load_tree(declared.settings), Policy(), keep_going=True)
    assert (len(applied.plan.changes), applied.plan.ended_holds) == (1, ())
    declare(tree, "a/one: rev:2")
    assert len(sync(declared).plan.held) == 1


def test_an_alias_that_was_at_its_declared_version_already_is_held_too(tree: Path, declared: PromptService) -> None:
    declared.promote(f"{ONE}:rev:1", "canary")
    write(tree, {"_aliases.yaml": "production: {a/one: rev:2}\ncanary: {a/one: rev:1}\n"})
    assert sync(declared).plan.moves == ()
    declared.promote(f"{ONE}:rev:3", "canary")
    assert [hold.alias for hold in planned(declared).held] == ["canary"]
    assert (sync(declared).plan.moves, at(declared, "canary")) == ((), 3)


def test_a_declaration_that_is_new_moves_an_alias_that_was_moved_before(tree: Path, declared: PromptService) -> None:
    declared.promote(f"{ONE}:rev:3", "canary")
    write(tree, {"_aliases.yaml": "canary: {a/one: rev:1}\n"})
    applied = sync(declared)
    assert (at(declared, "canary"), applied.plan.held) == (1, ())


def test_a_move_between_look_and_lock_is_held(
    declared: PromptService, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sync has decided already when the alias is rolled back: it looks again under the lock."""
    roll_back(declared)
    declared.release_alias(ONE, "production")
    real, moved = apply_module.order_of, []

    def order_of(*arguments: Any) -> Any:
        if not moved:
            moved.append(declared.promote(f"{ONE}:rev:3", "production"))
        return real(*arguments)

    monkeypatch.setattr(apply_module, "order_of", order_of)
    applied = sync(declared)
    assert moved[0].is_held
    assert (applied.plan.moves, at(declared, "production"), len(applied.plan.held)) == ((), 3, 1)


def test_a_held_alias_follows_its_prompt_to_a_new_name(tree: Path, declared: PromptService) -> None:
    roll_back(declared)
    (tree / "a/one.txt").unlink()
    write(tree, {"b/new.yaml": "template: three\nrenamed_from: [a/one]\n"})
    declare(tree, "b/new: rev:2")
    assert [str(hold.prompt) for hold in sync(declared).plan.held] == ["b/new"]
    assert {view.revision for view in declared.aliases("b/new")} == {1}
    assert [str(hold.prompt) for hold in declared.holds()] == ["b/new"]


def test_a_breaking_registration_is_held_and_later_syncs_pass(tree: Path, declared: PromptService) -> None:
    pointing = Pointing("production", allow_breaking=True)
    declared.register_text(ONE, "by hand {x}", alias=pointing)
    there = at(declared, "production")
    for text in ("four", "five"):
        write(tree, {"a/one.txt": text})
        sync(declared)
        assert at(declared, "production") == there


# Aliases that refs move


@pytest.fixture
def on_main(git: Git, tree: Path, database_url: str, tmp_path: Path) -> Iterator[PromptService]:
    """Two commits, and `staging` follows `main`."""
    service = PromptService(settings_for(database_url, tmp_path, refs={"main": ["staging"]}))
    for text in ("one", "two"):
        write(tree, {"a/one.txt": text, "a/two.txt": "two"})
        commit_all(git)
        sync(service)
    yield service
    service.close()


@pytest.mark.slow
def test_a_rollback_of_an_alias_of_a_ref_stays_until_the_prompt_changes(
    git: Git, tree: Path, on_main: PromptService
) -> None:
    move = on_main.rollback(ONE, "staging", reason="too loud")
    assert move.git_target is not None
    assert (move.is_held, move.git_target.place) == (True, "the ref main")
    assert sync(on_main).run_id is None
    write(tree, {"a/two.txt": "two, edited"})
    commit_all(git)
    applied = sync(on_main)
    assert ([str(move.prompt) for move in applied.plan.moves], at(on_main, "staging")) == (["a/two"], 1)
    write(tree, {"a/one.txt": "three"})
    commit_all(git)
    applied = sync(on_main)
    assert ([ended.git_revision for ended in applied.plan.ended_holds], at(on_main, "staging")) == ([3], 3)


def test_content_that_is_only_recorded_again_ends_no_hold(git: Git, tree: Path, on_main: PromptService) -> None:
    """After a registration by hand, the file of the commit gets a new revision, though git has not changed."""
    on_main.register_text(ONE, "by hand", alias="staging")
    applied = sync(on_main)
    assert (applied.plan.ended_holds, at(on_main, "staging")) == ((), 3)
    assert on_main.resolve(ONE).revision == 4


def test_a_prompt_with_an_invalid_file_stays_held(git: Git, tree: Path, on_main: PromptService) -> None:
    on_main.rollback(ONE, "staging")
    write(tree, {"a/one.txt": "{"})
    commit_all(git)
    sync_tree(on_main.registry, load_tree(on_main.settings), Policy(), keep_going=True)
    assert len(on_main.holds()) == 1
    write(tree, {"a/one.txt": "two"})
    commit_all(git)
    assert (sync(on_main).plan.moves, at(on_main, "staging")) == ((), 1)


@on_sqlite
def test_other_refs_see_the_hold_and_leave_it(git: Git, tree: Path, on_main: PromptService) -> None:
    on_main.rollback(ONE, "staging")
    for options in (["-b", "feature"], ["--detach"]):
        git("checkout", "--quiet", *options)
        intended = planned(on_main)
        assert ([hold.alias for hold in intended.held], intended.ended_holds) == (["staging"], ())
        sync(on_main, local=True)
        assert len(on_main.holds()) == 1


def test_a_second_sync_writes_nothing_and_rows_are_few(git: Git, tree: Path, on_main: PromptService) -> None:
    before = dump(on_main.engine)
    assert sync(on_main).run_id is None
    assert dump(on_main.engine) == before
    assert len(rows(on_main.engine, "git_targets")) == 2
