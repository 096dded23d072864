"""Real git repositories for tests."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Git = Callable[..., str]


@pytest.fixture
def git(tmp_path: Path, _empty_repository: Path) -> Git:
    """A repository in `tmp_path`, on the branch `main`, without a commit; calling it runs a git command there.

    The databases and blobs that the other fixtures put there are ignored.
    """
    shutil.copytree(_empty_repository / ".git", tmp_path / ".git", dirs_exist_ok=True)
    return git_in(tmp_path)


@pytest.fixture(scope="session")
def _empty_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once: the tests get copies."""
    folder = tmp_path_factory.mktemp("repository")
    new_repository(folder)
    return folder


def new_repository(folder: Path) -> Git:
    """Make such a repository in another folder."""
    git = git_in(folder)
    git("init", "--quiet", "--initial-branch=main")
    shutil.rmtree(folder / ".git" / "hooks")
    (folder / ".git" / "hooks").mkdir()
    (folder / ".git" / "info" / "exclude").write_text("*.sqlite3*\n.blobs/\n")
    return git


def git_in(folder: Path) -> Git:
    """Run git commands in a folder; gives what they print, without the last line break."""

    def run(*arguments: str, **environment: str) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env={**os.environ, **environment},
            check=True,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
        )
        return done.stdout.rstrip("\n")

    return run


def commit_all(git: Git, message: str = "change") -> str:
    """Commit everything; gives the id of the commit."""
    git("add", "--all")
    git("commit", "--quiet", "--allow-empty", "--message", message)
    return git("rev-parse", "HEAD")
