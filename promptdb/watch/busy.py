"""Detects unfinished git operations, during which files belong to no commit and may hold conflict markers."""

from pathlib import Path

STALE = 300.0
"""Seconds after which a lock counts as a leftover of a killed git."""

_OPERATIONS = {
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase or 'git am'",
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "sequencer": "a cherry-pick or revert of several commits",
}
"""Files and folders in git's folder, and the operations that they signal. Each step of a bisect is a whole commit."""


def operation(git_folder: Path, now: float) -> str | None:
    """Describe the git operation in progress, if there is one. `now` is in seconds since the epoch."""
    for name, what in _OPERATIONS.items():
        if (git_folder / name).exists():
            return f"{what} is in progress"
    age = _age_of_lock(git_folder, now)
    return "git is changing the work tree" if age is not None and age < STALE else None


def stale_lock(git_folder: Path, now: float) -> Path | None:
    """Return the lock of the index if it is older than any git command takes."""
    age = _age_of_lock(git_folder, now)
    return git_folder / "index.lock" if age is not None and age >= STALE else None


def _age_of_lock(git_folder: Path, now: float) -> float | None:
    try:
        return now - (git_folder / "index.lock").stat().st_mtime
    except OSError:
        return None
