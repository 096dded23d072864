"""One prompt file, from its bytes to everything a sync or a check wants of it. Runs in any process: it shares nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from promptdb.domain.digest import digest_of
from promptdb.files.cache import KnownFile
from promptdb.files.scan import Candidate
from promptdb.files.stamps import Stamp
from promptdb.files.streams import Measured
from promptdb.files.tree import MAX_TEXT_BYTES, FileTooLarge, ScannedTree, size_text
from promptdb.problems import Code, Problem
from promptdb.sync.content import Content, content_of_file

if TYPE_CHECKING:
    from promptdb.domain.spec import TemplateFormat
    from promptdb.files.parse import ParsedPrompt


class LoadedFile(NamedTuple):
    """`known` and `content` are None for an invalid file. Small, since ten thousand of them come from other processes."""

    problems: tuple[Problem, ...] = ()
    known: KnownFile | None = None
    content: Content | None = None
    tests: int = 0
    stamps: Mapping[str, Stamp | None] = {}
    """Of the file and of those in `known.reads`, as they were when they were read."""

    @property
    def is_valid(self) -> bool:
        return self.known is not None


@dataclass(frozen=True)
class Loader:
    """Reads, parses and digests a file; with `run_tests` it runs the golden tests as well."""

    tree: ScannedTree
    text_format: "TemplateFormat"
    run_tests: bool = False

    def __call__(self, candidate: Candidate) -> LoadedFile:
        read = _Read(self.tree)
        try:
            data, stamp = self.tree.read_stamped(candidate.path, MAX_TEXT_BYTES, scanned=True)
        except FileTooLarge:
            message = f"larger than {size_text(MAX_TEXT_BYTES)}"
            return _unreadable(candidate, Code.TOO_LARGE, message, "keep data out of the prompt")
        except OSError as error:
            return _unreadable(candidate, Code.UNREADABLE, f"cannot be read: {error.strerror}")
        from promptdb.files.parse import parse_file  # here, since an unchanged tree and most commands need no parser

        result = parse_file(candidate.path, data, read, self.text_format)
        if result.prompt is None:
            return LoadedFile(result.problems)
        if candidate.target is not None:
            result.prompt.reads[candidate.target] = digest_of(data)
            read.stamps[candidate.target] = stamp
        content = content_of_file(candidate.path, result.prompt, self.tree)
        tests = _test(result.prompt, content) if self.run_tests else ()
        known = _known(data, content, result.prompt)
        stamps = {candidate.path: stamp, **{path: read.stamps[path] for path in known.reads}}
        return LoadedFile((*result.problems, *tests), known, content, len(result.prompt.tests), stamps)


@dataclass
class _Read:
    """A tree that remembers the stamps of what was read from it."""

    tree: ScannedTree
    stamps: dict[str, Stamp | None] = field(default_factory=dict)

    def read(self, path: str, limit: int) -> bytes:
        data, self.stamps[path] = self.tree.read_stamped(path, limit)
        return data

    def open(self, path: str, limit: int) -> BinaryIO:
        stream, self.stamps[path] = self.tree.open_stamped(path, limit)
        return stream

    def has_lf_in_git(self, path: str, found: Measured) -> bool:
        return self.tree.has_lf_in_git(path, found)


def _unreadable(candidate: Candidate, code: Code, message: str, hint: str | None = None) -> LoadedFile:
    return LoadedFile((Problem(candidate.path, 1, 1, code, message, hint),))


def _test(prompt: "ParsedPrompt", content: Content) -> list[Problem]:
    from promptdb.render.golden import run_tests

    return [
        prompt.document.problem(f.path, f.code, f.message, f.hint, key=f.key, detail=f.detail)
        for f in run_tests(prompt.spec, prompt.tests, content.open_blob)
    ]


def _known(data: bytes, content: Content, prompt: "ParsedPrompt") -> KnownFile:
    earlier = tuple(map(str, prompt.renamed_from))
    return KnownFile(digest_of(data), content.digest, content.user_version, earlier, prompt.reads)
