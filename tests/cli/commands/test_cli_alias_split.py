"""`promptdb alias split`."""

from pathlib import Path

import pytest
from clitools import Run, failure, steady
from registries import write

SPLIT = ("alias", "split", "greet", "production")


def test_a_split_is_set_changed_and_listed(run: Run, two_versions: Path) -> None:
    assert run(*SPLIT, "rev:1=90", "latest=10", "-m", "a try") == (
        0,
        "ALIAS                     FROM   TO\ndefault/greet:production  rev:1  rev:1=90 rev:2=10\n",
        "",
    )
    assert run(*SPLIT, "rev:1=90", "rev:2=10").out == (
        "nothing to move; default/greet:production is at rev:1=90 rev:2=10\n"
    )
    assert steady(run("alias", "list").out) == (
        "PROMPT         ALIAS       REVISION           MOVED\n"
        "default/greet  production  rev:1=90 rev:2=10  2026-01-01 00:00\n"
        "default/greet  staging     rev:2              2026-01-01 00:00\n"
    )
    assert steady(run("alias", "log", "greet", "production").out).splitlines()[1] == (
        "2026-01-01 00:00  production  split    rev:1  rev:1=90 rev:2=10  tester  a try"
    )
    assert "production=1|2, staging=2" in run("list").out
    assert "default/greet:production  rev:1=90 rev:2=10" in run("blame").out
    assert "split    rev:1=90 rev:2=10; this is the control\n" in run("show", "greet:production").out


def test_a_key_shows_and_renders_its_arm(run: Run, two_versions: Path) -> None:
    assert run(*SPLIT, "rev:1=50", "rev:2=50").code == 0
    values = ("-v", "name=Ann", "-v", "place=here")
    texts = {key: run("render", "greet:production", *values, "--key", key).out for key in ("u1", "u2", "u3", "u4")}
    assert set(texts.values()) == {"Hello Ann, welcome to here!\n", "Hi Ann, welcome to here!\n"}
    assert run("render", "greet:production", *values).out.startswith("Hello"), "the control"
    assert "this is the control" in run("show", "greet:production", "--key", "").out
    for key, text in texts.items():
        revision = 1 if text.startswith("Hello") else 2
        shown = run("show", "greet:production", "--key", key).out
        assert shown.startswith(f"default/greet revision {revision}\n")
        assert f"split    rev:1=50 rev:2=50; this is the arm of {key}\n" in shown
        assert run("show", "greet:production", "--key", key, "--json").json["revision"] == revision
    for other in (("greet", "--worktree"), ("--file", "prompts/greet.txt")):
        assert "a file has none" in run("render", *other, "--key", "u1").err


def test_another_sum_or_control_is_noted(run: Run, two_versions: Path) -> None:
    assert run(*SPLIT, "rev:1=90", "rev:2=10").err == ""
    assert run(*SPLIT, "rev:1=50", "rev:2=50").err == ""
    assert run(*SPLIT, "rev:1=5", "rev:2=5").err == (
        "note: the split of default/greet:production has another sum, so keys of all its arms may move\n"
        "hint: keep the sum 100 and the control rev:1 to move as few as possible\n"
    )
    assert "has another control, so" in run(*SPLIT, "rev:2=5", "rev:1=5").err


def test_the_end_promotes_one_arm(run: Run, two_versions: Path) -> None:
    write(two_versions, {"prompts/greet.txt": "Hey {name} of {place}\n"})
    assert run("sync").code == 0
    assert run(*SPLIT, "rev:1=90", "rev:2=10").code == 0
    assert run(*SPLIT, "--end", "latest") == (
        5,
        "",
        failure(
            "rev:3 is not an arm of default/greet:production",
            "its arms: rev:1=90 rev:2=10; 'promptdb promote' ends the split with any version",
        ),
    )
    assert run(*SPLIT, "--end", "staging").out.splitlines()[1] == ("default/greet:production  rev:1=90 rev:2=10  rev:2")
    assert run("rollback", "greet", "production").out.splitlines()[1] == (
        "default/greet:production  rev:2  rev:1=90 rev:2=10"
    )


@pytest.mark.parametrize(("expect", "code"), [("rev:1", 0), ("rev:2", 5), ("none", 5)])
def test_a_split_minds_an_expectation(run: Run, two_versions: Path, expect: str, code: int) -> None:
    assert run(*SPLIT, "rev:1=9", "rev:2=1", "--expect", expect).code == code


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "give the arms, or --end SELECTOR"),
        (["rev:1=1", "--end", "rev:1"], 2, "give the arms, or --end SELECTOR"),
        (["--end", "rev:1", "--write"], 2, "--write cannot be combined"),
        (["rev:1=1", "rev:2"], 1, "'rev:2' is not an arm of a split"),
        (["rev:1=1", "rev:2=0"], 1, "the weight of rev:2=0 is not a whole number from 1"),
        (["rev:1=1", "staging=1", "rev:2=1"], 1, "rev:2 is in the split twice"),
        (["rev:1=1"], 1, "a split has 2 to 10 arms, not 1"),
    ],
)
def test_what_is_no_split_is_an_error(
    run: Run, two_versions: Path, arguments: list[str], code: int, message: str
) -> None:
    ran = run(*SPLIT, *arguments)
    assert ran.code == code
    assert message in ran.err
    assert "production  rev:1 " in run("alias", "list").out


def test_a_split_is_written_to_the_file_and_synced(run: Run, two_versions: Path) -> None:
    assert run(*SPLIT, "rev:1=90", "rev:2=10", "--write").out.endswith("moves the aliases\n")
    assert (two_versions / "prompts/_aliases.yaml").read_text() == (
        "production:\n  default/greet:\n    rev:1: 90\n    rev:2: 10\n"
    )
    assert "rev:1=90 rev:2=10" in run("plan").out
    assert "`default/greet:production`: rev:1 to rev:1=90 rev:2=10" in run("plan", "--format", "markdown").out
    assert run("sync").code == 0
    assert run("promote", "greet:rev:1", "production").err.splitlines()[0] == (
        "note: default/greet:production is held at rev:1 (prompts/_aliases.yaml:3 has rev:1=90 rev:2=10); syncs leave it"
    )
    assert "default/greet:production is held at rev:1 (" in run("status").out
    assert "the next sync moves it to rev:1=90 rev:2=10, as" in run("alias", "release", "greet", "production").out
