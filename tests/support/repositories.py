"""Real git repositories for tests."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Git = Callable[..., str]


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """A repository in `tmp_path`, on the branch `main`, without a commit; calling it runs a git command there.

    The databases and blobs that the other fixtures put there are ignored.
    """
    run = git_in(tmp_path)
    run("init", "--quiet", "--initial-branch=main")
    (tmp_path / ".git" / "info" / "exclude").write_text("*.sqlite3*\n.blobs/\n")
    return run


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
