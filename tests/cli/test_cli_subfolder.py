"""A command does the same from any folder of the project."""

from collections.abc import Callable
from pathlib import Path

import pytest
from clitools import Make, Run, commands, make_two_versions
from registries import write
from repositories import Git, commit_all, new_repository

COMMANDS = [
    *("plan", "sync", "status", "list", "show support/triage", "log greet", "diff greet", "render greet -v name=Bo"),
    *("promote greet canary", "rollback greet production", "alias list", "alias log greet", "db current", "db check"),
    *("check", "check --json", "check --format github"),
]
FOLDERS = ["prompts/support", "src/deep"]


@pytest.fixture
def start(copied: Callable[[Make], Path]) -> Path:
    """A repository with something to sync and to roll back."""
    return copied(make_start)


def make_start(folder: Path) -> None:
    make_two_versions(folder)
    commands("promote greet production")
    write(folder, {"src/deep/x.py": "", "prompts/support/triage.yaml": "template: '{a}'\n"})
    commit_all(new_repository(folder))


@pytest.mark.slow
@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_does_the_same_from_a_subfolder(
    run: Run, start: Path, monkeypatch: pytest.MonkeyPatch, command: str, folder: str
) -> None:
    monkeypatch.chdir(start / folder)
    inside = run(*command.split())
    monkeypatch.chdir(start)
    if command.split()[0] in ("sync", "promote", "rollback"):  # done already
        assert inside.code == 0
        assert ("1 new version, 1 unchanged\n" if command != "sync" else "2 unchanged\n") in run("plan").out
    else:
        assert run(*command.split()) == inside
    assert sorted(file.name for file in (start / folder).iterdir()) == sorted(
        Path(name).name for name in children(start, folder)
    )


def children(start: Path, folder: str) -> set[str]:
    """What lay in the folder before."""
    known = {"prompts": {"greet.txt", "support"}, "prompts/support": {"triage.yaml"}, "src/deep": {"x.py"}}
    assert (start / folder).is_dir()
    return known[folder]


@pytest.mark.parametrize("where", ["promptdb.toml", "pyproject.toml"])
def test_outside_of_git_a_settings_file_marks_the_project(
    run: Run, synced: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    write(synced, {where: "[tool.promptdb]\n" if where == "pyproject.toml" else ""})
    expected = run("list")
    monkeypatch.chdir(synced / "prompts/support")
    assert run("list") == expected
    assert run("plan") == (0, "2 unchanged\n", "")


def test_paths_of_a_settings_file_are_taken_from_its_folder(
    run: Run, git: Git, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(
        project,
        {"app/promptdb.toml": 'prompts_root = "texts"\ndatabase_url = "sqlite:///./own.sqlite3"\nblob_root = "own"\n'},
    )
    write(project, {"app/texts/one.txt": "x", "app/deep/x": ""})
    monkeypatch.chdir(project / "app/deep")
    assert run("sync").out.endswith("1 created, 0 unchanged\n")
    assert sorted(file.name for file in (project / "app").iterdir()) == [
        *("deep", "own", "own.sqlite3", "promptdb.toml", "texts")
    ]


def test_a_settings_file_above_the_repository_is_not_ours(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {"promptdb.toml": 'prompts_root = "elsewhere"\n', "inner/prompts/one.txt": "x"})
    (tmp_path / "inner/.git").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    assert "elsewhere" not in run("list").err + run("db", "current").out
    assert run("db", "current").out.startswith(f"sqlite:///{tmp_path}/inner/promptdb.sqlite3: ")
