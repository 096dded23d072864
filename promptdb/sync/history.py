"""`sync --history`: each commit that changed a prompt, the oldest first, as the versions it made, in one transaction."""

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
from promptdb.git.worktree import from_top
from promptdb.problems import Code, Problem
from promptdb.progress import UPLOADING, Progress, ShowProgress, unwatched
from promptdb.project.git_tree import may_be_text
from promptdb.project.load import LoadedTree, load_tree
from promptdb.project.replay import TreeReplay, TreeState
from promptdb.project.view import Origin, View
from promptdb.python_gc import collecting_rarely
from promptdb.registry.recorded import Seen, recorded_with_ids
from promptdb.registry.stores import Registry
from promptdb.registry.uploads import Intended, upload_and_write
from promptdb.settings import AppSettings
from promptdb.sync.batch import Batch, new_versions, upload_in_order
from promptdb.sync.commit_order import order_of, reason, require_in_order
from promptdb.sync.write_rows import announce, note_absences, write_run, write_versions

_WINDOW = 200
"""Commits whose blobs are read at once."""

_PRUNING = Policy(prune=True, max_prune=100)


@dataclass(frozen=True)
class CommitProblem:
    """Something wrong with a file, told for the commit that brought it; the prompt got no version there."""

    commit_id: str
    problem: Problem


@dataclass(frozen=True)
class RecordedHistory:
    """`commits` are those that were recorded, `counts` what they did to prompts, by action.

    `since` is the commit up to which everything was recorded before; `moves` are files that another one of the same content
    followed without saying so, as (commit, old name, new name): each is two prompts, until a file says `renamed_from`.
    `superseded` tells why nothing was recorded, where the newest commit is older than what was synced.
    """

    commits: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    since: str | None = None
    problems: tuple[CommitProblem, ...] = ()
    moves: tuple[tuple[str, PromptId, PromptId], ...] = ()
    superseded: str | None = None


@dataclass(frozen=True)
class _Step:
    """What one commit does to the registry. `before` and `present` are None where it has files for the same prompts."""

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
    """Record what is not recorded yet of the first-parent history of a commit.

    Files that were deleted archive their prompts. Renames follow `renamed_from`, that of the newest commit too.

    Args:
        registry: where to write.
        settings: say where the prompts are; as they are in the newest commit they hold for all.
        rev: the newest commit.
        progress: shows how many commits are read, and how far the upload got.

    Raises:
        ConfigError: there is no such commit, or the clone is shallow.
        InvalidPrompts: a file is invalid in the newest commit; nothing was written.
        Conflict: the registry has versions from elsewhere, or another history.
        LockTimeout, StorageError: nothing was written either.
    """
    tip = load_tree(settings, None, View(rev=rev))
    tip.desired.require_valid()
    root, started = tip.origin.root, datetime.now(UTC)

    def look(connection: sa.Connection) -> _Look:
        runs, repository = RunRepository(connection), PromptRepository(connection)
        state, ids = recorded_with_ids(connection, [], whole_tree=True)
        seen = Seen(replace(state, labels=repository.labels()), ids, runs.source_heads(root))
        return _Look(seen, runs.recorded_commits(root), runs.newest_clean_commit(root))

    def decide(found: _Look) -> Intended[RecordedHistory] | RecordedHistory:
        reader = _Reader(tip)
        since = reader.recorded_commit(found)
        order = order_of(tip.origin, Policy(), found.seen.heads)
        require_in_order(order, tip.origin, Policy())
        if order is not None and order.verdict is Verdict.SUPERSEDED:
            return RecordedHistory(since=since, superseded=reason(order, tip.origin))
        if found.newest != since:
            raise Conflict(
                f"the registry went on from {str(found.newest)[:12]}, which is not in this history",
                "history continues where the last sync was: sync this commit without --history",
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
    """The registry, the commits of this tree that were synced, and the one that was synced last."""

    seen: Seen
    recorded: set[str]
    newest: str | None


class _Reader:
    """Reads the commits one by one, and decides what each does."""

    def __init__(self, tip: LoadedTree) -> None:
        if tip.origin.repository is None or tip.origin.commit_id is None:
            raise ConfigError("there is no history to read")
        self.repository, self.tip = tip.origin.repository, tip.origin.commit_id
        if self.repository.shallow:
            hint = "fetch all of it: git fetch --unshallow --filter=blob:none"
            raise ConfigError("this clone is shallow, so that its history begins in the middle", hint)
        self.origin = tip.origin
        self.desired = tip.desired
        self.problems: list[CommitProblem] = []
        self.moves: list[tuple[str, PromptId, PromptId]] = []

    def recorded_commit(self, found: _Look) -> str | None:
        """The newest commit of this history that was synced.

        Raises:
            Conflict: none was, but the registry has versions from files.
        """
        since = next((commit for commit in first_parents(self.repository, self.tip) if commit in found.recorded), None)
        if since is None and any(head.from_file for head in found.seen.state.heads.values()):
            raise Conflict(
                "the registry has versions of files already, and none of the commits of this history is recorded",
                "history goes into an empty registry, or continues one: use another database",
            )
        return since

    def steps(self, before: Recorded, since: str | None, progress: Progress | None) -> Iterator[_Step]:
        commits = list(folder_history(self.repository, self.tip, self.origin.root, since))
        if (not commits or commits[-1].commit.id != self.tip) and self.tip != since:
            commits.append(FolderChange(Commit(self.tip, 0, None, None)))  # so that `git:` finds it
        renamed = {item.prompt: item.renamed_from for item in self.desired.items if item.renamed_from}
        text_format = self.desired.loader.text_format
        replay = TreeReplay(self.repository, text_format, renamed_from=renamed)
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
        self._note_moves(commit, intended, recorded)
        origin = replace(self.origin, commit_id=commit.id)
        sources = {
            change.path: Provenance(
                from_top(origin.root, change.path),
                commit.id,
                origin.git_ref,
                commit.author,
                commit.committed_at,
                entries[change.path].id,
            )
            for change in intended.changes
            if change.path is not None
        }
        desired = {item.prompt: item for item in items}
        contents = {change.prompt: state.contents[change.prompt] for change in new_versions(intended)}
        batch = Batch({prompt: desired[prompt] for prompt in contents}, lambda item: contents[item.prompt])
        return _Step(origin, intended, batch, sources, recorded, frozenset(desired))

    def _note_moves(self, commit: Commit, intended: Plan, recorded: Recorded) -> None:
        """An exact move looks like a deletion and a new file: it is proposed, and not assumed to be a rename."""
        gone = {change.old_digest: change.prompt for change in intended.changes if change.action is Action.ARCHIVE}
        created = [change for change in intended.changes if change.action is Action.CREATE]
        self.moves += [
            (commit.id, gone[change.digest], change.prompt)
            for change in created
            if change.digest in gone and recorded.heads[gone[change.digest]].digest == change.digest
        ]

    def _with_blobs(self, commits: Iterable[FolderChange]) -> Iterator[tuple[FolderChange, dict[str, bytes]]]:
        """Each commit with the texts that were there up to it, since fragments stay while prompts change."""
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
        prefix = self.origin.root
        start = "" if prefix == "." else f"{prefix}/"
        return {path[len(start) :]: entry for path, entry in files.items() if path.startswith(start)}
