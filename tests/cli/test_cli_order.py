"""What the commands say of the order of commits."""

from collections.abc import Callable
from pathlib import Path

import pytest
from clitools import Make, Run, commands, failure
from registries import write
from repositories import Git, commit_all, new_repository

pytestmark = pytest.mark.slow


@pytest.fixture
def commits(git: Git, copied: Callable[[Make], Path]) -> list[str]:
    """Two commits, the newer of which is synced, on `main`."""
    copied(make_commits)
    return [commit[:12] for commit in git("rev-list", "--reverse", "main").split()]


def make_commits(folder: Path) -> None:
    git = new_repository(folder)
    commit_all(git)
    write(folder, {"prompts/greet.txt": "Hi {name}!"})
    commit_all(git)
    commands("sync")


def test_a_superseded_sync_is_one_line_and_no_failure(run: Run, git: Git, commits: list[str]) -> None:
    git("checkout", "--quiet", "--detach", commits[0])
    line = f"main was synced at {commits[1]} already, which is newer than {commits[0]}"
    assert run("sync", "--ref", "main") == run("sync") == (0, f"{line}; nothing written\n", "")
    assert run("sync", "--json").json["plan"]["order"]["verdict"] == "superseded"
    ran = run("plan", "--ref", "refs/heads/main")
    assert (ran.code, ran.err) == (0, f"{line}: sync would write nothing\n")
    assert f"order     {line}\n" in run("status").out


def test_another_history_is_refused(run: Run, git: Git, project: Path, commits: list[str]) -> None:
    git("commit", "--quiet", "--amend", "--message", "again")
    commit = git("rev-parse", "HEAD")[:12]
    line = f"{commit} does not descend from {commits[1]}, at which main was synced"
    hint = "after a force-push pass --follow-force-push; --local follows what is checked out, in a registry of your own"
    assert run("sync") == (5, "", failure(line, hint))
    assert run("plan", "--exit-code") == (0, "2 unchanged\n", f"{line}: sync would refuse\n")
    assert run("sync", "--follow-force-push").code == 0
    assert run("sync") == (0, "2 unchanged\n", "")


def test_a_registry_of_ones_own_follows_what_is_checked_out(run: Run, git: Git, commits: list[str]) -> None:
    git("checkout", "--quiet", "--detach", commits[0])
    assert run("sync", "--local", "--json").json["plan"]["order"] is None
    assert run("render", "greet", "-v", "name=Bo", "-v", "place=Oz").out == "Hello Bo, welcome to Oz!\n"


def test_a_ref_that_is_not_listed_is_refused(run: Run, git: Git, project: Path, commits: list[str]) -> None:
    write(project, {"promptdb.toml": "[refs]\nmain = []\n"})
    git("checkout", "--quiet", "-b", "feature")
    line = "the ref feature may not be synced: the setting refs does not list it"
    hint = "add it to the setting refs; 'promptdb sync --local' is for a registry of your own"
    assert run("sync") == (5, "", failure(line, hint))
    assert run("plan") == (0, "2 unchanged\n", f"{line}: sync would refuse\n")
    assert run("check").code == 0
    git("checkout", "--quiet", "--detach")
    ran = run("sync")
    assert (ran.code, ran.err) == (
        5,
        failure(
            "a commit without a ref may not be synced: the setting refs does not list it",
            "pass --ref NAME with the branch or tag that the commit stands for",
        ),
    )


@pytest.mark.parametrize("command", ["sync", "plan"])
@pytest.mark.parametrize(
    ("ref", "message"),
    [
        ("a..b", "'a..b' is not the name of a branch or tag"),
        ("HEAD", "'HEAD' is not the name of a branch or tag"),
    ],
)
def test_a_ref_that_cannot_be_is_wrong_usage(
    run: Run, commits: list[str], command: str, ref: str, message: str
) -> None:
    ran = run(command, "--ref", ref)
    assert ran.code == 2
    assert message in ran.err


@pytest.mark.parametrize("command", ["sync", "plan"])
def test_a_commit_that_has_a_name_takes_no_other(run: Run, commits: list[str], command: str) -> None:
    ran = run(command, "--ref", "other")
    assert ran.code == 1
    assert "--ref is for a commit without a name, but this is the ref main" in ran.err


def test_without_git_there_is_nothing_to_name(run: Run, project: Path) -> None:
    ran = run("sync", "--ref", "main")
    assert ran.code == 1
    assert "--ref is for a commit without a name, but there is no commit" in ran.err


@pytest.mark.parametrize("option", [["--ref", "main"], ["--follow-force-push"]])
def test_local_goes_with_no_option_about_refs(run: Run, commits: list[str], option: list[str]) -> None:
    ran = run("sync", "--local", *option)
    assert (ran.code, "--local cannot be combined with --ref" in ran.err) == (2, True)


def test_a_force_push_that_is_not_followed_is_told(run: Run, git: Git, commits: list[str]) -> None:
    git("checkout", "--quiet", "--detach", commits[0])
    ran = run("sync", "--ref", "main", "--follow-force-push")
    assert (ran.code, ran.err) == (0, "not followed: main is at another commit at its remote\n")


def test_what_was_synced_without_a_ref_is_not_called_head(run: Run, git: Git, project: Path) -> None:
    older = commit_all(git)
    write(project, {"prompts/greet.txt": "Hi {name}!"})
    git("checkout", "--quiet", "--detach")
    newer = commit_all(git)
    assert run("sync").code == 0
    git("checkout", "--quiet", older)
    assert run("sync", "--ref", "main").out.startswith(f"a commit without a ref was synced at {newer[:12]} already")
