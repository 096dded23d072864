"""`promptdb promote`."""

from pathlib import Path

import pytest
from clitools import Run, failure

MOVED = "ALIAS                     FROM   TO\ndefault/greet:production  rev:1  rev:2\n"


def targets(run: Run, prompt: str = "greet") -> dict[str, int]:
    return {view["alias"]: view["revision"] for view in run("alias", "list", prompt, "--json").json}


def test_an_alias_is_made(run: Run, synced: Path) -> None:
    ran = run("promote", "greet", "production")
    assert ran == (0, "ALIAS                     FROM  TO\ndefault/greet:production  -     rev:1\n", "")
    assert targets(run) == {"production": 1}


@pytest.mark.parametrize("ref", ["greet", "greet:latest", "greet:staging", "greet:rev:2"])
def test_an_alias_is_moved_to_what_the_reference_gives(run: Run, two_versions: Path, ref: str) -> None:
    assert run("promote", ref, "production") == (0, MOVED, "")
    assert targets(run) == {"production": 2, "staging": 2}


def test_an_alias_that_is_there_already_stays(run: Run, two_versions: Path) -> None:
    before = run("alias", "log", "greet").out
    assert run("promote", "greet", "staging") == (0, "nothing to move; default/greet:staging is at rev:2\n", "")
    assert run("alias", "log", "greet").out == before


def test_an_alias_does_not_follow_later_versions(run: Run, two_versions: Path) -> None:
    (two_versions / "prompts/greet.txt").write_text("Third")
    assert run("sync").code == 0
    assert targets(run) == {"production": 1, "staging": 2}


def test_a_dry_run_shows_the_move_and_makes_none(run: Run, two_versions: Path) -> None:
    assert run("promote", "greet", "production", "--dry-run") == (0, MOVED, "nothing was moved\n")
    assert targets(run) == {"production": 1, "staging": 2}


def test_the_reason_is_kept(run: Run, two_versions: Path) -> None:
    assert run("promote", "greet", "production", "--reason", "release 7").code == 0
    event = run("alias", "log", "greet", "production", "--json").json[0]
    assert (event["action"], event["from_revision"], event["to_revision"]) == ("promote", 1, 2)
    assert (event["reason"], event["actor"]) == ("release 7", "tester")


@pytest.mark.parametrize("expect", ["rev:1", "1"])
def test_an_expectation_that_holds_lets_it_move(run: Run, two_versions: Path, expect: str) -> None:
    assert run("promote", "greet", "production", "--expect", expect).code == 0


def test_expecting_none_lets_a_new_alias_be_made(run: Run, two_versions: Path) -> None:
    assert run("promote", "greet", "qa", "--expect", "none").code == 0


UNMET = [
    ("production", "rev:2", "default/greet:production points at rev:1, not at rev:2"),
    ("production", "none", "default/greet:production points at rev:1, not at nothing"),
    ("qa", "rev:1", "default/greet:qa points at nothing, not at rev:1"),
    ("staging", "rev:1", "default/greet:staging points at rev:2, not at rev:1"),
]


@pytest.mark.parametrize(("alias", "expect", "message"), UNMET)
@pytest.mark.parametrize("dry", [[], ["--dry-run"]], ids=["", "dry"])
def test_an_expectation_that_does_not_hold_is_exit_code_5(
    run: Run, two_versions: Path, alias: str, expect: str, message: str, dry: list[str]
) -> None:
    ran = run("promote", "greet", alias, "--expect", expect, *dry)
    assert ran == (5, "", failure(message, f"'promptdb alias log default/greet {alias}' shows who moved it"))
    assert targets(run) == {"production": 1, "staging": 2}


@pytest.mark.parametrize("expect", ["", "rev:", "rev:x", "latest", "-1", "rev:٣"])
def test_an_expectation_that_is_no_revision_is_a_usage_error(run: Run, two_versions: Path, expect: str) -> None:
    ran = run("promote", "greet", "production", f"--expect={expect}")
    assert (ran.code, ran.out) == (2, "")
    assert f"Error: Invalid value for '--expect': {expect!r} is neither rev:N nor none\n" in ran.err


BAD_ALIASES = [
    "latest",
    "Production",
    "1st",
    "",
    "a b",
    "rev:3",
    "git:x",
    "6d984868-ca50-55aa-9698-3d90ea0c06be",
    "a" * 129,
    "pröd",
]
BAD_ALIAS_HINT = (
    "an alias is made of a-z, 0-9, '.', '_' and '-', starts with a letter, has at most 128 characters, "
    "and is not 'latest' or a UUID"
)


@pytest.mark.parametrize("alias", [*BAD_ALIASES, "abcdef01-ca50-55aa-9698-3d90ea0c06be"])
@pytest.mark.parametrize(
    "command", [["promote", "greet"], ["promote", "--all", "staging"], ["alias", "set", "greet"]], ids=" ".join
)
def test_a_name_that_cannot_be_an_alias_is_an_error(
    run: Run, two_versions: Path, alias: str, command: list[str]
) -> None:
    assert run(*command, alias) == (1, "", failure(f"{alias!r} cannot be an alias", BAD_ALIAS_HINT))
    assert targets(run) == {"production": 1, "staging": 2}


# Every prompt at once


def test_all_moves_every_prompt_that_has_the_source(run: Run, two_versions: Path) -> None:
    assert run("promote", "support/triage", "staging").code == 0
    assert run("promote", "--all", "staging", "production") == (
        0,
        "ALIAS                      FROM   TO\n"
        "default/greet:production   rev:1  rev:2\n"
        "support/triage:production  -      rev:1\n",
        "",
    )
    assert (targets(run), targets(run, "support/triage")) == (
        {"production": 2, "staging": 2},
        {"production": 1, "staging": 1},
    )


def test_all_leaves_prompts_without_the_source_alone(run: Run, two_versions: Path) -> None:
    assert run("promote", "--all", "staging", "production").out == MOVED
    assert targets(run, "support/triage") == {}


def test_all_takes_latest_for_every_prompt(run: Run, two_versions: Path) -> None:
    assert run("promote", "--all", "latest", "canary").code == 0
    assert (targets(run)["canary"], targets(run, "support/triage")["canary"]) == (2, 1)


def test_all_makes_one_history_entry_for_each_move(run: Run, two_versions: Path) -> None:
    assert run("promote", "--all", "latest", "canary", "-m", "try it").code == 0
    for prompt in ("greet", "support/triage"):
        assert [event["reason"] for event in run("alias", "log", prompt, "canary", "--json").json] == ["try it"]


def test_all_with_a_dry_run_moves_nothing(run: Run, two_versions: Path) -> None:
    assert run("promote", "--all", "staging", "production", "--dry-run") == (0, MOVED, "nothing was moved\n")
    assert targets(run) == {"production": 1, "staging": 2}


def test_all_again_has_nothing_to_move(run: Run, two_versions: Path) -> None:
    assert run("promote", "--all", "staging", "production").code == 0
    assert run("promote", "--all", "staging", "production") == (0, "nothing to move\n", "")


def test_all_from_an_alias_that_no_prompt_has_is_an_error(run: Run, two_versions: Path) -> None:
    ran = run("promote", "--all", "qa", "production")
    assert ran == (1, "", failure("no prompt has the alias 'qa'", "'promptdb alias list' shows the aliases"))


def test_all_takes_an_alias_and_no_reference(run: Run, two_versions: Path) -> None:
    assert run("promote", "--all", "greet:staging", "production").code == 1


def test_all_does_not_touch_archived_prompts(run: Run, two_versions: Path) -> None:
    assert run("promote", "support/triage", "staging").code == 0
    (two_versions / "prompts/support/triage.yaml").unlink()
    assert run("sync", "--prune", "--max-prune", 50).code == 0
    for source in ("latest", "staging"):
        assert run("promote", "--all", source, "canary").code == 0
        assert [view["alias"] for view in run("alias", "list", "support/triage", "--json").json] == ["staging"]


def test_all_with_an_expectation_is_a_usage_error(run: Run, two_versions: Path) -> None:
    ran = run("promote", "--all", "staging", "production", "--expect", "rev:1")
    assert (ran.code, ran.out) == (2, "")
    assert "Error: --all cannot be combined with --expect\n" in ran.err


# JSON


def test_json_is_a_list_of_moves(run: Run, two_versions: Path) -> None:
    ran = run("promote", "greet", "production", "--json")
    (move,) = ran.json
    assert (ran.code, ran.err) == (0, "")
    assert (move["prompt"], move["alias"], move["action"]) == ("default/greet", "production", "promote")
    assert (move["from_revision"], move["to_revision"]) == (1, 2)


@pytest.mark.parametrize(
    "command", [["promote", "greet", "staging"], ["promote", "--all", "staging", "staging"]], ids=" ".join
)
def test_json_of_no_move_is_an_empty_list(run: Run, two_versions: Path, command: list[str]) -> None:
    assert run(*command, "--json").json == []


def test_json_of_a_dry_run_is_the_moves_it_would_make(run: Run, two_versions: Path) -> None:
    ran = run("promote", "greet", "production", "--dry-run", "--json")
    assert [move["to_revision"] for move in ran.json] == [2]
    assert targets(run)["production"] == 1


# Protected aliases


@pytest.fixture
def breaking(run: Run, two_versions: Path) -> Path:
    """The third revision of `greet` lacks a variable; `production` and `staging` are at earlier ones."""
    (two_versions / "prompts/greet.txt").write_text("Hi {name}!")
    assert run("sync").code == 0
    return two_versions


BREAKS = "this would break callers of default/greet:production: variable 'place' removed"
REMEDY = "compare with 'promptdb diff default/greet:rev:1 :rev:3'; if the callers are ready, pass --allow-breaking"
DOORS = [
    ["promote", "greet", "production"],
    ["promote", "greet", "production", "--dry-run"],
    ["promote", "greet", "production", "--json"],
    ["promote", "--all", "latest", "production"],
    ["alias", "set", "greet", "production"],
]


@pytest.mark.parametrize("command", DOORS, ids=" ".join)
def test_a_protected_alias_is_not_moved_over_a_breaking_change(run: Run, breaking: Path, command: list[str]) -> None:
    assert run(*command) == (5, "", failure(BREAKS, REMEDY))
    assert targets(run) == {"production": 1, "staging": 2}


@pytest.mark.parametrize("command", [DOORS[0], DOORS[3], DOORS[4]], ids=" ".join)
def test_a_breaking_move_that_is_allowed_is_made_and_told(run: Run, breaking: Path, command: list[str]) -> None:
    ran = run(*command, "--allow-breaking")
    assert (ran.code, ran.err) == (0, "")
    assert "default/greet:production   rev:1  rev:3\n" in ran.out.replace("production  rev", "production   rev")
    assert ran.out.endswith("breaking: default/greet: variable 'place' removed\n")
    assert targets(run)["production"] == 3


def test_a_dry_run_of_all_shows_every_move_and_marks_the_refused_ones(run: Run, breaking: Path) -> None:
    ran = run("promote", "--all", "latest", "production", "--dry-run")
    assert ran.code == 5
    rows = [line.split() for line in ran.out.splitlines()]
    assert rows[0] == ["ALIAS", "FROM", "TO", "STATE"]
    assert ["default/greet:production", "rev:1", "rev:3", "refused"] in rows
    assert ["support/triage:production", "-", "rev:1"] in rows
    assert ran.err == f"nothing was moved\n{failure(BREAKS, REMEDY)}"
    assert targets(run) == {"production": 1, "staging": 2}
    allowed = run("promote", "--all", "latest", "production", "--dry-run", "--allow-breaking")
    assert (allowed.code, "refused" in allowed.out) == (0, False)


def test_a_breaking_move_is_in_the_history(run: Run, breaking: Path) -> None:
    assert run("promote", "greet", "production", "--allow-breaking").code == 0
    header, newest, first = run("alias", "log", "greet", "production").out.splitlines()
    assert (header.split()[-1], newest.endswith("  variable 'place' removed")) == ("BREAKING", True)
    assert first.endswith("tester")
    events = run("alias", "log", "greet", "production", "--json").json
    assert [[change["name"] for change in event["breaking"]] for event in events] == [["place"], []]


def test_a_rollback_over_a_breaking_change_is_made_and_told(run: Run, breaking: Path) -> None:
    assert run("promote", "greet", "production", "--allow-breaking").code == 0
    ran = run("rollback", "greet", "production")
    assert (ran.code, ran.out.splitlines()[-1]) == (0, "breaking: default/greet: new required variable 'place'")


@pytest.mark.parametrize(("protected", "code"), [('["production", "live"]', 5), ("[]", 0), ('["live"]', 0)])
def test_which_aliases_are_protected_is_a_setting(
    run: Run, breaking: Path, monkeypatch: pytest.MonkeyPatch, protected: str, code: int
) -> None:
    monkeypatch.setenv("PROMPTDB_PROTECTED_ALIASES", protected)
    assert run("promote", "greet", "production").code == code


def test_a_list_that_is_no_json_is_told(run: Run, breaking: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMPTDB_PROTECTED_ALIASES", "production")
    ran = run("promote", "greet", "production")
    message = "environment variable PROMPTDB_PROTECTED_ALIASES is not JSON"
    assert ran == (1, "", failure(message, 'write a list as ["production"]'))
