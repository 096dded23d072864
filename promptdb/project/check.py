"""Check a whole tree: the problems of its files, and what their golden tests find."""

from dataclasses import dataclass

from promptdb.problems import Problem
from promptdb.progress import Progress
from promptdb.project.load import load_tree
from promptdb.project.view import WORK_TREE, View
from promptdb.settings import AppSettings


@dataclass(frozen=True)
class Updated:
    """A golden test that was rewritten: the path of its file, its name, and which fields of `expect`."""

    path: str
    test: str
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Checked:
    """`prompts` counts the valid ones, `tests` the golden tests that ran; `problems` are sorted by place."""

    prompts: int
    tests: int
    problems: tuple[Problem, ...]
    updated: tuple[Updated, ...] = ()


def check_tree(settings: AppSettings, progress: Progress | None = None, view: View = WORK_TREE) -> Checked:
    """Parse every file of the tree and run its tests. Problems are returned, not raised.

    Raises:
        ConfigError: there is no such folder, commit or repository.
        StorageError: git cannot read the repository around it.
    """
    desired = load_tree(settings, progress, view, run_tests=True).desired
    return Checked(len(desired.items), desired.tests, tuple(desired.problems))
