"""Asking git about a prompts root."""

from pathlib import Path

from promptdb.domain.views import Provenance
from promptdb.git.worktree import WorkTreeState, open_work_tree

AUTHOR = "Ann Author <ann@example.com>"


def state(root: Path) -> WorkTreeState:
    opened = open_work_tree(root)
    assert opened is not None
    return opened


def provenance(root: Path, path: str, *reads: str) -> Provenance:
    return state(root).provenance({path: reads})[path]


def commit_of(root: Path, path: str) -> str | None:
    found = provenance(root, path)
    assert not found.is_dirty
    return found.commit_id
