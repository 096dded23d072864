"""Check a whole tree: the problems of its files, and what their golden tests find."""

from dataclasses import dataclass

from promptdb.domain.problems import Problem
from promptdb.render.golden import run_tests
from promptdb.sync.tree import LoadedTree


@dataclass(frozen=True)
class Checked:
    """`prompts` counts the valid ones, `tests` the golden tests that ran; `problems` are sorted by place."""

    prompts: int
    tests: int
    problems: tuple[Problem, ...]


def check_tree(loaded: LoadedTree) -> Checked:
    """For a tree that was loaded without the cache, so that every file was parsed."""
    problems = list(loaded.desired.problems)
    tests = 0
    for parsed in loaded.desired.parsed.values():
        tests += len(parsed.tests)
        if parsed.tests:
            problems += [
                parsed.document.problem(finding.path, finding.code, finding.message, finding.hint)
                for finding in run_tests(parsed.spec, parsed.tests)
            ]
    return Checked(len(loaded.desired.items), tests, tuple(sorted(problems)))
