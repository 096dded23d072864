"""Runs the golden tests of one prompt file as `check` does, test by test."""

from collections.abc import Sequence
from dataclasses import dataclass

from promptdb.domain.digest import Digest
from promptdb.domain.prompt_id import PromptId
from promptdb.problems import MAX_LISTED, Problem
from promptdb.project.content import content_of_file
from promptdb.project.read_file import Loader, UnreadableFile, parsed
from promptdb.project.view import WORK_TREE, View, open_view
from promptdb.render.golden import outcomes
from promptdb.render.validation import SpecProblem
from promptdb.render.work import limited_work
from promptdb.settings import AppSettings


@dataclass(frozen=True, slots=True)
class RanTest:
    """A golden test and its problems. Without problems, it passed."""

    name: str
    problems: Sequence[SpecProblem]


@dataclass(frozen=True, slots=True)
class GoldenRun:
    """The tests of a prompt file after they ran. An invalid file has no digest, and its tests did not run.

    `problems` are those of the file itself. `left` counts the tests that did not run, after many problems.
    """

    path: str
    digest: Digest | None
    problems: tuple[Problem, ...]
    tests: tuple[RanTest, ...] = ()
    left: int = 0


def run_golden_tests(prompt: PromptId, settings: AppSettings, view: View = WORK_TREE) -> GoldenRun | None:
    """Run the tests in the file of a prompt. Return None without a file. Errors as in `open_view`."""
    opened = open_view(settings, view)
    candidate = next((found for found in opened.found.candidates if found.prompt == prompt), None)
    if candidate is None:
        return None
    try:
        files = Loader(opened.tree, opened.rules).files(candidate)
    except UnreadableFile as error:
        return GoldenRun(candidate.path, None, (error.problem,))
    file, problems = parsed(candidate, files, opened.tree, opened.rules)
    if file is None:
        return GoldenRun(candidate.path, None, problems)
    content = content_of_file(file, opened.tree)
    done, failed = list[RanTest](), 0
    with limited_work():
        for test, outcome in zip(file.tests, outcomes(file.compiled(content.open_blob), file.tests), strict=False):
            done.append(RanTest(test.name, outcome.problems))
            failed += len(outcome.problems)
            if failed >= MAX_LISTED:
                break
    return GoldenRun(candidate.path, content.digest, problems, tuple(done), len(file.tests) - len(done))
