"""What the commands say of aliases that syncs move, and `promote --write`."""

from pathlib import Path

import pytest
from clitools import Run, failure
from registries import write
from repositories import Git, commit_all

TABLE = """\
ALIAS                     FROM  TO     WHY
default/greet:production  -     rev:1  declared as rev:1
"""


def declare(project: Path, text: str) -> None:
    write(project, {"prompts/_aliases.yaml": text})


def status(run: Run) -> dict[str, str]:
    return {line[:10].strip(): line[10:] for line in run("status").out.splitlines()}


def test_moves_are_planned_told_and_made(run: Run, synced: Path) -> None:
    declare(synced, "production: {greet: rev:1}\n")
    assert run("plan") == (0, f"2 unchanged\n{TABLE}1 alias move\n", "")
    assert run("plan", "--exit-code").code == 3
    assert status(run)["registry"] == "not synced: 2 unchanged"
    assert status(run)["aliases"] == "1 alias move; 'promptdb plan' shows them"
    assert run("sync") == (0, f"2 unchanged\n{TABLE}1 alias move made\n", "")
    assert run("plan") == run("sync") == (0, "2 unchanged\n", "")
    assert "aliases" not in status(run)


def test_what_is_not_committed_moves_nothing(run: Run, git: Git, synced: Path) -> None:
    commit_all(git)
    assert run("sync").code == 0
    declare(synced, "production: {greet: rev:1}\n")
    note = "aliases move with the commit: nothing is moved while files are not committed\n"
    assert run("plan") == (0, f"2 unchanged\n{TABLE}1 alias move\n", note)
    assert run("sync") == (0, "2 unchanged\n", note)
    commit_all(git)
    assert run("sync").out == f"2 unchanged\n{TABLE}1 alias move made\n"


@pytest.mark.parametrize("command", ["plan", "sync"])
def test_a_version_that_is_not_there_is_an_error_at_its_place(run: Run, synced: Path, command: str) -> None:
    declare(synced, "production:\n  greet: rev:9\n")
    ran = run(command)
    assert (ran.code, ran.out) == (4, "")
    assert "prompts/_aliases.yaml:2:10: error [PDB705] default/greet has no version 'rev:9'\n" in ran.err
    assert ("nothing was written" in ran.err) == (command == "sync")
    assert [problem["code"] for problem in run(command, "--json").json["problems"]] == ["PDB705"]
    assert run("check").code == 0
    assert status(run)["files"] == "1 error in 1 file; 'promptdb check' shows them"


def test_check_reads_the_file(run: Run, project: Path) -> None:
    declare(project, "Production: {greet: rev:1}\ncanary: {gone: rev:1}\n")
    ran = run("check")
    assert ran.code == 4
    assert "prompts/_aliases.yaml:1:1: error [PDB701]" in ran.out
    assert "prompts/_aliases.yaml:2:16: warning [PDB704] the prompt default/gone has no file" in ran.out


def test_moves_are_told_in_the_comment_for_a_review(run: Run, synced: Path) -> None:
    declare(synced, "production: {greet: rev:1}\n")
    out = run("plan", "--format", "markdown").out
    assert "#### Aliases: 1 alias move\n\n- `default/greet:production`: nothing to rev:1, `declared as rev:1`\n" in out


# promote --write


def test_a_promotion_is_written_committed_and_synced(run: Run, git: Git, two_versions: Path) -> None:
    ran = run("promote", "--write", "greet:staging", "production")
    assert ran == (
        0,
        "ALIAS                     FROM   TO\n"
        "default/greet:production  rev:1  rev:2\n"
        "wrote prompts/_aliases.yaml; commit it, and 'promptdb sync' of the commit moves the aliases\n",
        "",
    )
    assert (two_versions / "prompts/_aliases.yaml").read_text() == "production:\n  default/greet: rev:2\n"
    assert run("show", "greet:production", "--json").json["revision"] == 1
    commit_all(git)
    assert run("sync").code == 0
    assert run("show", "greet:production", "--json").json["revision"] == 2
    assert run("promote", "--write", "greet:rev:2", "production").out == "prompts/_aliases.yaml declares this already\n"


def test_all_prompts_can_be_written(run: Run, two_versions: Path) -> None:
    moves = run("promote", "--write", "--all", "latest", "canary", "--json").json
    assert [(move["prompt"], move["to_revision"]) for move in moves] == [("default/greet", 2), ("support/triage", 1)]


@pytest.mark.parametrize("option", [["--dry-run"], ["--expect", "none"], ["--reason", "x"]], ids=" ".join)
def test_what_has_no_meaning_in_a_file_is_wrong_usage(run: Run, two_versions: Path, option: list[str]) -> None:
    ran = run("promote", "--write", "greet", "production", *option)
    assert ran.code == 2
    assert "--write cannot be combined with" in ran.err


def test_an_alias_of_a_ref_is_not_written(run: Run, two_versions: Path) -> None:
    write(two_versions, {"promptdb.toml": "[refs]\nmain = ['staging']\n"})
    hint = "remove it from the setting refs to declare it"
    assert run("promote", "--write", "greet", "staging") == (
        1,
        "",
        failure("'staging' is moved by syncs of 'main' already", hint),
    )


def test_a_plan_says_once_that_a_new_version_breaks_callers(run: Run, git: Git, two_versions: Path) -> None:
    declare(two_versions, "production:\n  greet: latest\n")
    commit_all(git)
    assert run("sync").code == 0
    write(two_versions, {"prompts/greet.txt": "Hi {name}, {age}!\n"})
    commit_all(git)
    out = run("plan").out
    assert "default/greet:production" in out
    assert out.count("breaking: default/greet: new required variable 'age'\n") == 1


@pytest.fixture
def breaking(run: Run, git: Git, two_versions: Path) -> Path:
    """`production` at revision 1 of `greet`, declared to go to revision 3, which wants another variable."""
    write(two_versions, {"prompts/greet.txt": "Hi {name}, {age}!\n"})
    commit_all(git)
    assert run("sync").code == 0
    declare(two_versions, "production:\n  greet: rev:3\n")
    commit_all(git)
    return two_versions


MESSAGE = "callers of default/greet:production: variable 'place' removed, new required variable 'age'"


def test_a_plan_that_sync_would_refuse_says_so(run: Run, breaking: Path) -> None:
    ran, performed = run("plan"), run("sync")
    assert (ran.code, performed.code) == (5, 5)
    assert "breaking: default/greet: new required variable 'age'\n" in ran.out
    for one in (ran, performed):
        assert MESSAGE in one.err
        assert (
            "reason for the move: declared as rev:3; change the line in _aliases.yaml to keep an alias where it is"
            in one.err
        )
    assert run("alias", "list", "--json").json[0]["revision"] == 1
    [move] = run("plan", "--json").json["moves"]
    assert [change["kind"] for change in move["breaking"]] == ["variable_removed", "variable_added"]
    assert "**breaks callers**" in run("plan", "--format", "markdown").out


def test_a_breaking_move_can_be_allowed(run: Run, breaking: Path) -> None:
    assert run("plan", "--allow-breaking").code == run("sync", "--allow-breaking").code == 0
    [event, *_] = run("alias", "log", "greet", "production", "--json").json
    assert (event["to_revision"], event["action"], bool(event["breaking"])) == (3, "sync", True)
    assert run("plan").code == 0


def test_writing_all_is_guarded_like_a_move(run: Run, git: Git, two_versions: Path) -> None:
    write(two_versions, {"prompts/greet.txt": "Hi {name}, {age}!\n"})
    commit_all(git)
    assert run("sync").code == 0
    before = set((two_versions / "prompts").iterdir())
    ran = run("promote", "--write", "--all", "latest", "production")
    assert (ran.code, MESSAGE in ran.err, set((two_versions / "prompts").iterdir())) == (5, True, before)
    assert run("promote", "--write", "--all", "latest", "production", "--allow-breaking").code == 0


def test_writing_stages_nothing(run: Run, git: Git, two_versions: Path) -> None:
    commit_all(git)
    for selector, state in (("rev:1", "?? "), ("rev:2", " M ")):
        assert run("promote", "--write", f"greet:{selector}", "production").code == 0
        assert git("diff", "--cached", "--name-only") == ""
        assert f"{state}prompts/_aliases.yaml" in git("status", "--porcelain", "--untracked-files=all").splitlines()
        git("add", "--all")
        git("commit", "--quiet", "--message", selector)


def test_writing_after_a_move_of_the_file_stages_nothing_more(run: Run, git: Git, two_versions: Path) -> None:
    declare(two_versions, "production: {greet: rev:1}\n")
    commit_all(git)
    assert run("sync").code == run("mv", "greet", "hello").code == 0
    staged = git("diff", "--cached")
    assert run("promote", "--write", "greet:rev:2", "production").code == 0
    assert git("diff", "--cached") == staged
    assert "rev:2" not in staged


@pytest.mark.parametrize("name", ["_aliases.yml", "_aliases.json"])
def test_a_file_of_another_suffix_is_not_passed_over(run: Run, synced: Path, name: str) -> None:
    write(synced, {f"prompts/{name}": "production: {greet: rev:1}\n"})
    ran = run("check")
    assert (ran.code, f"prompts/{name}:1:1: error [PDB701] {name} is not read" in ran.out) == (4, True)
    assert "hint: name it _aliases.yaml" in ran.out


def test_a_line_does_not_follow_a_rename_that_does_not_count(run: Run, git: Git, synced: Path) -> None:
    """It goes to a name with versions of its own: `rev:1` of the one is not that of the other."""
    declare(synced, "production:\n  greet: rev:1\n")
    commit_all(git)
    assert run("sync").code == 0
    for old, new in (("support/triage", "support/tmp"), ("greet", "support/triage")):
        assert run("mv", old, new).code == 0
    commit_all(git)
    for command in ("plan", "sync"):
        ran = run(command)
        assert (ran.code, "[PDB705] support/triage does not continue default/greet" in ran.err) == (4, True)
    assert [(alias["prompt"], alias["revision"]) for alias in run("alias", "list", "--json").json] == [
        ("default/greet", 1)
    ]
