"""Whether git is in the middle of something: the files are then those of no commit, and may hold conflict markers."""

from pathlib import Path

STALE = 300.0
"""Seconds after which a lock is taken for the remains of a git that was killed."""

_OPERATIONS = {
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase or 'git am'",
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "sequencer": "a cherry-pick or revert of several commits",
}
"""File or folder in git's folder -> what it is the sign of. A bisect is none: each of its steps is a whole commit."""


def operation(git_folder: Path, now: float) -> str | None:
    """What git is doing in a work tree, in words; None if nothing.

    Args:
        git_folder: the one with the work tree's own HEAD.
        now: seconds since the epoch.
    """
    for name, what in _OPERATIONS.items():
        if (git_folder / name).exists():
            return f"{what} is in progress"
    age = _age_of_lock(git_folder, now)
    return "git is changing the work tree" if age is not None and age < STALE else None


def stale_lock(git_folder: Path, now: float) -> Path | None:
    """The lock of the index, where it is older than any git command takes."""
    age = _age_of_lock(git_folder, now)
    return git_folder / "index.lock" if age is not None and age >= STALE else None


def _age_of_lock(git_folder: Path, now: float) -> float | None:
    try:
        return now - (git_folder / "index.lock").stat().st_mtime
    except OSError:
        return None
