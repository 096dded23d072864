"""Records the history of a repository for `sync --history`: the versions of each commit, oldest first, in one transaction."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from uuid import UUID

import sqlalchemy as sa

from promptdb.db.repository import PromptRepository
from promptdb.db.runs import RunRepository
from promptdb.db.writer import RegistryWriter
from promptdb.domain.commit_order import Verdict
from promptdb.domain.plan import Action, Plan, Policy, Recorded, plan
from promptdb.domain.plan_result import performed, without_label_conflicts
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.views import Provenance
from promptdb.errors import ConfigError, Conflict
from promptdb.files.tree import MAX_TEXT_BYTES
from promptdb.git.history import FolderChange, first_parents, folder_history
from promptdb.git.objects import Entry, entries_of_commit, read_blobs
from promptdb.git.provenance import Commit
from promptdb.git.tree_place import PlacedEntries
from promptdb.problems import Code, Problem
from promptdb.progress import UPLOADING, Progress, ShowProgress, unwatched
from promptdb.project.git_tree import may_be_text
from promptdb.project.load import LoadedTree, load_tree
from promptdb.project.replay import TreeReplay, TreeState
from promptdb.project.view import Origin, View
from promptdb.python_gc import collecting_rarely
from promptdb.registry.recorded import Seen, recorded_with_ids
from promptdb.registry.stores import Registry
from promptdb.registry.uploads import Connect, Intended, upload_and_write
from promptdb.settings import AppSettings
from promptdb.sync.batch import Batch, new_versions, upload_in_order
from promptdb.sync.commit_order import order_of, reason, require_in_order
from promptdb.sync.write_rows import announce, note_absences, write_run, write_versions

_WINDOW = 200
"""The number of commits whose blobs are read together."""

_PRUNING = Policy(prune=True, max_prune=100)


@dataclass(frozen=True)
class CommitProblem:
    """A problem of a file in an old commit. The prompt gets no version from that commit."""

    commit_id: str
    problem: Problem


@dataclass(frozen=True)
class RecordedHistory:
    """The result of `record_history`. `commits` is the number of recorded commits, `counts` their changes by action.

    `since` is the newest commit that was recorded before. `moves` are likely renames without `renamed_from`, as (commit, old
    name, new name): a new file has the content of a deleted one. Both stay separate prompts. `superseded` explains why nothing
    was recorded, if the newest commit is older than the synced one.
    """

    commits: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    since: str | None = None
    problems: tuple[CommitProblem, ...] = ()
    moves: tuple[tuple[str, PromptId, PromptId], ...] = ()
    superseded: str | None = None


@dataclass(frozen=True)
class _Step:
    """The changes of one commit. To save memory, `before` and `present` are None if its parent has the same prompts."""

    origin: Origin
    plan: Plan
    batch: Batch
    sources: dict[str, Provenance]
    before: Recorded | None
    present: frozenset[PromptId] | None


@collecting_rarely()
def record_history(
    registry: Registry,
    settings: AppSettings,
    rev: str = "HEAD",
    progress: ShowProgress = unwatched,
) -> RecordedHistory:
    """Record the unrecorded part of the first-parent history of a commit. Everything is written, or nothing.

    The prompts of deleted files are archived. Renames follow `renamed_from`, also that of the newest commit.

    Args:
        rev: the newest commit. Its settings locate the prompts in all commits.
        progress: shows the number of commits read, and the progress of the upload.

    Raises:
        ConfigError: the commit does not exist, or the clone is shallow.
        InvalidPrompts: a file is invalid in the newest commit.
        Conflict: the registry has versions from elsewhere, or another history.
        DivergedHistory, Guard, LockTimeout, StorageError: as in `apply`.
    """
    load_tree(settings, None, View(rev=rev)).desired.require_valid()
    tip = load_tree(settings, None, View(rev=rev, past=True))
    root, started = tip.origin.root, datetime.now(UTC)

    def look(connection: sa.Connection) -> _Look:
        runs, repository = RunRepository(connection), PromptRepository(connection)
        found = recorded_with_ids(connection, [], whole_tree=True)
        seen = Seen(replace(found.state, labels=repository.labels()), found.ids, runs.source_heads(root))
        return _Look(seen, runs.recorded_commits(root), runs.newest_clean_commit(root))

    def decide(found: _Look, _: Connect) -> Intended[RecordedHistory] | RecordedHistory:
        reader = _Reader(tip)
        since = reader.recorded_commit(found)
        order = order_of(tip.origin, Policy(), found.seen.heads)
        require_in_order(order, tip.origin, Policy())
        if order is not None and order.verdict is Verdict.SUPERSEDED:
            return RecordedHistory(since=since, superseded=reason(order, tip.origin))
        if found.newest != since:
            raise Conflict(
                f"the last sync was at {str(found.newest)[:12]}, which is not in this history",
                "--history continues from the last sync: sync this commit without it",
            )
        with progress("reading commits") as shown:
            steps = list(reader.steps(found.seen.state, since, shown))
        if not steps:
            return RecordedHistory(since=since)

        def upload() -> None:
            with progress(UPLOADING) as shown:
                upload_in_order(registry.blobs, [(step.batch, step.plan) for step in steps], shown)

        def write(connection: sa.Connection) -> RecordedHistory:
            _write(connection, registry, steps, dict(found.seen.ids), started)
            counts = {action.value: sum(step.plan.count(action) for step in steps) for action in Action}
            return RecordedHistory(len(steps), counts, since, tuple(reader.problems), tuple(reader.moves))

        return Intended(write, upload)

    return upload_and_write(registry, look, decide)


def _write(
    connection: sa.Connection, registry: Registry, steps: Sequence[_Step], ids: dict[PromptId, UUID], started: datetime
) -> None:
    writer = RegistryWriter(connection, datetime.now(UTC))
    for step in steps:
        run_id = write_run(writer, registry.actor, step.origin, step.plan, started)
        write_versions(writer, registry, step.plan, ids, step.batch, step.sources, run_id)
        if step.before is not None and step.present is not None:
            note_absences(writer, run_id, step.before, ids, step.present)
    announce(writer, (change for step in steps for change in step.plan.changes))


@dataclass(frozen=True)
class _Look:
    """The recorded state, the synced commits of this tree, and the newest of these."""

    seen: Seen
    recorded: set[str]
    newest: str | None


class _Reader:
    """Reads commits one by one, and plans the changes of each."""

    def __init__(self, tip: LoadedTree) -> None:
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

    def recorded_commit(self, found: _Look) -> str | None:
        """Find the newest synced commit of this history.

        Raises:
            Conflict: no commit of this history was synced, but the registry has versions from files.
        """
        since = next((commit for commit in first_parents(self.repository, self.tip) if commit in found.recorded), None)
        if since is None and any(head.from_file for head in found.seen.state.heads.values()):
            raise Conflict(
                "the registry already has versions from files, but no commit of this history",
                "--history fills an empty registry, or continues one: use another database",
            )
        return since

    def steps(self, before: Recorded, since: str | None, progress: Progress | None) -> Iterator[_Step]:
        commits = list(folder_history(self.repository, self.tip, self.origin.root, since))
        if (not commits or commits[-1].commit.id != self.tip) and self.tip != since:
            # Record the newest commit even if it changed no prompt, so that `git:` finds it.
            commits.append(FolderChange(Commit(self.tip, 0, None, None)))
        renamed = {item.prompt: item.renamed_from for item in self.desired.items if item.renamed_from}
        replay = TreeReplay(self.repository, self.desired.loader.rules, renamed_from=renamed)
        if since is not None:
            there = self._below_root(entries_of_commit(self.repository, since, self.origin.root))
            replay.advance(there, None, f"commit {since[:12]}")
        recorded, present = before, None
        for number, (change, blobs) in enumerate(self._with_blobs(commits), 1):
            files = self._below_root(change.files)
            state = replay.advance(files, blobs, f"commit {change.commit.id[:12]}")
            step = self._step(change.commit, state, recorded, replay.entries)
            is_same_set = present == state.desired.keys()
            yield replace(step, before=None, present=None) if is_same_set else step
            recorded, present = performed(step.plan, recorded, state.desired), state.desired.keys()
            if progress is not None and number % 10 == 0:
                progress(number, len(commits))

    def _step(self, commit: Commit, state: TreeState, recorded: Recorded, entries: Mapping[str, Entry]) -> _Step:
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
            path: Provenance(from_top(origin.root, path), *where, entries[path].id)
            for path in (change.path for change in intended.changes)
            if path is not None
        }
        desired = {item.prompt: item for item in items}
        contents = {change.prompt: state.contents[change.prompt] for change in new_versions(intended)}
        batch = Batch({prompt: desired[prompt] for prompt in contents}, lambda item: contents[item.prompt])
        return _Step(origin, intended, batch, sources, recorded, frozenset(desired))

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

    def _below_root(self, files: Mapping[str, Entry | None]) -> dict[str, Entry | None]:
        start = "" if self.origin.root == "." else f"{self.origin.root}/"
        return {path[len(start) :]: entry for path, entry in files.items() if path.startswith(start)}
