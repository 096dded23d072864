"""`promptdb alias`."""

from pathlib import Path

import pytest
from clitools import Run, failure, steady


def test_list_shows_the_aliases_of_all_prompts(run: Run, two_versions: Path) -> None:
    assert run("promote", "support/triage", "production").code == 0
    ran = run("alias", "list")
    assert (ran.code, ran.err) == (0, "")
    assert steady(ran.out) == (
        "PROMPT          ALIAS       REVISION  MOVED\n"
        "default/greet   production  rev:1     2026-01-01 00:00\n"
        "default/greet   staging     rev:2     2026-01-01 00:00\n"
        "support/triage  production  rev:1     2026-01-01 00:00\n"
    )


def test_list_shows_the_aliases_of_one_prompt(run: Run, two_versions: Path) -> None:
    assert run("promote", "support/triage", "production").code == 0
    assert [view["prompt"] for view in run("alias", "list", "support/triage", "--json").json] == ["support/triage"]


@pytest.mark.parametrize("prompt", [[], ["support/triage"]], ids=["all", "one"])
def test_list_of_nothing_says_what_makes_aliases(run: Run, synced: Path, prompt: list[str]) -> None:
    assert run("alias", "list", *prompt) == (0, "", "no aliases; 'promptdb promote' sets them\n")
    assert run("alias", "list", *prompt, "--json") == (0, "[]\n", "")


@pytest.mark.parametrize("rest", [[], ["-m", "why"], ["--expect", "rev:1"], ["--json"]], ids=" ".join)
def test_set_is_promote(run: Run, two_versions: Path, rest: list[str]) -> None:
    by_set = run("alias", "set", "greet", "production", *rest)
    assert run("rollback", "greet", "production").code == 0
    by_promote = run("promote", "greet", "production", *rest)
    if rest == ["--json"]:
        generations = [ran.json[0]["generation"] for ran in (by_set, by_promote)]
        assert generations == [1, 3]
        assert by_set.json[0] | {"generation": 3} == by_promote.json[0]
    else:
        assert by_set == by_promote


def test_delete_removes_the_alias_and_keeps_its_history(run: Run, two_versions: Path) -> None:
    ran = run("alias", "delete", "greet", "production", "-m", "unused")
    assert ran == (0, "ALIAS                     FROM   TO\ndefault/greet:production  rev:1  -\n", "")
    assert run("show", "greet:production").code == 1
    events = run("alias", "log", "greet", "production", "--json").json
    assert [(event["action"], event["to_revision"], event["reason"]) for event in events] == [
        ("delete", None, "unused"),
        ("promote", 1, None),
    ]


@pytest.mark.parametrize(("expect", "code"), [("rev:1", 0), ("rev:2", 5), ("none", 5)])
def test_delete_minds_an_expectation(run: Run, two_versions: Path, expect: str, code: int) -> None:
    assert run("alias", "delete", "greet", "production", "--expect", expect).code == code
    assert run("show", "greet:production").code == (1 if code == 0 else 0)


@pytest.mark.parametrize("command", [["delete", "greet", "qa"]], ids=" ".join)
def test_an_alias_that_is_not_there_is_told_with_those_there_are(
    run: Run, two_versions: Path, command: list[str]
) -> None:
    ran = run("alias", *command)
    assert ran == (1, "", failure("default/greet has no alias 'qa'", "it has production, staging"))


def test_log_shows_the_moves_the_newest_first(run: Run, two_versions: Path) -> None:
    assert run("promote", "greet", "production", "-m", "release 7").code == 0
    assert run("alias", "delete", "greet", "staging").code == 0
    ran = run("alias", "log", "greet")
    assert (ran.code, ran.err) == (0, "")
    assert steady(ran.out) == (
        "WHEN              ALIAS       ACTION   FROM   TO     WHO     WHY\n"
        "2026-01-01 00:00  staging     delete   rev:2  -      tester\n"
        "2026-01-01 00:00  production  promote  rev:1  rev:2  tester  release 7\n"
        "2026-01-01 00:00  staging     promote  -      rev:2  tester\n"
        "2026-01-01 00:00  production  promote  -      rev:1  tester\n"
    )


def test_log_can_be_of_one_alias(run: Run, two_versions: Path) -> None:
    assert [event["alias"] for event in run("alias", "log", "greet", "staging", "--json").json] == ["staging"]


def test_log_of_an_alias_that_never_was_says_so(run: Run, two_versions: Path) -> None:
    ran = run("alias", "log", "greet", "qa")
    assert ran.out == ""
    assert ran.err


def test_log_keeps_a_reason_of_several_lines_in_its_row(run: Run, two_versions: Path) -> None:
    assert run("promote", "greet", "production", "-m", "one\ntwo\x1b[31m").code == 0
    out = run("alias", "log", "greet", "production").out
    assert out.count("\n") == 3
    assert "one two [31m" in out
    assert run("alias", "log", "greet", "production", "--json").json[0]["reason"] == "one\ntwo\x1b[31m"
