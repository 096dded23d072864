"""Updates golden tests to the present output. `render.golden` decides the changes, and `files.editing` makes them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from promptdb.domain.field_path import FieldPath
from promptdb.domain.file_rules import FileRules
from promptdb.domain.suffixes import file_suffix
from promptdb.errors import OutsideRoot
from promptdb.files.editing.edit import with_value
from promptdb.files.findings import NoPlace
from promptdb.files.reading.document import Document
from promptdb.files.reading.parse import ParsedPrompt
from promptdb.files.scan import Candidate
from promptdb.files.tree import MAX_TEXT_BYTES, FileChanged, FileTooLarge, WorkTree
from promptdb.problems import Code
from promptdb.progress import Progress
from promptdb.project.check_files import Checked, Updated
from promptdb.project.content import content_of_file
from promptdb.project.load import check_tree
from promptdb.project.read_file import parsed
from promptdb.project.view import open_view
from promptdb.render.compiled import CompiledPrompt
from promptdb.render.golden import Rewrite, rewrites, run_tests
from promptdb.render.validation import SpecProblem
from promptdb.settings import AppSettings


def update_tests(settings: AppSettings, progress: Progress | None = None) -> Checked:
    """Write the present output into golden tests that fail, then check the tree. Arguments and errors as in `check_tree`.

    Tests that cannot be updated keep their problem, with a hint that gives the reason.
    """
    checked = check_tree(settings, progress)
    failing = {problem.path for problem in checked.problems if problem.code is Code.TEST_FAILED}
    done: dict[str, Rewritten] = {}
    if failing:
        rewrite = Rewriter(WorkTree(settings.prompts_path, layout=settings.layout), settings.file_rules)
        found = open_view(settings).found.candidates
        owners = {path: candidate for candidate in found for path in candidate.parts or (candidate.path,)}
        done = {path: rewrite(path, owners[path]) for path in sorted(failing & owners.keys())}
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
    """The result for one file. `left` maps the place of each remaining failure to the reason."""

    updated: tuple[Updated, ...] = ()
    left: dict[tuple[int, int], str] = field(default_factory=dict)


@dataclass(frozen=True)
class Rewriter:
    """Writes the present output into the failing tests of a file. Does not touch an invalid file."""

    tree: WorkTree
    rules: FileRules

    def __call__(self, path: str, candidate: Candidate) -> Rewritten:
        try:
            files = {part: self.tree.read(part, MAX_TEXT_BYTES) for part in candidate.parts or (path,)}
        except (OSError, FileTooLarge, OutsideRoot):
            # The next check reports it.
            return Rewritten()

        def parse(edited: bytes) -> ParsedPrompt | None:
            return parsed(candidate, {**files, path: edited}, self.tree, self.rules).prompt

        data = files[path]
        prompt = parse(data)
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
            problem = self._misfit(edited, parse, prompt, done) or self._replace(path, data, edited)
            if problem is not None:
                reasons |= dict.fromkeys((rewrite.path for rewrite in done), problem)
                done, edited = [], data
        now = parse(edited) or prompt
        found = list(run_tests(self._compiled(now), now.tests))
        fields = {test.name: tuple(r.field for r in done if r.test == test.name) for test in prompt.tests}
        updated = tuple(Updated(path, name, changed) for name, changed in fields.items() if changed)
        return Rewritten(updated, _left(now.document, found, reasons))

    def _compiled(self, prompt: ParsedPrompt) -> CompiledPrompt:
        return prompt.compiled(content_of_file(prompt, self.tree).open_blob)

    def _misfit(
        self,
        edited: bytes,
        parse: Callable[[bytes], ParsedPrompt | None],
        prompt: ParsedPrompt,
        done: Sequence[Rewrite],
    ) -> str | None:
        """Return the reason to reject the edited file: it must be the same prompt, and its updated tests must pass."""
        if len(edited) > MAX_TEXT_BYTES:
            return "the file would become too large"
        again = parse(edited)
        if again is None or again.spec.canonical() != prompt.spec.canonical():
            return "the file would not read back as the same prompt"
        if {rewrite.path for rewrite in done} & {found.path for found in run_tests(self._compiled(again), again.tests)}:
            return "the test would not pass"
        return None

    def _replace(self, path: str, data: bytes, edited: bytes) -> str | None:
        try:
            self.tree.replace(path, data, edited)
        except FileChanged:
            return "the file was edited at the same time"
        except OSError as error:
            return f"the file cannot be written: {error.strerror}"
        except OutsideRoot as error:
            return error.message
        return None


def _left(
    document: Document, found: Sequence[SpecProblem], reasons: dict[FieldPath, str]
) -> dict[tuple[int, int], str]:
    broken = {finding.path[1] for finding in found if finding.code is Code.TEST_BROKEN}
    left = {}
    for finding in found:
        if finding.code is Code.TEST_FAILED:
            is_broken = finding.path[1] in broken
            other = "repair the test first" if is_broken else f"'{finding.path[-1]}' does not follow from the output"
            problem = document.problem(finding.path, finding.code, finding.message)
            left[problem.line, problem.column] = f"not updated: {reasons.get(finding.path, other)}"
    return left
