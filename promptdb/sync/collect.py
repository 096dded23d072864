"""The tree of prompt files -> the desired state: identities and digests, with the content behind them when it is wanted."""

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version

from promptdb.containment import OutsideRoot
from promptdb.domain.digest import Digest, digest_of
from promptdb.domain.identity import PromptId
from promptdb.domain.plan import Desired
from promptdb.domain.problems import Code, Problem, in_order
from promptdb.domain.spec import TemplateFormat
from promptdb.errors import InvalidPrompts, StalePlan
from promptdb.files.cache import FileCache, KnownFile
from promptdb.files.parse import ParsedPrompt, ParseResult, parse_file
from promptdb.files.scan import Candidate, Scan
from promptdb.files.tree import MAX_ASSET_BYTES, MAX_TEXT_BYTES, FileTooLarge, WorkTree
from promptdb.sync.content import Content, content_of_file

Visit = Callable[[ParsedPrompt], None]
Progress = Callable[[int, int], None]
"""Called with how many of how many files are done."""


@dataclass
class DesiredTree:
    """All prompts of a tree. `items` has the valid ones; `problems` is about the whole tree."""

    tree: WorkTree
    text_format: TemplateFormat
    items: list[Desired] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    _contents: dict[PromptId, Content] = field(default_factory=dict)

    @property
    def errors(self) -> list[Problem]:
        return [problem for problem in self.problems if problem.is_error]

    def require_valid(self) -> None:
        """
        Raises:
            InvalidPrompts: any file has an error.
        """
        if self.errors:
            raise InvalidPrompts(self.problems)

    def content(self, item: Desired) -> Content:
        """What is behind the digest; a file whose digest was known already is parsed now.

        Raises:
            StalePlan: the file was edited since its digest was taken.
        """
        found = self._contents.get(item.prompt)
        if found is None and item.path is not None:
            data = self.tree.read_scanned(item.path, MAX_TEXT_BYTES)
            parsed = parse_file(item.path, data, self.tree, self.text_format)
            found = self._keep(item.prompt, item.path, parsed)
        if found is None or found.digest != item.digest:
            raise StalePlan(f"{item.path} was edited while it was synced", "run the command again")
        return found

    def add(self, candidate: Candidate, result: ParseResult) -> Desired | None:
        """Take in a parsed file; None if it has errors."""
        self.problems += result.problems
        content = self._keep(candidate.prompt, candidate.path, result)
        if content is None or result.prompt is None:
            return None
        earlier = result.prompt.renamed_from
        item = Desired(candidate.prompt, content.digest, candidate.path, content.user_version, earlier)
        self.items.append(item)
        return item

    def _keep(self, prompt: PromptId, path: str, result: ParseResult) -> Content | None:
        if result.prompt is None:
            return None
        content = content_of_file(path, result.prompt, self.tree)
        self._contents[prompt] = content
        return content


def collect(
    found: Scan,
    tree: WorkTree,
    text_format: TemplateFormat,
    progress: Progress | None = None,
    visit: Visit | None = None,
) -> DesiredTree:
    """Parse what a scan found, but for the files that were parsed before and have not changed since.

    All problems of all files are collected; nothing is raised for them.

    Args:
        found: the files.
        tree: where to read them.
        text_format: of text prompts whose suffix does not tell.
        progress: is told how far it got.
        visit: is called with each valid prompt; then every file is parsed, whether it changed or not.
    """
    desired = DesiredTree(tree, text_format, problems=list(found.problems))
    cache = FileCache(tree.root, f"{version('promptdb')} {text_format}") if visit is None else None
    reads = _Reads(tree)
    for number, candidate in enumerate(found.candidates, 1):
        _collect_file(candidate, desired, cache, reads, visit)
        if progress is not None and number % 100 == 0:
            progress(number, len(found.candidates))
    if cache is not None:
        cache.save()
    desired.problems = in_order(desired.problems)
    return desired


def _collect_file(
    candidate: Candidate, desired: DesiredTree, cache: FileCache | None, reads: "_Reads", visit: Visit | None
) -> None:
    try:
        data = desired.tree.read_scanned(candidate.path, MAX_TEXT_BYTES)
    except FileTooLarge:
        message = f"larger than {MAX_TEXT_BYTES // 1024:,} KiB"
        desired.problems.append(Problem(candidate.path, 1, 1, Code.TOO_LARGE, message, "keep data out of the prompt"))
        return
    except OSError as error:
        desired.problems.append(Problem(candidate.path, 1, 1, Code.UNREADABLE, f"cannot be read: {error.strerror}"))
        return
    file = digest_of(data)
    known = cache.get(candidate.path, file) if cache else None
    if cache and known is not None and all(reads.digest(path) == digest for path, digest in known.reads.items()):
        cache.keep(candidate.path, known)
        renamed_from = tuple(map(PromptId.parse, known.renamed_from))
        desired.items.append(Desired(candidate.prompt, known.spec, candidate.path, known.user_version, renamed_from))
        return
    result = parse_file(candidate.path, data, desired.tree, desired.text_format)
    item = desired.add(candidate, result)
    if visit is not None and result.prompt is not None:
        visit(result.prompt)
    if cache and item is not None and result.prompt is not None and not result.problems:
        earlier = tuple(map(str, item.renamed_from))
        cache.keep(candidate.path, KnownFile(file, item.digest, item.user_version, earlier, result.prompt.reads))


@dataclass
class _Reads:
    """Digests of files that prompts depend on, each read once in a run."""

    tree: WorkTree
    _digests: dict[str, Digest | None] = field(default_factory=dict)

    def digest(self, path: str) -> Digest | None:
        if path not in self._digests:
            try:
                self._digests[path] = digest_of(self.tree.read(path, MAX_ASSET_BYTES))
            except (OSError, FileTooLarge, OutsideRoot):
                self._digests[path] = None
        return self._digests[path]
