"""Replays the prompts of a folder from commit to commit. Parses only the files that a commit changes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from promptdb.domain.file_rules import FileRules
from promptdb.domain.layout import IGNORE_FILE
from promptdb.domain.plan import Desired
from promptdb.domain.prompt_id import PromptId
from promptdb.files.scan import Candidate, Scan
from promptdb.git.objects import Entry
from promptdb.git.repository import Repository
from promptdb.git.tree_place import PlacedEntries
from promptdb.problems import Problem, in_order
from promptdb.project.content import Content
from promptdb.project.git_tree import GitTree
from promptdb.project.read_file import LoadedFile, Loader


@dataclass(frozen=True)
class TreeState:
    """The prompts at one commit. `problems` are those that the commit before did not have."""

    desired: dict[PromptId, Desired]
    contents: dict[PromptId, Content]
    invalid: frozenset[PromptId]
    problems: tuple[Problem, ...]


@dataclass
class TreeReplay:
    """The files of the current commit in `placed`. `ignored` stands for the ignore files of all commits.

    `renamed_from` has earlier names of prompts, in addition to those that the files name.
    """

    repository: Repository
    rules: FileRules
    placed: PlacedEntries
    ignored: Callable[[str], bool] | None = None
    renamed_from: Mapping[PromptId, tuple[PromptId, ...]] = field(default_factory=dict)
    _scan: Scan = field(default_factory=lambda: Scan((), ()))
    _loaded: dict[Candidate, LoadedFile] = field(default_factory=dict)
    _problems: frozenset[Problem] = frozenset()

    def advance(self, changes: Mapping[str, Entry | None], blobs: dict[str, bytes] | None, name: str) -> TreeState:
        """Advance to the next commit.

        Args:
            changes: maps paths from the top of the repository to the changed files, or to None for deleted files.
            blobs: the bytes of some of these files by the ids of their blobs; None reads all of them.
            name: the name of the commit, for messages.
        """
        known = self.placed.entries
        changes = self.placed.update(changes)
        is_same_set = all(
            entry is not None and path in known and known[path].mode == entry.mode for path, entry in changes.items()
        )
        entries, layout = self.placed.entries, self.placed.place.names
        tree = GitTree(self.repository, entries, name, {} if blobs is None else blobs, layout, self.ignored)
        if blobs is None:
            tree.preload()
        if not is_same_set or IGNORE_FILE in changes:
            self._scan = tree.scan()
        loader = Loader(tree, self.rules)
        before = self._loaded
        self._loaded = {
            candidate: loader(candidate) if _is_stale(candidate, before.get(candidate), changes) else before[candidate]
            for candidate in self._scan.candidates
        }
        return self._state()

    def _state(self) -> TreeState:
        desired, contents, invalid = {}, {}, set(self._scan.clashing)
        problems = set(self._scan.problems)
        for candidate, file in self._loaded.items():
            problems |= {problem for problem in file.problems if problem.is_error}
            if file.blank:
                continue
            item = file.desired(candidate)
            if item is None or file.content is None:
                invalid.add(candidate.prompt)
                continue
            earlier = dict.fromkeys((*item.renamed_from, *self.renamed_from.get(candidate.prompt, ())))
            desired[candidate.prompt] = item._replace(renamed_from=tuple(earlier))
            contents[candidate.prompt] = file.content
        new = in_order(problems - self._problems)
        self._problems = frozenset(problems)
        return TreeState(desired, contents, frozenset(invalid), tuple(new))


def _is_stale(candidate: Candidate, file: LoadedFile | None, changes: Mapping[str, Entry | None]) -> bool:
    # Any change may make an invalid file valid, because the files that it needs are not known.
    if file is None or not file.is_valid or candidate.path in changes:
        return True
    return not changes.keys().isdisjoint(file.reads)
