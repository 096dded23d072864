"""Check a whole tree: the problems of its files, and what their golden tests find."""

from dataclasses import dataclass, field

from promptdb.domain.problems import Problem, in_order
from promptdb.files.parse import ParsedPrompt
from promptdb.render.golden import run_tests
from promptdb.settings import AppSettings
from promptdb.sync.collect import Progress
from promptdb.sync.tree import load_tree


@dataclass(frozen=True)
class Checked:
    """`prompts` counts the valid ones, `tests` the golden tests that ran; `problems` are sorted by place."""

    prompts: int
    tests: int
    problems: tuple[Problem, ...]


def check_tree(settings: AppSettings, progress: Progress | None = None) -> Checked:
    """Parse every file of the tree and run its tests. Problems are returned, not raised.

    Raises:
        ConfigError: there is no such folder.
        StorageError: git cannot read the repository around it.
    """
    tester = _Tester()
    desired = load_tree(settings, progress, tester.run).desired
    return Checked(len(desired.items), tester.tests, tuple(in_order([*desired.problems, *tester.problems])))


@dataclass
class _Tester:
    tests: int = 0
    problems: list[Problem] = field(default_factory=list)

    def run(self, prompt: ParsedPrompt) -> None:
        self.tests += len(prompt.tests)
        for found in run_tests(prompt.spec, prompt.tests) if prompt.tests else ():
            self.problems.append(prompt.document.problem(found.path, found.code, found.message, found.hint))
