"""Reads one prompt file: from its bytes to everything that a sync or a check needs. Shares no state between files."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from promptdb.domain.digest import Digest, digest_of
from promptdb.domain.file_rules import FileRules
from promptdb.domain.plan import Desired
from promptdb.domain.prompt_id import PromptId
from promptdb.errors import OutsideRoot
from promptdb.files.scan import Candidate
from promptdb.files.tree import MAX_TEXT_BYTES, FileTooLarge, ScannedTree, Tree, size_text
from promptdb.problems import Code, Problem, listed
from promptdb.project.content import Content, content_of_file

if TYPE_CHECKING:
    from promptdb.files.reading.parse import ParseResult


# A tuple, and small: ten thousand of them come from other processes.
class LoadedFile(NamedTuple):
    """A prompt file as it was parsed, or as the cache remembers it, without `content`.

    An invalid file has only `problems`, and a chat folder without any text is `blank`. `key` names the bytes of the file: their
    digest, or in git the id of the blob. `reads` maps the other files that it depends on, by their paths from the prompts root,
    to their keys.
    """

    problems: tuple[Problem, ...] = ()
    key: str = ""
    digest: Digest | None = None
    user_version: str | None = None
    renamed_from: tuple[str, ...] = ()
    reads: Mapping[str, str] = {}
    content: Content | None = None
    tests: int = 0
    blank: bool = False

    @property
    def is_valid(self) -> bool:
        return self.digest is not None

    def desired(self, candidate: Candidate) -> Desired | None:
        """Describe the prompt that a sync makes from the file, or return None for an invalid file."""
        if self.digest is None:
            return None
        earlier = tuple(map(PromptId.parse, self.renamed_from)) if self.renamed_from else ()
        return Desired(candidate.prompt, self.digest, candidate.path, self.user_version, earlier)

    def row(self) -> list[Any]:
        """Convert a valid file to JSON for the cache."""
        return [self.key, self.digest, self.user_version, [*self.renamed_from], {**self.reads}]

    @classmethod
    def from_row(cls, row: list[Any]) -> "LoadedFile":
        key, digest, user_version, renamed_from, reads = row
        return cls((), key, digest, user_version, tuple(renamed_from), reads)


@dataclass(frozen=True)
class Loader:
    """Reads, parses and digests a file. With `run_tests`, it runs the golden tests too."""

    tree: ScannedTree
    rules: FileRules
    run_tests: bool = False

    def __call__(self, candidate: Candidate) -> LoadedFile:
        try:
            files = self.files(candidate)
        except UnreadableFile as error:
            return LoadedFile((error.problem,))
        if candidate.parts and not any(map(bytes.strip, files.values())):
            return LoadedFile(blank=True)
        data = files[candidate.path]
        prompt, problems = parsed(candidate, files, self.tree, self.rules)
        if prompt is None:
            return LoadedFile(problems)
        if candidate.target is not None:
            prompt.reads[candidate.target] = digest_of(data)
        prompt.reads.update((target, digest_of(files[link])) for link, target in candidate.links)
        content = content_of_file(prompt, self.tree)
        if self.run_tests and prompt.tests:
            from promptdb.render.golden import run_tests
            from promptdb.render.work import limited_work

            with limited_work():
                found = tuple(
                    prompt.document.problem(f.path, f.code, f.message, f.hint, key=f.key, detail=f.detail)
                    for f in run_tests(prompt.compiled(content.open_blob), prompt.tests)
                )
            problems = listed(candidate.path, (*problems, *found))
        return LoadedFile(
            problems,
            self.tree.blob_id(candidate.path) or digest_of(data),
            content.digest,
            content.user_version,
            tuple(map(str, prompt.renamed_from)),
            {path: self.tree.blob_id(path) or digest for path, digest in prompt.reads.items()},
            content,
            len(prompt.tests),
        )

    def files(self, candidate: Candidate) -> dict[str, bytes]:
        """Read the file of a prompt, or the files of a chat folder.

        Raises:
            UnreadableFile: one of them cannot be read.
        """
        return {path: self._bytes(path) for path in candidate.parts or (candidate.path,)}

    def _bytes(self, path: str) -> bytes:
        try:
            return self.tree.read_scanned(path, MAX_TEXT_BYTES)
        except FileTooLarge as error:
            message = f"larger than {size_text(MAX_TEXT_BYTES)}"
            raise UnreadableFile(Problem(path, 1, 1, Code.TOO_LARGE, message, "keep data out of the prompt")) from error
        except OutsideRoot as error:
            raise UnreadableFile(Problem(path, 1, 1, Code.OUTSIDE_ROOT, error.message, error.hint)) from error
        except OSError as error:
            raise UnreadableFile(Problem(path, 1, 1, Code.UNREADABLE, f"cannot be read: {error.strerror}")) from error


class UnreadableFile(Exception):
    """A file of a prompt that cannot be read. `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def parsed(candidate: Candidate, files: Mapping[str, bytes], tree: Tree, rules: FileRules) -> "ParseResult":
    """Parse a prompt file, or the files of a chat folder, from their bytes."""
    # An unchanged tree and most commands need no parser.
    from promptdb.files.reading.parse import parse_chat, parse_file

    path, defaults = candidate.path, rules.text_at(candidate.path)
    if candidate.parts:
        return parse_chat(files, tree, defaults, candidate.prompt)
    return parse_file(path, files[path], tree, defaults, candidate.prompt)
