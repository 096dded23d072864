"""A folder with a few prompts, and commands to run in it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from clitools import PROMPTS, Make, Ran, Run, make_synced, make_two_versions
from environment import clean_environment
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
    write(tmp_path, PROMPTS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROMPTDB_ACTOR", "tester")
    return tmp_path


@pytest.fixture
def copied(project: Path, _masters: Callable[[Make], Path]) -> Callable[[Make], Path]:
    """Add what a function makes of the project. The work is done once in a session; each test gets a copy to itself."""

    def copy(make: Make) -> Path:
        return shutil.copytree(_masters(make), project, symlinks=True, dirs_exist_ok=True)

    return copy


@pytest.fixture
def synced(copied: Callable[[Make], Path]) -> Path:
    """The same with both prompts in the registry, at revision 1."""
    return copied(make_synced)


@pytest.fixture
def two_versions(copied: Callable[[Make], Path]) -> Path:
    """`greet` at revision 2, `production` at its first and `staging` at its second."""
    return copied(make_two_versions)


@pytest.fixture(scope="session")
def _masters(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Make], Path]:
    made: dict[Make, Path] = {}

    def master(make: Make) -> Path:
        if make not in made:
            folder = tmp_path_factory.mktemp("master")
            write(folder, PROMPTS)
            with clean_environment(tmp_path_factory.mktemp("environment")) as patch:
                patch.setenv("PROMPTDB_ACTOR", "tester")
                patch.chdir(folder)
                make(folder)
            made[make] = folder
        return made[make]

    return master
