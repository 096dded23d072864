"""Splits in `_aliases.yaml`: planned, synced, held and released as other declared targets."""

from pathlib import Path
from typing import Any

import pytest
from registries import on_sqlite, write

from promptdb.domain.plan import Plan, Policy
from promptdb.errors import Guard, InvalidPrompts
from promptdb.maintenance.verify import verify
from promptdb.project.load import load_tree
from promptdb.service import PromptService
from promptdb.sync.apply import Applied
from promptdb.sync.sync_tree import plan_tree, sync_tree

pytestmark = on_sqlite

ONE = "a/one"


def sync(service: PromptService, **policy: Any) -> Applied:
    return sync_tree(service.registry, load_tree(service.settings), Policy(**policy))


def planned(service: PromptService) -> Plan:
    return plan_tree(service.registry, load_tree(service.settings), Policy())


def arms(service: PromptService, alias: str = "staging") -> str:
    view = next(view for view in service.aliases(ONE) if view.alias == alias)
    return str(view.split or view.revision)


def declare(tree: Path, target: str, alias: str = "staging") -> None:
    write(tree, {"_aliases.yaml": f"{alias}:\n  a/one: {target}\n"})


@pytest.fixture
def three(tree: Path, service: PromptService) -> PromptService:
    """Three revisions, without git."""
    for text in ("one", "two", "three"):
        write(tree, {"a/one.txt": text})
        sync(service)
    return service


def test_a_declared_split_is_planned_and_made_once(tree: Path, three: PromptService) -> None:
    declare(tree, "{rev:1: 90, rev:2: 10}")
    [move] = planned(three).moves
    assert (move.from_revision, move.to_revision, str(move.to_split)) == (None, 1, "rev:1=90 rev:2=10")
    assert move.reason == "declared as rev:1=90 rev:2=10"
    assert sync(three).plan.moves == (move,)
    assert arms(three) == "rev:1=90 rev:2=10"
    assert (planned(three).moves, sync(three).run_id) == ((), None)
    assert verify(three.registry).findings == ()


def test_other_weights_move_as_few_keys_as_possible_and_their_order_means_nothing(
    tree: Path, three: PromptService
) -> None:
    declare(tree, "{rev:1: 80, rev:2: 10, rev:3: 10}")
    sync(three)
    declare(tree, "{rev:1: 70, rev:2: 10, rev:3: 20}")
    sync(three)
    [view] = three.aliases(ONE)
    assert view.split is not None
    assert [str(each) for each in view.split.slices] == ["rev:1=70", "rev:3=10", "rev:2=10", "rev:3=10"]
    declare(tree, "{rev:1: 70, rev:3: 20, rev:2: 10}")
    assert planned(three).moves == ()


def test_an_arm_may_be_a_version_of_the_same_sync(tree: Path, three: PromptService) -> None:
    write(tree, {"a/one.txt": "four"})
    declare(tree, "{rev:2: 90, latest: 10}")
    assert [str(move.to_split) for move in planned(three).moves] == ["rev:2=90 rev:4=10"]
    sync(three)
    assert arms(three) == "rev:2=90 rev:4=10"
    write(tree, {"a/one.txt": "five"})
    sync(three)
    assert arms(three) == "rev:2=90 rev:5=10"
    declare(tree, "latest")
    sync(three)
    assert arms(three) == "5"


def test_a_split_by_hand_is_held_until_git_has_another(tree: Path, three: PromptService) -> None:
    declare(tree, "rev:1")
    sync(three)
    three.split(ONE, "staging", [("rev:1", 9), ("rev:2", 1)])
    [hold] = sync(three).plan.held
    assert (hold.revision, str(hold.split), hold.git.revision, hold.git.split) == (1, "rev:1=9 rev:2=1", 1, None)
    declare(tree, "{rev:1: 9, rev:2: 1}")
    [ended] = sync(three).plan.ended_holds
    assert str(ended.git_split) == "rev:1=9 rev:2=1"
    assert three.holds() == []
    move = three.split(ONE, "staging", [("rev:1", 8), ("rev:2", 2)])
    assert move.is_held
    assert sync(three).plan.moves == ()
    assert not three.split(ONE, "staging", [("rev:1", 9), ("rev:2", 1)]).is_held
    assert three.holds() == []
    three.promote(f"{ONE}:rev:1", "staging")
    three.release_alias(ONE, "staging")
    assert arms(three) == "1"
    sync(three)
    assert arms(three) == "rev:1=9 rev:2=1"


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("{rev:1: 9, rev:7: 1}", "no version 'rev:7'"),
        ("{rev:3: 9, latest: 1}", "rev:3 is in the split twice"),
        ("{rev:1: 9, staging: 1}", "no version 'staging'"),
    ],
)
def test_an_arm_that_is_no_version_is_a_problem_with_its_place(
    tree: Path, three: PromptService, target: str, message: str
) -> None:
    declare(tree, target)
    with pytest.raises(InvalidPrompts) as caught:
        planned(three)
    [problem] = caught.value.problems
    assert message in problem.message
    assert (problem.path, problem.line) == ("_aliases.yaml", 2)


@pytest.mark.parametrize("written", [True, False], ids=["recorded", "new"])
def test_a_split_with_an_arm_that_breaks_callers_is_refused(
    tree: Path, service: PromptService, *, written: bool
) -> None:
    write(tree, {"a/one.txt": "{a} {b}"})
    declare(tree, "rev:1", "production")
    sync(service)
    write(tree, {"a/one.txt": "{a}"})
    if written:
        sync(service)
    declare(tree, "{rev:1: 90, rev:2: 10}", "production")
    [move] = planned(service).moves
    assert [change.message for change in move.breaking] == ["variable 'b' removed"]
    with pytest.raises(Guard, match="variable 'b' removed"):
        sync(service)
    assert arms(service, "production") == "1"
    sync(service, allow_breaking=True)
    assert arms(service, "production") == "rev:1=90 rev:2=10"
