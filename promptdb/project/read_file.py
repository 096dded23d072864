"""Reads one prompt file: from its bytes to everything that a sync or a check needs. Shares no state between files."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from promptdb.domain.digest import Digest, digest_of
from promptdb.domain.file_rules import FileRules
from promptdb.domain.plan import Desired
from promptdb.domain.prompt_id import PromptId
from promptdb.files.scan import Candidate
from promptdb.files.tree import MAX_TEXT_BYTES, FileTooLarge, ScannedTree, size_text
from promptdb.problems import Code, Problem, listed
from promptdb.project.content import Content, content_of_file


# A tuple, and small: ten thousand of them come from other processes.
class LoadedFile(NamedTuple):
    """A prompt file as it was parsed, or as the cache remembers it, without `content`.

    An invalid file has only `problems`. `key` names the bytes of the file: their digest, or in git the id of the blob. `reads`
    maps the other files that it depends on, by their paths from the prompts root, to their keys.
    """

    problems: tuple[Problem, ...] = ()
    key: str = ""
    digest: Digest | None = None
    user_version: str | None = None
    renamed_from: tuple[str, ...] = ()
    reads: Mapping[str, str] = {}
    content: Content | None = None
    tests: int = 0

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
            data = self.tree.read_scanned(candidate.path, MAX_TEXT_BYTES)
        except FileTooLarge:
            message = f"larger than {size_text(MAX_TEXT_BYTES)}"
            return _unreadable(candidate, Code.TOO_LARGE, message, "keep data out of the prompt")
        except OSError as error:
            return _unreadable(candidate, Code.UNREADABLE, f"cannot be read: {error.strerror}")
        # An unchanged tree and most commands need no parser.
        from promptdb.files.reading.parse import parse_file

        prompt, problems = parse_file(candidate.path, data, self.tree, self.rules.text_at(candidate.path))
        if prompt is None:
            return LoadedFile(problems)
        if candidate.target is not None:
            prompt.reads[candidate.target] = digest_of(data)
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


def _unreadable(candidate: Candidate, code: Code, message: str, hint: str | None = None) -> LoadedFile:
    return LoadedFile((Problem(candidate.path, 1, 1, code, message, hint),))
