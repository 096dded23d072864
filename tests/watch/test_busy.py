"""What git leaves in its folder while it is at work."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from registries import write
from repositories import Git, commit_all

from promptdb.watch.busy import STALE, operation, stale_lock

NOW = 2_000_000_000.0


def diverge(project: Path, git: Git) -> None:
    """Two branches that conflict; `main` is checked out."""
    git("checkout", "--quiet", "-b", "topic")
    for text in ("One.\n", "Two.\n"):
        write(project, {"prompts/greet.txt": text})
        commit_all(git)
    git("checkout", "--quiet", "main")
    write(project, {"prompts/greet.txt": "Main.\n"})
    commit_all(git)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["merge", "topic"], "a merge is in progress"),
        (["cherry-pick", "topic"], "a cherry-pick is in progress"),
        (["cherry-pick", "main..topic"], "a cherry-pick is in progress"),
        (["revert", "--no-edit", "topic"], "a revert is in progress"),
        (["rebase", "topic"], "a rebase is in progress"),
        (["rebase", "--apply", "topic"], "a rebase or 'git am' is in progress"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_stopped_at_a_conflict_is_in_progress(
    command: list[str], words: str, project: Path, repository: Git
) -> None:
    diverge(project, repository)
    assert operation(project / ".git", NOW) is None
    with pytest.raises(Exception, match="non-zero exit status"):
        repository(*command)
    assert operation(project / ".git", NOW) == words
    repository(command[0], "--abort")
    assert operation(project / ".git", NOW) is None


def test_a_bisect_is_no_obstacle(project: Path, repository: Git) -> None:
    """Each step is a commit that somebody wants to try."""
    diverge(project, repository)
    repository("bisect", "start", "topic", "main~1")
    assert operation(project / ".git", NOW) is None


@pytest.fixture
def lock(project: Path) -> Callable[[float], Path]:
    def make(age: float) -> Path:
        file = project / ".git" / "index.lock"
        file.parent.mkdir(exist_ok=True)
        file.touch()
        os.utime(file, (NOW - age, NOW - age))
        return file

    return make


def test_a_lock_of_the_index_is_work(lock: Callable[[float], Path]) -> None:
    file = lock(STALE - 1)
    assert operation(file.parent, NOW) == "git is changing the work tree"
    assert stale_lock(file.parent, NOW) is None


def test_an_old_lock_is_a_remnant(lock: Callable[[float], Path]) -> None:
    file = lock(STALE)
    assert operation(file.parent, NOW) is None
    assert stale_lock(file.parent, NOW) == file
