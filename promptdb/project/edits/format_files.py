"""Writes prompt files in their canonical form, each only after it was read back as the same prompt."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from promptdb.domain.file_rules import FileRules
from promptdb.domain.suffixes import file_suffix
from promptdb.errors import OutsideRoot, PromptNotFound
from promptdb.files.editing.canonical import formatted
from promptdb.files.findings import NoPlace, Unreadable
from promptdb.files.reading.parse import ParsedPrompt
from promptdb.files.scan import Candidate, Scan
from promptdb.files.tree import MAX_TEXT_BYTES, FileChanged, ScannedTree, WorkTree
from promptdb.problems import Problem, in_order
from promptdb.progress import Progress
from promptdb.project.placing import Wanted, is_in_tree, placed
from promptdb.project.read_file import Loader, UnreadableFile, parsed
from promptdb.project.view import open_view
from promptdb.settings import AppSettings


@dataclass(frozen=True)
class Reformatted:
    """A file whose canonical form has other bytes."""

    path: str
    old: bytes
    new: bytes


@dataclass(frozen=True)
class Left:
    """A file that stays as it is, and the reason."""

    path: str
    reason: str


@dataclass
class Formatting:
    """The result for all files, with paths from the prompts root.

    `files` counts the files of valid prompts. `left` have no canonical form, and `failed` could not be written.
    `problems` are errors of files that were not formatted. `passed_over` are the paths of the caller that are not prompts.
    """

    files: int = 0
    changed: list[Reformatted] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    failed: list[Left] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)


def format_files(
    settings: AppSettings, only: Sequence[str] = (), progress: Progress | None = None, *, write: bool = True
) -> Formatting:
    """Format the prompt files of the work tree. A file with an error stays as it is, and the others are formatted.

    Args:
        settings: name the prompts root.
        only: names, namespaces, or paths of files and folders, to format no others.
        progress: shows how far it is.
        write: write the files; otherwise only find what would change.

    Raises:
        ConfigError: there is no such folder, or it is not in the prompts root.
        PromptNotFound: there is no file for one of `only`.
        StorageError: git cannot read the repository.
    """
    opened = open_view(settings)
    result = Formatting()
    candidates, problems = _chosen(opened.found, only, settings, result.passed_over)
    result.problems += [problem for problem in problems if problem.is_error]
    format_prompt = _Formatter(opened.tree, opened.rules, result, write=write)
    for number, candidate in enumerate(candidates, 1):
        format_prompt(candidate)
        if progress is not None and number % 20 == 0:
            progress(number, len(candidates))
    result.problems = in_order(result.problems)
    return result


def _chosen(
    found: Scan, only: Sequence[str], settings: AppSettings, passed_over: list[str]
) -> tuple[list[Candidate], list[Problem]]:
    """Choose what the caller wants. Existing files that are not prompts are passed over, as hooks name any file."""
    if not only:
        return list(found.candidates), list(found.problems)
    candidates, problems = dict[str, Candidate](), dict[Problem, None]()
    for text in only:
        matches, reported = _matching(text, found, settings)
        if not matches and not reported:
            if not Path(text).is_file():
                raise PromptNotFound(f"there is no prompt file for {text}", "'promptdb check' reads all prompt files")
            passed_over.append(text)
        candidates.update((candidate.key, candidate) for candidate in matches)
        problems.update(dict.fromkeys(reported))
    return list(candidates.values()), list(problems)


def _matching(text: str, found: Scan, settings: AppSettings) -> tuple[list[Candidate], list[Problem]]:
    if Path(text).is_file():
        path = placed(Path(text), settings).path if is_in_tree(Path(text), settings) else None
        return (
            [candidate for candidate in found.candidates if path in (candidate.path, *candidate.parts)],
            [problem for problem in found.problems if problem.path == path],
        )
    # The folder of a project stands for its prompts.
    if Path(text).is_dir() and settings.prompts_path.resolve().is_relative_to(Path(text).resolve()):
        return list(found.candidates), list(found.problems)
    wanted = Wanted.of(text, settings)
    return (
        [candidate for candidate in found.candidates if wanted.has(candidate.prompt, candidate.path)],
        [problem for problem in found.problems if wanted.holds(problem.path)],
    )


class _Formatter:
    """Formats the files of one prompt after another, and collects the results."""

    def __init__(self, tree: ScannedTree, rules: FileRules, result: Formatting, *, write: bool) -> None:
        self._tree, self._rules, self._result, self._write = tree, rules, result, write

    def __call__(self, candidate: Candidate) -> None:
        try:
            files = Loader(self._tree, self._rules).files(candidate)
        except UnreadableFile as error:
            self._result.problems.append(error.problem)
            return
        if candidate.parts and not any(map(bytes.strip, files.values())):
            return
        prompt, problems = parsed(candidate, files, self._tree, self._rules)
        if prompt is None:
            self._result.problems += [problem for problem in problems if problem.is_error]
            return
        self._result.files += len(files)
        for each in self._reformatted(candidate, files, prompt):
            if (failure := self._replace(each) if self._write else None) is not None:
                self._result.failed.append(Left(each.path, failure))
            else:
                self._result.changed.append(each)

    def _reformatted(
        self, candidate: Candidate, files: dict[str, bytes], prompt: ParsedPrompt
    ) -> Iterator[Reformatted]:
        for path, old in files.items():
            try:
                new = formatted(file_suffix(path), old)
                if new == old:
                    continue
                if len(new) > MAX_TEXT_BYTES:
                    raise NoPlace("it would become too large")
                again = parsed(candidate, {**files, path: new}, self._tree, self._rules).prompt
                if again is None or _meaning(again) != _meaning(prompt):
                    raise NoPlace("it would not read back as the same prompt")
            except (NoPlace, Unreadable) as error:
                self._result.left.append(Left(path, str(error)))
            else:
                yield Reformatted(path, old, new)

    def _replace(self, file: Reformatted) -> str | None:
        # Only a work tree is formatted.
        assert isinstance(self._tree, WorkTree)  # noqa: S101
        try:
            self._tree.replace(file.path, file.old, file.new)
        except FileChanged:
            return "it was edited at the same time"
        except OutsideRoot as error:
            return error.message
        except OSError as error:
            return f"it cannot be written: {error.strerror}"
        return None


def _meaning(prompt: ParsedPrompt) -> tuple[object, ...]:
    return prompt.spec.digest(), prompt.tests, prompt.renamed_from
