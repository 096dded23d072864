"""Golden tests made to expect what comes out now: decided by `render.golden`, put in by `files.edit`."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from promptdb.domain.field_path import FieldPath
from promptdb.domain.spec import TemplateFormat
from promptdb.domain.suffixes import file_suffix
from promptdb.errors import OutsideRoot
from promptdb.files.editing.edit import with_value
from promptdb.files.findings import NoPlace
from promptdb.files.reading.document import Document
from promptdb.files.reading.parse import ParsedPrompt, parse_file
from promptdb.files.tree import MAX_TEXT_BYTES, FileChanged, FileTooLarge, WorkTree
from promptdb.problems import Code
from promptdb.progress import Progress
from promptdb.project.check import Checked, Updated, check_tree
from promptdb.project.content import content_of_file
from promptdb.render.compiled import CompiledPrompt
from promptdb.render.golden import Rewrite, rewrites, run_tests
from promptdb.render.validation import SpecProblem
from promptdb.settings import AppSettings

LineColumn = tuple[int, int]


def update_tests(settings: AppSettings, progress: Progress | None = None) -> Checked:
    """`check_tree` after the golden tests that fail were made to expect what comes out now, as far as that is possible.

    What is left has a hint that says why. Arguments and errors as in `check_tree`; a file that cannot be written is left.
    """
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


@dataclass
class Rewritten:
    """What became of a file. `left` has the place of each failure that is still there, and why it is."""

    updated: tuple[Updated, ...] = ()
    left: dict[LineColumn, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Rewriter:
    """Writes the present output into the tests of a file that fail. A file that is invalid by now is not touched."""

    tree: WorkTree
    text_format: TemplateFormat

    def __call__(self, path: str) -> Rewritten:
        try:
            data = self.tree.read(path, MAX_TEXT_BYTES)
        except (OSError, FileTooLarge, OutsideRoot):
            return Rewritten()  # the check that comes next says so
        prompt = self._parsed(path, data)
        if prompt is None:
            return Rewritten()
        edited, done, reasons = data, list[Rewrite](), dict[FieldPath, str]()
        for rewrite in rewrites(self._compiled(prompt), prompt.tests):
            try:
                edited = with_value(file_suffix(path), edited, rewrite.path, rewrite.value)
                done.append(rewrite)
            except NoPlace as error:
                reasons[rewrite.path] = str(error)
        if done:
            problem = self._misfit(path, edited, prompt, done) or self._replace(path, data, edited)
            if problem is not None:
                reasons |= dict.fromkeys((rewrite.path for rewrite in done), problem)
                done, edited = [], data
        now = self._parsed(path, edited) or prompt
        found = list(run_tests(self._compiled(now), now.tests))
        return Rewritten(_updates(path, prompt, done), _left(now.document, found, done, reasons))

    def _parsed(self, path: str, data: bytes) -> ParsedPrompt | None:
        return parse_file(path, data, self.tree, self.text_format).prompt

    def _compiled(self, prompt: ParsedPrompt) -> CompiledPrompt:
        return prompt.compiled(content_of_file(prompt, self.tree).open_blob)

    def _misfit(self, path: str, edited: bytes, prompt: ParsedPrompt, done: Sequence[Rewrite]) -> str | None:
        """Why the edited file must not take the place of the other: it has to be the same prompt, with tests that pass."""
        if len(edited) > MAX_TEXT_BYTES:
            return "the file would become too large"
        again = self._parsed(path, edited)
        if again is None or again.spec.canonical() != prompt.spec.canonical():
            return "the file would not read back as the same prompt"
        if {rewrite.path for rewrite in done} & {found.path for found in run_tests(self._compiled(again), again.tests)}:
            return "the test would not pass"
        return None

    def _replace(self, path: str, data: bytes, edited: bytes) -> str | None:
        try:
            self.tree.replace(path, data, edited)
        except FileChanged:
            return "the file was edited meanwhile"
        except OSError as error:
            return f"the file cannot be written: {error.strerror}"
        except OutsideRoot as error:
            return error.message
        return None


def _updates(path: str, prompt: ParsedPrompt, done: Sequence[Rewrite]) -> tuple[Updated, ...]:
    """In the order of the tests, each once."""
    fields = {test.name: tuple(rewrite.field for rewrite in done if rewrite.test == test.name) for test in prompt.tests}
    return tuple(Updated(path, name, changed) for name, changed in fields.items() if changed)


def _left(
    document: Document, found: Sequence[SpecProblem], done: Sequence[Rewrite], reasons: dict[FieldPath, str]
) -> dict[LineColumn, str]:
    broken = {finding.path[1] for finding in found if finding.code is Code.TEST_BROKEN}
    passing = {rewrite.path for rewrite in done}
    left = {}
    for finding in found:
        if finding.code is Code.TEST_FAILED and finding.path not in passing:
            is_broken = finding.path[1] in broken
            other = "mend the test first" if is_broken else f"'{finding.path[-1]}' does not follow from the output"
            problem = document.problem(finding.path, finding.code, finding.message)
            left[problem.line, problem.column] = f"not updated: {reasons.get(finding.path, other)}"
    return left
