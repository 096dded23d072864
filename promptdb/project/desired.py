"""Collects the desired state from the tree of prompt files: names and digests, with content on request."""

from collections.abc import Collection
from dataclasses import dataclass, field

from promptdb.domain.aliases import Declaration
from promptdb.domain.file_rules import FileRules
from promptdb.domain.git_refs import RefRules
from promptdb.domain.layout import IGNORE_FILE
from promptdb.domain.plan import Desired
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.suffixes import SUFFIXES
from promptdb.errors import InvalidPrompts, StalePlan
from promptdb.files.aliases_file import read_aliases, without_file
from promptdb.files.scan import Candidate, Scan
from promptdb.files.tree import ScannedTree, WorkTree
from promptdb.problems import Code, Problem, in_order
from promptdb.progress import Progress
from promptdb.project.content import Content
from promptdb.project.parallel import ordered_map
from promptdb.project.read_file import LoadedFile, Loader
from promptdb.project.unchanged import KnownFiles
from promptdb.version import VERSION

_LOST = frozenset({Code.UNREADABLE, Code.OUTSIDE_ROOT, Code.FILE_MISSING})


@dataclass
class DesiredTree:
    """The prompts of a tree: valid ones in `items`, and in `invalid` the names of those whose files have errors.

    `problems` covers the whole tree, `tests` counts the golden tests that ran, and `blank` the chat folders without any text.
    `candidates` has all files, valid or not, except those that claim the same name. `declared` is None if the file of the
    declarations has errors.
    """

    loader: Loader
    items: list[Desired] = field(default_factory=list)
    invalid: set[PromptId] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    declared: tuple[Declaration, ...] | None = ()
    tests: int = 0
    blank: int = 0
    known: KnownFiles | None = None
    candidates: dict[PromptId, Candidate] = field(default_factory=dict)
    _contents: dict[PromptId, Content] = field(default_factory=dict)
    _reads: dict[PromptId, Collection[str]] = field(default_factory=dict)

    @property
    def names(self) -> set[PromptId]:
        """The names of all prompts with a file, valid or not."""
        return self.invalid.union(item.prompt for item in self.items)

    def named_files(self) -> set[str]:
        """Return the other files that prompts consist of, such as fragments and assets."""
        return {path for reads in self._reads.values() for path in reads}

    def readers(self, path: str) -> list[PromptId]:
        """List the valid prompts that include the file at `path`, or that are links to it."""
        return sorted(prompt for prompt, reads in self._reads.items() if path in reads)

    @property
    def errors(self) -> list[Problem]:
        return [problem for problem in self.problems if problem.is_error]

    def require_valid(self) -> None:
        """Raise `InvalidPrompts` if any file has an error."""
        if self.errors:
            raise InvalidPrompts(self.problems)

    def content(self, item: Desired) -> Content:
        """Return the content of an item. Parses its file now if the cache had its digest.

        Raises:
            StalePlan: the file was edited after its digest was taken.
        """
        found = self._contents.get(item.prompt)
        if found is None and item.prompt in self.candidates:
            found = self.loader(self.candidates[item.prompt]).content
        if found is None or found.digest != item.digest:
            # The cache may have had a wrong digest.
            if self.known is not None:
                self.known.discard()
            raise StalePlan(f"{item.path} was edited while it was synced", "run the command again")
        return found

    def add(self, candidate: Candidate, loaded: LoadedFile) -> None:
        if loaded.blank:
            self.blank += 1
            return
        self.candidates[candidate.prompt] = candidate
        self.problems += loaded.problems
        self.tests += loaded.tests
        if (item := loaded.desired(candidate)) is None:
            self.invalid.add(candidate.prompt)
        else:
            self.items.append(item)
        if loaded.reads:
            self._reads[candidate.prompt] = loaded.reads
        if loaded.content is not None:
            self._contents[candidate.prompt] = loaded.content


def _settled(file: LoadedFile, candidate: Candidate, loader: Loader) -> LoadedFile:
    """Read a file again that was not where the scan had found it: someone may have replaced its folder.

    Raises:
        StalePlan: it is still not there. The message says what changed.
    """
    if not _is_lost(file) or not isinstance(loader.tree, WorkTree):
        return file
    again = loader(candidate)
    if _is_lost(again) and (what := loader.tree.moved(candidate.path)) is not None:
        raise StalePlan(f"{what} while promptdb read the files", "run the command again when nothing changes them")
    return again


def _is_lost(file: LoadedFile) -> bool:
    return any(problem.code in _LOST for problem in file.problems)


def collect(
    found: Scan,
    tree: ScannedTree,
    rules: FileRules,
    progress: Progress | None = None,
    *,
    run_tests: bool = False,
    refs: RefRules | None = None,
) -> DesiredTree:
    """Parse the files of a scan, except those that have not changed since they were parsed. Collects their problems.

    Raises `StalePlan` if a file or its folder is replaced meanwhile.

    Args:
        found: the files, which are read from `tree`.
        rules: say what a file means where it does not say so itself.
        run_tests: run the golden tests, which parses unchanged files too.
        refs: name the aliases that refs move, and that no file may declare.
    """
    loader = Loader(tree, rules, run_tests=run_tests)
    desired = DesiredTree(loader, invalid=set(found.clashing), problems=list(found.problems))
    known = desired.known = KnownFiles(tree, f"{VERSION} {rules}") if not run_tests else None
    unchanged = known.find(found.candidates) if known is not None else {}
    new = [candidate for candidate in found.candidates if candidate.path not in unchanged]
    if new:
        tree.preload()
    # Only a work tree can be pickled for other processes.
    loaded = ordered_map(loader, new) if isinstance(tree, WorkTree) else map(loader, new)
    files: dict[str, LoadedFile] = {}
    for number, candidate in enumerate(found.candidates, 1):
        file = files[candidate.key] = unchanged.get(candidate.path) or _settled(next(loaded), candidate, loader)
        desired.add(candidate, file)
        if progress is not None and number % 100 == 0:
            progress(number, len(found.candidates))
    if known is not None:
        known.save(files)
    if not desired.items and not desired.errors:
        # A wrong root or ignore file must not look like a tree in order.
        hint = f"see prompts_root, {IGNORE_FILE} and .gitignore; prompts end with {', '.join(sorted(SUFFIXES))}"
        desired.problems.append(Problem(".", 1, 1, Code.NO_PROMPTS, "there are no prompt files", hint))
    aliases = read_aliases(tree, refs or RefRules())
    # One problem makes all declarations of the file void.
    desired.declared = aliases.declarations if not aliases.problems else None
    if aliases.declarations:
        names = desired.names.union(*(item.renamed_from for item in desired.items))
        desired.problems += without_file(aliases.declarations, names)
    desired.problems = in_order([*desired.problems, *aliases.problems])
    return desired
