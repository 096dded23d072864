"""Finds the part of a history that is not read, because the prompts were in another folder before."""

from collections import Counter
from dataclasses import dataclass

from promptdb.git.history import FolderChange, commits_of, exact_renames
from promptdb.git.repository import Repository
from promptdb.git.tree_place import PlacedEntries, TreePlace

_SHARE = 3
"""A root has moved if a commit brings at least one of so many of its files from one folder."""


@dataclass(frozen=True)
class CutOff:
    """A folder that `files` of a tree left in the commit `moved_in`, and the number of earlier `commits` that changed it."""

    folder: str
    commits: int
    moved_in: str
    files: int


def cut_off(repository: Repository, placed: PlacedEntries, change: FolderChange) -> CutOff | None:
    """Find the folder that a root was in before a commit. `placed` has the files after it."""
    if sum(entry is not None for entry in change.files.values()) * _SHARE < len(placed.entries):
        return None
    commit = change.commit.id
    parent = repository.commit_named(f"{commit}^1")
    if parent is None:
        return None
    folders = Counter(
        filter(None, (_former(placed.place, *paths) for paths in exact_renames(repository, parent, commit)))
    )
    [(folder, files)] = folders.most_common(1) or [("", 0)]
    if not folder or files * _SHARE < len(placed.entries):
        return None
    return CutOff(folder, commits_of(repository, parent, folder), commit, files)


def _former(place: TreePlace, old: str, new: str) -> str | None:
    """Return the folder in which the old path had the name of the new one, if no root contains it."""
    located = place.located(new)
    if located is None or located[0] != 0 or place.located(old) is not None:
        return None
    folder, _, name = located[1].rpartition("/")
    root, added = place.layout.place(folder) or ("", ())
    named = "/".join((*added, f"{folder}/{name}"[len(root) :].lstrip("/")))
    if old == named:
        return "."
    return old[: -len(named) - 1] if old.endswith(f"/{named}") else None
