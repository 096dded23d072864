"""`promptdb sync --hook`: what is synced, and that nothing makes it fail."""

from pathlib import Path

import pytest
from clitools import GREET, Run
from registries import write
from repositories import Git, commit_all


@pytest.fixture
def committed(git: Git, project: Path) -> Path:
    commit_all(git)
    return project


def test_head_is_synced_and_not_the_work_tree(run: Run, committed: Path) -> None:
    write(committed, {"prompts/greet.txt": "{half an edit", "prompts/new.txt": "x"})
    assert run("sync", "--hook") == (0, "promptdb: 2 created, 0 unchanged\n", "")
    assert GREET.strip() in run("show", "greet").out
    assert run("show", "new").code == 1


def test_a_commit_that_was_synced_is_not_read_again(run: Run, committed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("sync", "--hook").code == 0
    monkeypatch.setattr("promptdb.workspace.load_tree", lambda *_, **__: pytest.fail("it was read"))
    assert run("sync", "--hook") == (0, "", "")


def test_every_checkout_is_followed(run: Run, git: Git, committed: Path) -> None:
    assert run("sync", "--hook").code == 0
    git("checkout", "--quiet", "-b", "side")
    write(committed, {"prompts/greet.txt": "Hi {name}!"})
    commit_all(git)
    assert run("sync", "--hook").out == "promptdb: 1 new version, 1 unchanged\n"
    git("checkout", "--quiet", "main")
    assert run("sync", "--hook").out == "promptdb: 1 new version, 1 unchanged\n"
    assert GREET.strip() in run("show", "greet").out


def test_an_amended_commit_is_followed(run: Run, git: Git, committed: Path) -> None:
    assert run("sync", "--hook").code == 0
    write(committed, {"prompts/greet.txt": "Hi {name}!"})
    git("commit", "--quiet", "--all", "--amend", "--no-edit")
    assert run("sync", "--hook").out == "promptdb: 1 new version, 1 unchanged\n"


def broken_file(folder: Path, git: Git) -> None:
    write(folder, {"prompts/greet.txt": "{"})
    commit_all(git)


def no_database(folder: Path, git: Git) -> None:
    write(folder, {"promptdb.sqlite3": "no database at all, but long enough to be taken for one"})


def no_root(folder: Path, git: Git) -> None:
    git("rm", "-r", "--quiet", "prompts")
    commit_all(git)


def bad_setting(folder: Path, git: Git) -> None:
    write(folder, {"promptdb.toml": "no_setting = 1\n"})


@pytest.mark.parametrize(
    ("breaks", "told"),
    [
        (broken_file, "1 error in 1 file; the first: greet.txt:1:1: PDB301"),
        (no_database, "file is not a database"),
        (no_root, "there are no files below prompts/ in commit"),
        (bad_setting, "unknown setting 'no_setting'"),
    ],
)
def test_what_goes_wrong_is_told_in_one_line_and_fails_nothing(
    run: Run, git: Git, committed: Path, breaks, told: str
) -> None:
    breaks(committed, git)
    ran = run("sync", "--hook")
    assert (ran.code, ran.out, ran.err.count("\n")) == (0, "", 1)
    assert ran.err.startswith("promptdb sync --hook: ")
    assert told in ran.err
    assert ran.err.endswith("; nothing was synced\n")


def test_before_the_first_commit_nothing_is_synced(run: Run, git: Git, project: Path) -> None:
    ran = run("sync", "--hook")
    assert (ran.code, ran.err) == (0, "promptdb sync --hook: the repository has no commits yet; nothing was synced\n")


def test_a_registry_of_a_team_is_left_alone(run: Run, committed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMPTDB_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    told = "promptdb sync --hook: the registry postgresql://127.0.0.1:1/none is not local; nothing was synced\n"
    assert run("sync", "--hook") == (0, "", told)


@pytest.mark.parametrize(
    "other", [["--prune"], ["--rev", "HEAD"], ["--staged"], ["--json"], ["--local"], ["--max-prune", "5"]]
)
def test_another_option_is_a_mistake_in_the_hook_itself(run: Run, committed: Path, other: list[str]) -> None:
    for arguments in ([*other, "--hook"], ["--hook", *other]):
        ran = run("sync", *arguments)
        assert (ran.code, "--hook cannot be combined with other options" in ran.err) == (2, True)
