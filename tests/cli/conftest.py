"""A folder with a few prompts, and commands to run in it."""

import os
import shutil
from pathlib import Path

import pytest
from clitools import GREET, TRIAGE, Ran, Run
from registries import write

from promptdb.cli import app


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process, in the current folder."""

    def call(*arguments: object) -> Ran:
        capsys.readouterr()
        code = app.run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return call


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two prompts, nothing synced. The current folder; in git where a test asks for `git` too."""
    write(tmp_path, {"prompts/greet.txt": GREET, "prompts/support/triage.yaml": TRIAGE})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROMPTDB_ACTOR", "tester")
    return tmp_path


@pytest.fixture
def synced(project: Path, _synced: Path) -> Path:
    """The same with both prompts in the registry, at revision 1."""
    return _copied(_synced, project)


@pytest.fixture
def two_versions(project: Path, _two_versions: Path) -> Path:
    """`greet` at revision 2, `production` at its first and `staging` at its second."""
    return _copied(_two_versions, project)


@pytest.fixture(scope="session")
def _synced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once: the tests get copies."""
    folder = tmp_path_factory.mktemp("synced")
    write(folder, {"prompts/greet.txt": GREET, "prompts/support/triage.yaml": TRIAGE})
    _commands(folder, "sync")
    return folder


@pytest.fixture(scope="session")
def _two_versions(_synced: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = _copied(_synced, tmp_path_factory.mktemp("two-versions"))
    write(folder, {"prompts/greet.txt": "Hi {name}, welcome to {place}!\n"})
    _commands(folder, "sync", "promote greet:rev:1 production", "promote greet staging")
    return folder


def _copied(source: Path, target: Path) -> Path:
    shutil.copytree(source, target, dirs_exist_ok=True)
    return target


def _commands(folder: Path, *commands: str) -> None:
    """In an environment as clean as that of the tests, which is not there yet."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [
            name for name in os.environ if name.startswith(("PROMPTDB_", "GIT_")) or name in ("CI", "GITHUB_ACTIONS")
        ]:
            patch.delenv(name)
        patch.setenv("PROMPTDB_ACTOR", "tester")
        patch.setenv("XDG_CACHE_HOME", str(folder.with_name("cache")))
        patch.chdir(folder)
        for command in commands:
            assert app.run(command.split()) == 0
