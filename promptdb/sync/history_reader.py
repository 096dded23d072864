"""The commits of a history, read one by one: the prompts of each, and the plan of its changes."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from promptdb.domain.plan import Action, Plan, Policy, Recorded, plan
from promptdb.domain.plan_result import performed, without_label_conflicts
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.views import Provenance
from promptdb.errors import ConfigError, Conflict
from promptdb.files.tree import MAX_TEXT_BYTES
from promptdb.git.history import FolderChange, first_parents, folder_history
from promptdb.git.objects import entries_of_commit, read_blobs
from promptdb.git.provenance import Commit
from promptdb.git.tree_place import PlacedEntries
from promptdb.problems import Code, Problem
from promptdb.progress import Progress
from promptdb.project.git_tree import GitTree, may_be_text
from promptdb.project.load import LoadedTree
from promptdb.project.replay import TreeReplay, TreeState
from promptdb.project.view import Origin, former_folders
from promptdb.settings import AppSettings
from promptdb.sync.batch import Batch, new_versions
from promptdb.sync.cut_off import CutOff, cut_off

_WINDOW = 200
"""The number of commits whose blobs are read together."""

_PRUNING = Policy(prune=True, max_prune=100)


@dataclass(frozen=True)
class CommitProblem:
    """A problem of a file in an old commit. The prompt gets no version from that commit."""

    commit_id: str
    problem: Problem


@dataclass(frozen=True)
class CommitStep:
    """The changes of one commit. To save memory, `before` and `present` are None if its parent has the same prompts."""

    origin: Origin
    plan: Plan
    batch: Batch
    sources: dict[str, Provenance]
    before: Recorded | None
    present: frozenset[PromptId] | None


class HistoryReader:
    """Reads commits one by one, and plans the changes of each. `settings` name the former roots and fields.

    Raises:
        ConfigError: there is no history, it is incomplete, or a former root still has prompts.
    """

    def __init__(self, tip: LoadedTree, settings: AppSettings) -> None:
        if tip.origin.repository is None or tip.origin.commit_id is None:
            raise ConfigError("there is no history to read")
        self.repository, self.tip = tip.origin.repository, tip.origin.commit_id
        if self.repository.shallow:
            hint = "fetch the whole history: git fetch --unshallow --filter=blob:none"
            raise ConfigError("this clone is shallow, so its history is incomplete", hint)
        self.origin = tip.origin
        self.desired = tip.desired
        self.problems: list[CommitProblem] = []
        self.moves: list[tuple[str, PromptId, PromptId]] = []
        self.cut_off: list[CutOff] = []
        self.rules = tip.desired.loader.rules.ignoring(settings.former_fields)
        self.place = replace(tip.placed.place, former=former_folders(settings, self.repository))
        tree = tip.desired.loader.tree
        self.ignored = tree.ignore_rule() if isinstance(tree, GitTree) else None
        self._require_former()

    @property
    def roots(self) -> tuple[str, ...]:
        """The names of the tree in the registry, the present one first."""
        return (self.origin.root, *self.place.former)

    def recorded_commit(self, recorded: Collection[str], state: Recorded) -> str | None:
        """Find the newest synced commit of this history.

        Raises:
            Conflict: no commit of this history was synced, but the registry has versions from files.
        """
        since = next((commit for commit in first_parents(self.repository, self.tip) if commit in recorded), None)
        if since is None and any(head.from_file for head in state.heads.values()):
            raise Conflict(
                "the registry already has versions from files, but no commit of this history",
                "--history fills an empty registry, or continues one: use another database",
            )
        return since

    def steps(self, before: Recorded, since: str | None, progress: Progress | None) -> Iterator[CommitStep]:
        commits = list(folder_history(self.repository, self.tip, self.place.pathspecs, since))
        if (not commits or commits[-1].commit.id != self.tip) and self.tip != since:
            # Record the newest commit even if it changed no prompt, so that `git:` finds it.
            commits.append(FolderChange(Commit(self.tip, 0, None, None)))
        renamed = {item.prompt: item.renamed_from for item in self.desired.items if item.renamed_from}
        placed = PlacedEntries(self.place)
        replay = TreeReplay(self.repository, self.rules, placed, self.ignored, renamed)
        if since is not None:
            there = entries_of_commit(self.repository, since, *self.place.folders)
            replay.advance(there, None, f"commit {since[:12]}")
        recorded, present = before, None
        for number, (change, blobs) in enumerate(self._with_blobs(commits), 1):
            state = replay.advance(change.files, blobs, f"commit {change.commit.id[:12]}")
            if since is None and (cut := cut_off(self.repository, placed, change)) is not None:
                self.cut_off.append(cut)
            step = self._step(change.commit, state, recorded, placed)
            is_same_set = present == state.desired.keys()
            yield replace(step, before=None, present=None) if is_same_set else step
            recorded, present = performed(step.plan, recorded, state.desired), state.desired.keys()
            if progress is not None and number % 10 == 0:
                progress(number, len(commits))

    def _step(self, commit: Commit, state: TreeState, recorded: Recorded, placed: PlacedEntries) -> CommitStep:
        self.problems += [CommitProblem(commit.id, problem) for problem in state.problems]
        items, taken = without_label_conflicts(list(state.desired.values()), recorded)
        for prompt, use in taken.items():
            message = f"its user_version already names revision {use.revision}, which differs"
            problem = Problem(state.desired[prompt].path or "", 1, 1, Code.WRONG_VALUE, message)
            self.problems.append(CommitProblem(commit.id, problem))
        invalid = state.invalid.union(taken)
        intended = plan(items, recorded, _PRUNING, invalid)
        intended.require_sound(_PRUNING)
        self._note_moves(commit, intended)
        origin = replace(self.origin, commit_id=commit.id)
        where = (commit.id, origin.git_ref, commit.author, commit.committed_at)
        sources = {
            path: Provenance(placed.top(path), *where, placed.entries[path].id)
            for path in (change.path for change in intended.changes)
            if path is not None
        }
        desired = {item.prompt: item for item in items}
        contents = {change.prompt: state.contents[change.prompt] for change in new_versions(intended)}
        batch = Batch({prompt: desired[prompt] for prompt in contents}, lambda item: contents[item.prompt])
        return CommitStep(origin, intended, batch, sources, recorded, frozenset(desired))

    def _note_moves(self, commit: Commit, intended: Plan) -> None:
        # A deletion and a new file of the same content may be a rename, but only `renamed_from` says so.
        gone = {change.old_digest: change.prompt for change in intended.changes if change.action is Action.ARCHIVE}
        self.moves += [
            (commit.id, gone[change.digest], change.prompt)
            for change in intended.changes
            if change.action is Action.CREATE and change.digest in gone
        ]

    def _with_blobs(self, commits: Iterable[FolderChange]) -> Iterator[tuple[FolderChange, dict[str, bytes]]]:
        """Yield each commit with the texts of all commits up to it, because a new prompt may use an old fragment."""
        remaining, blobs = iter(commits), dict[str, bytes]()
        while window := list(islice(remaining, _WINDOW)):
            wanted = [
                entry.id
                for change in window
                for path, entry in change.files.items()
                if entry is not None and may_be_text(path, entry) and entry.id not in blobs
            ]
            blobs |= read_blobs(self.repository, wanted, MAX_TEXT_BYTES)
            for change in window:
                yield change, blobs

    def _require_former(self) -> None:
        """Check that the former roots have no prompts in the newest commit."""
        if not self.place.former:
            return
        placed = PlacedEntries(self.place)
        placed.update(entries_of_commit(self.repository, self.tip, *self.place.folders))
        tree = GitTree(self.repository, placed.entries, self.tip[:12], {}, self.place.names, self.ignored)
        still = next((placed.tops[c.path] for c in tree.scan().candidates if c.path in placed.tops), None)
        if still is not None:
            hint = "former_roots names folders that have no prompts any more; add others to prompts_root"
            raise ConfigError(
                f"{still} is still there in commit {self.tip[:12]}, but its folder is a former root", hint
            )
