"""`promptdb rollback`."""

from pathlib import Path

import pytest
from clitools import Run, failure


@pytest.fixture
def three(two_versions: Path, run: Run) -> Path:
    """`production` has been at 1, 2 and 3."""
    (two_versions / "prompts/greet.txt").write_text("Third {name} {place}")
    assert run("sync").code == 0
    for revision in (2, 3):
        assert run("promote", f"greet:rev:{revision}", "production").code == 0
    return two_versions


def at(run: Run) -> int:
    found: int = run("show", "greet:production", "--json").json["revision"]
    return found


def test_an_alias_returns_to_its_previous_version(run: Run, three: Path) -> None:
    ran = run("rollback", "greet", "production")
    assert ran == (0, "ALIAS                     FROM   TO\ndefault/greet:production  rev:3  rev:2\n", "")
    assert at(run) == 2


def test_again_goes_one_further_back_until_there_is_no_more(run: Run, three: Path) -> None:
    assert [run("rollback", "greet", "production").code for _ in range(2)] == [0, 0]
    assert at(run) == 1
    ran = run("rollback", "greet", "production")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.endswith("'promptdb promote' goes to any version\n")


def test_a_promotion_after_a_rollback_can_be_rolled_back(run: Run, three: Path) -> None:
    assert run("rollback", "greet", "production").code == 0
    assert run("promote", "greet:rev:1", "production").code == 0
    assert run("rollback", "greet", "production").code == 0
    assert at(run) == 2


def test_it_is_in_the_history_with_its_reason(run: Run, three: Path) -> None:
    assert run("rollback", "greet", "production", "-m", "it broke").code == 0
    event = run("alias", "log", "greet", "production", "--json").json[0]
    assert (event["action"], event["from_revision"], event["to_revision"]) == ("rollback", 3, 2)
    assert (event["reason"], event["actor"]) == ("it broke", "tester")


def test_an_alias_that_never_moved_has_nothing_to_return_to(run: Run, two_versions: Path) -> None:
    message = "default/greet:staging has no target before rev:2"
    hint = "'promptdb alias log default/greet staging' lists its moves; 'promptdb promote' goes to any version"
    assert run("rollback", "greet", "staging") == (1, "", failure(message, hint))


def test_an_alias_that_was_deleted_begins_anew(run: Run, three: Path) -> None:
    assert run("alias", "delete", "greet", "production").code == 0
    assert run("promote", "greet:rev:1", "production").code == 0
    assert run("rollback", "greet", "production").code == 1


def test_an_unknown_alias_is_told_with_those_there_are(run: Run, two_versions: Path) -> None:
    assert run("rollback", "greet", "qa") == (
        1,
        "",
        failure("default/greet has no alias 'qa'", "it has production, staging"),
    )


def test_an_unknown_prompt_is_an_error(run: Run, two_versions: Path) -> None:
    ran = run("rollback", "not/there", "production")
    assert ran == (1, "", failure("there is no prompt not/there", "'promptdb list' shows all prompts"))


@pytest.mark.parametrize(("expect", "code"), [("rev:3", 0), ("rev:2", 5), ("none", 5)])
def test_an_expectation_must_hold(run: Run, three: Path, expect: str, code: int) -> None:
    assert run("rollback", "greet", "production", "--expect", expect).code == code
    assert at(run) == (2 if code == 0 else 3)


def test_json_is_a_list_with_the_move(run: Run, three: Path) -> None:
    (move,) = run("rollback", "greet", "production", "--json").json
    assert (move["action"], move["from_revision"], move["to_revision"]) == ("rollback", 3, 2)
