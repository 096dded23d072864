"""Check a whole tree: the problems of its files, and what their golden tests find."""

from dataclasses import dataclass, replace

from promptdb.files.tree import WorkTree
from promptdb.problems import Code, Problem
from promptdb.settings import AppSettings
from promptdb.sync.collect import Progress
from promptdb.sync.source import load_tree
from promptdb.sync.view import WORK_TREE, View


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


def update_tests(settings: AppSettings, progress: Progress | None = None) -> Checked:
    """The same after the golden tests that fail were made to expect what comes out now, as far as that is possible.

    What is left has a hint that says why. Arguments and errors as in `check_tree`; a file that cannot be written is left.
    """
    from promptdb.sync.rewrite import Rewriter  # here, since a check needs no editing

    checked = check_tree(settings, progress)
    rewrite = Rewriter(WorkTree(settings.prompts_path), settings.text_format)
    failing = sorted({problem.path for problem in checked.problems if problem.code is Code.TEST_FAILED})
    done = {path: rewrite(path) for path in failing}
    updated = tuple(test for file in done.values() for test in file.updated)
    reasons = {(path, *place): reason for path, file in done.items() for place, reason in file.left.items()}
    if updated:
        checked = check_tree(settings, progress)
    problems = [
        replace(p, hint=reasons.get((p.path, p.line, p.column), p.hint)) if p.code is Code.TEST_FAILED else p
        for p in checked.problems
    ]
    return replace(checked, problems=tuple(problems), updated=updated)
