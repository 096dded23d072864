"""`promptdb blame`."""

from pathlib import Path

import pytest
from clitools import Run, failure, steady


def test_every_alias_is_shown_with_its_last_move(run: Run, two_versions: Path) -> None:
    assert run("promote", "greet:rev:2", "production", "--reason", "better").code == 0
    ran = run("blame")
    assert (ran.code, ran.err) == (0, "")
    assert steady(ran.out) == (
        "ALIAS                     REVISION  COMMIT  MOVED             WHO     WHY\n"
        "default/greet:production  rev:2             2026-01-01 00:00  tester  better\n"
        "default/greet:staging     rev:2             2026-01-01 00:00  tester\n"
    )


def test_a_time_in_the_past(run: Run, two_versions: Path) -> None:
    [first, staging] = run("blame", "greet", "--json").json
    assert run("promote", "greet:rev:2", "production").code == 0
    assert run("alias", "delete", "greet", "staging").code == 0
    [now] = run("blame", "greet", "--json").json
    assert (first["revision"], now["revision"], now["alias"]) == (1, 2, "production")
    then = run("blame", "greet", "--at", staging["moved_at"], "--json").json
    assert [(entry["alias"], entry["revision"]) for entry in then] == [("production", 1), ("staging", 2)]


def test_nothing_pointed_anywhere_yet(run: Run, two_versions: Path) -> None:
    assert run("blame", "--at", "2001-01-01") == (0, "", "no alias pointed at anything then\n")


@pytest.mark.parametrize("time", ["yesterday", "2026-13-01", "12:00", ""])
def test_what_is_no_time_is_a_usage_error(run: Run, synced: Path, time: str) -> None:
    ran = run("blame", "--at", time)
    assert (ran.code, ran.out) == (2, "")
    assert "is not a time: write 2026-11-30, 2026-11-30T14:05 or 2026-11-30T14:05Z" in " ".join(ran.err.split())


def test_an_unknown_prompt_is_an_error(run: Run, synced: Path) -> None:
    assert run("blame", "not/there") == (
        1,
        "",
        failure("there is no prompt not/there", "'promptdb list' shows all prompts"),
    )
