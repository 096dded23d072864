"""What the commands say of aliases that are moved by hand although git governs them, and `alias release`."""

from pathlib import Path

import pytest
from clitools import Run, failure, steady
from registries import write
from repositories import Git, commit_all

NAME = "default/greet:production"
HELD = f"{NAME} is held at rev:1 (prompts/_aliases.yaml:2 has rev:2): promote by tester, 2026-01-01 00:00, too loud"
HINT = (
    "hint: 'promptdb alias release default/greet production' ends the hold, "
    "and so does a line with another version in _aliases.yaml\n"
)


@pytest.fixture
def declared(run: Run, git: Git, two_versions: Path) -> Path:
    """`production` is declared at revision 2 of `greet`, and synced."""
    write(two_versions, {"prompts/_aliases.yaml": "production:\n  greet: rev:2\n"})
    commit_all(git)
    assert run("sync").code == 0
    return two_versions


@pytest.fixture
def held(run: Run, declared: Path) -> Path:
    assert run("promote", "greet:rev:1", "production", "-m", "too loud").code == 0
    return declared


def status(run: Run) -> dict[str, str]:
    return {line[:10].strip(): line[10:] for line in steady(run("status").out).splitlines()}


@pytest.mark.parametrize(
    ("command", "state"),
    [
        ("promote greet:rev:1 production", "at rev:1"),
        ("alias set greet:rev:1 production", "at rev:1"),
        ("rollback greet production", "at rev:1"),
        ("alias delete greet production", "without a version"),
    ],
)
def test_a_move_by_hand_says_at_once_which_line_declares_the_alias(
    run: Run, declared: Path, command: str, state: str
) -> None:
    ran = run(*command.split())
    note = f"note: {NAME} is held {state} (prompts/_aliases.yaml:2 has rev:2); syncs leave it\n"
    assert (ran.code, ran.err) == (0, note + HINT)
    [move] = run("promote", "greet:rev:2", "production", "--json").json
    assert (move["git_target"]["selector"], move["git_target"]["line"]) == ("rev:2", 2)


def test_the_list_shows_a_held_alias_that_was_deleted(run: Run, declared: Path) -> None:
    assert run("alias", "delete", "greet", "production").code == 0
    for arguments in ((), ("greet",)):
        lines = [line.split() for line in run("alias", "list", *arguments).out.splitlines()]
        [line] = [line for line in lines if line[1] == "production"]
        assert (line[0], line[2], line[-1]) == (NAME.partition(":")[0], "deleted", "held")
    assert all(view["alias"] != "production" for view in run("alias", "list", "--json").json)


def test_a_registration_says_so_too(run: Run, declared: Path) -> None:
    write(declared, {"prompts/greet.txt": "Dear {name}, welcome to {place}!\n"})
    ran = run("register-file", "prompts/greet.txt", "--name", "greet", "--alias", "production")
    assert f"note: {NAME} is held at rev:3 (prompts/_aliases.yaml:2 has rev:2): register by tester" in ran.err


def test_a_move_to_where_git_has_the_alias_holds_nothing(run: Run, held: Path) -> None:
    ran = run("promote", "greet:rev:2", "production")
    assert ran.err == f"note: {NAME} is not held, since prompts/_aliases.yaml:2 has rev:2 too\n"
    assert "held" not in status(run)


def test_an_alias_that_git_does_not_govern_moves_without_a_word(run: Run, declared: Path) -> None:
    assert run("promote", "greet:rev:1", "canary").err == ""


def test_what_no_sync_has_recorded_yet_is_said_too(run: Run, two_versions: Path) -> None:
    write(two_versions, {"prompts/_aliases.yaml": "production:\n  greet: rev:1\n"})
    ending = "and as no sync has done so yet, the next one will\n"
    ran = run("promote", "greet:rev:2", "production")
    assert ran.err == f"note: {NAME} is not held: prompts/_aliases.yaml:2 declares rev:1, {ending}"
    write(two_versions, {"promptdb.toml": "[refs]\nmain = ['staging']\n"})
    ran = run("promote", "greet:rev:1", "staging")
    assert ran.err == f"note: default/greet:staging is not held: syncs of main move it, {ending}"


def test_an_alias_of_a_ref_names_the_ref(run: Run, git: Git, two_versions: Path) -> None:
    write(two_versions, {"promptdb.toml": "[refs]\nmain = ['staging']\n"})
    commit_all(git)
    assert run("sync").code == 0
    assert run("promote", "greet:rev:1", "staging").err == (
        "note: default/greet:staging is held at rev:1 (the ref main has rev:2); syncs leave it\n"
        "hint: 'promptdb alias release default/greet staging' ends the hold, and so does a change of the prompt on main\n"
    )


def test_plan_sync_and_status_show_who_holds_an_alias_when_and_why(run: Run, held: Path) -> None:
    advice = "1 alias held, moved by hand; 'promptdb alias release PROMPT ALIAS' ends a hold\n"
    for command in ("sync", "plan"):
        ran = run(command)
        assert (ran.code, steady(ran.out), ran.err) == (0, f"2 unchanged\n{HELD}\n", advice)
    assert run("plan", "--exit-code").code == 0
    assert status(run)["held"] == HELD
    assert status(run)["registry"] == "in sync: 2 unchanged"
    assert f"#### 1 alias held, moved by hand\n\n- `{HELD}`\n" in steady(run("plan", "--format", "markdown").out)
    [hold] = run("status", "--json").json["plan"]["held"]
    assert (hold["revision"], hold["actor"], hold["reason"], hold["git"]["line"]) == (1, "tester", "too loud", 2)
    assert steady(run("alias", "list").out).splitlines()[:2] == [
        "PROMPT         ALIAS       REVISION  MOVED             STATE",
        "default/greet  production  rev:1     2026-01-01 00:00  held",
    ]


def test_a_release_ends_a_hold(run: Run, held: Path) -> None:
    ran = run("alias", "release", "greet", "production", "-m", "fixed")
    to = "the next sync moves it to rev:2, as prompts/_aliases.yaml:2 says"
    assert ran == (0, f"{NAME} is not held any more; {to}\n", "")
    [event, *_] = run("alias", "log", "greet", "production", "--json").json
    assert (event["action"], event["actor"], event["reason"]) == ("release", "tester", "fixed")
    assert run("alias", "release", "greet", "production") == (
        1,
        "",
        failure(f"{NAME} is not held", "'promptdb status' shows the holds"),
    )
    assert run("sync").code == 0
    assert run("show", "greet:production", "--json").json["revision"] == 2


def test_a_newer_line_ends_a_hold_and_the_sync_says_so(run: Run, git: Git, held: Path) -> None:
    write(held, {"prompts/_aliases.yaml": "production:\n  greet: rev:1\n"})
    commit_all(git)
    line = f"the hold of {NAME} at rev:1 by tester {{}}: git has the alias at rev:1 now\n"
    assert run("plan").out == "2 unchanged\n" + line.format("ends with the next sync")
    assert "#### Holds of aliases\n\n- `the hold of" in run("plan", "--format", "markdown").out
    assert status(run)["held"] == line.format("ends with the next sync").strip()
    assert run("sync").out == "2 unchanged\n" + line.format("ended")
    assert run("sync").out == "2 unchanged\n"


def test_a_breaking_registration_does_not_stop_later_syncs(run: Run, git: Git, declared: Path) -> None:
    write(declared, {"other/greet.txt": "Dear {stranger}\n"})
    command = ("register-file", "other/greet.txt", "--name", "greet", "--alias", "production", "--allow-breaking")
    assert run(*command).code == 0
    for _ in range(2):
        assert run("sync").code == 0
    assert run("show", "greet:production", "--json").json["revision"] == 3


def test_status_says_what_sync_would_refuse(run: Run, git: Git, declared: Path) -> None:
    write(declared, {"prompts/greet.txt": "Hi {stranger}!\n", "prompts/_aliases.yaml": "production: {greet: rev:3}\n"})
    commit_all(git)
    assert run("sync").code == 5
    assert status(run)["sync"].startswith(f"would refuse: this would break callers of {NAME}: variable 'name' removed")
    assert "would break" in run("status", "--json").json["refused"]
