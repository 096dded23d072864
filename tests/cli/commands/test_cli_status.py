"""`promptdb status`."""

from pathlib import Path

from clitools import Run
from registries import write
from repositories import Git, commit_all


def lines(out: str) -> dict[str, str]:
    return {line[:10].strip(): line[10:] for line in out.splitlines()}


def test_a_synced_tree_is_in_step(run: Run, synced: Path) -> None:
    ran = run("status")
    assert (ran.code, ran.err) == (0, "")
    assert lines(ran.out) == {
        "prompts": f"{synced}/prompts",
        "schema": "0009",
        "database": f"sqlite:///{synced}/promptdb.sqlite3",
        "blobs": f"{synced}/.blobs",
        "registry": "in sync: 2 unchanged",
    }


def test_a_tree_that_is_not_synced_is_counted(run: Run, project: Path) -> None:
    assert lines(run("status").out)["registry"] == "not synced: 2 to create, 0 unchanged"


def test_git_is_told_where_there_is_git(run: Run, git: Git, project: Path) -> None:
    commit = commit_all(git)
    assert lines(run("status").out)["git"] == f"main at {commit[:12]}"


def test_dirty_files_are_counted(run: Run, git: Git, project: Path) -> None:
    commit = commit_all(git)
    write(project, {"prompts/greet.txt": "Hi!"})
    assert lines(run("status").out)["git"] == f"main at {commit[:12]}, 1 file dirty"


def test_a_detached_head_is_told(run: Run, git: Git, project: Path) -> None:
    commit = commit_all(git)
    git("checkout", "--quiet", "--detach")
    assert lines(run("status").out)["git"] == f"detached at {commit[:12]}"


def test_invalid_files_are_counted_and_no_failure(run: Run, project: Path) -> None:
    write(project, {"prompts/bad.txt": "{"})
    ran = run("status")
    assert ran.code == 0
    assert lines(ran.out)["files"] == "1 error in 1 file; 'promptdb check' shows them"


def test_a_tree_with_invalid_files_is_not_in_step(run: Run, synced: Path) -> None:
    write(synced, {"prompts/greet.txt": "{"})
    assert not lines(run("status").out)["registry"].startswith("in step")


def test_files_that_are_gone_are_not_in_step(run: Run, synced: Path) -> None:
    """`plan` tells of them, and `sync --prune` has something to do."""
    (synced / "prompts/greet.txt").unlink()
    assert lines(run("status").out)["registry"] == "not synced: 1 unchanged, 1 without a file"


def test_json_has_the_facts_and_the_plan(run: Run, git: Git, synced: Path) -> None:
    commit = commit_all(git)
    assert run("status", "--json").json == {
        "prompts_root": f"{synced}/prompts",
        "database": f"sqlite:///{synced}/promptdb.sqlite3",
        "schema": "0009",
        "blobs": f"{synced}/.blobs",
        "branch": "main",
        "commit": commit,
        "dirty": False,
        "problems": 0,
        "plan": run("plan", "--json").json,
        "refused": None,
    }
