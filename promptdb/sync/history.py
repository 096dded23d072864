"""`sync --history`: each commit that changed a prompt, the oldest first, as the versions it made, in one transaction."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from uuid import UUID

import sqlalchemy as sa

from promptdb.db.engine import reading, writing
from promptdb.db.repository import PromptRepository
from promptdb.db.retry import retried
from promptdb.db.runs import RunRepository
from promptdb.db.writer import RegistryWriter
from promptdb.domain.aliases import AliasMove
from promptdb.domain.identity import PromptId
from promptdb.domain.order import RecordedHead, Verdict
from promptdb.domain.plan import Action, Plan, Policy, Recorded, plan
from promptdb.domain.replay import performed, without_label_conflicts
from promptdb.domain.views import Provenance
from promptdb.errors import ConfigError, Conflict, StalePlan
from promptdb.files.tree import MAX_TEXT_BYTES
from promptdb.git.history import FolderChange, first_parents, folder_history
from promptdb.git.objects import Entry, entries_of_commit, read_blobs
from promptdb.git.provenance import Commit
from promptdb.git.worktree import from_top
from promptdb.problems import Code, Problem
from promptdb.progress import Progress
from promptdb.settings import AppSettings
from promptdb.sync.batch import Batch, new_versions
from promptdb.sync.garbage import collecting_rarely
from promptdb.sync.git_tree import may_be_text
from promptdb.sync.order import order_of, reason, require_in_order
from promptdb.sync.registry import Registry
from promptdb.sync.source import LoadedTree, load_tree
from promptdb.sync.tree import sync_tree
from promptdb.sync.tree_replay import TreeReplay, TreeState
from promptdb.sync.uploads import Uploads, upload_in_order
from promptdb.sync.view import Origin, View
from promptdb.sync.write import announce, note_absences, write_run, write_versions

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
    progress: Progress | None = None,
    uploading: Progress | None = None,
) -> RecordedHistory:
    """Record what is not recorded yet of the first-parent history of a commit.

    Files that were deleted archive their prompts. Renames follow `renamed_from`, that of the newest commit too.

    Args:
        registry: where to write.
        settings: say where the prompts are; as they are in the newest commit they hold for all.
        rev: the newest commit.
        progress: is told how many commits are read.
        uploading: is told how far the upload got, which comes after that.

    Raises:
        ConfigError: there is no such commit, or the clone is shallow.
        InvalidPrompts: a file is invalid in the newest commit; nothing was written.
        Conflict: the registry has versions from elsewhere, another history, or was written to meanwhile.
        LockTimeout, StorageError: nothing was written either.
    """
    tip = load_tree(settings, None, View(rev=rev))
    tip.desired.require_valid()
    return _record(registry, tip, datetime.now(UTC), progress, uploading)


@retried
def _record(
    registry: Registry, tip: LoadedTree, started: datetime, progress: Progress | None, uploading: Progress | None
) -> RecordedHistory:
    reader = _Reader(tip, registry)
    with reading(registry.engine) as connection:
        before, since = _look(connection, reader)
        newest = RunRepository(connection).newest_clean_commit(tip.origin.root)
    order = order_of(tip.origin, Policy(), before.heads)
    require_in_order(order, tip.origin, Policy())
    if order is not None and order.verdict is Verdict.SUPERSEDED:
        return RecordedHistory(since=since, superseded=reason(order, tip.origin))
    if newest != since:
        raise Conflict(
            f"the registry went on from {str(newest)[:12]}, which is not in this history",
            "history continues where the last sync was: sync this commit without --history",
        )
    steps = list(reader.steps(before.state, since, progress))
    if not steps:
        return RecordedHistory(since=since)
    uploads = Uploads(registry.blobs, registry.sharing)
    uploads.begin(registry.engine)
    upload_in_order(registry.blobs, [(step.batch, step.plan) for step in steps], uploading)
    with writing(registry.engine) as connection:
        if _look(connection, reader) != (before, since):
            raise StalePlan("the registry was written to while the history was read", "run the command again")
        if not uploads.are_safe(connection):
            registry.blobs.put_all(blob for step in steps for blob in step.batch.all_blobs())
        writer, ids = RegistryWriter(connection, datetime.now(UTC)), dict(before.ids)
        for step in steps:
            run_id = write_run(writer, registry.actor, step.origin, step.plan, started)
            write_versions(writer, registry, step.plan, ids, step.batch, step.sources, run_id, whole_tree=True)
            if step.before is not None and step.present is not None:
                note_absences(writer, run_id, step.before, ids, step.present)
        announce(writer, (change for step in steps for change in step.plan.changes))
    counts = {action.value: sum(step.plan.count(action) for step in steps) for action in Action}
    return RecordedHistory(len(steps), counts, since, tuple(reader.problems), tuple(reader.moves))


def move_aliases(registry: Registry, settings: AppSettings, rev: str = "HEAD") -> tuple[AliasMove, ...]:
    """Move what the newest commit asks for, once its history is recorded: older commits may have named other versions.

    Raises:
        InvalidPrompts: an alias is declared to point at a version that is not there.
        Guard: callers of a protected alias would break.
        Conflict, LockTimeout, StorageError: as in `sync_tree`. In each case no alias was moved, and the history stays.
    """
    return sync_tree(registry, load_tree(settings, None, View(rev=rev)), Policy()).plan.moves


@dataclass(frozen=True)
class _Seen:
    """What the registry had when it was looked at. `heads` are the commits that were synced, by their refs."""

    state: Recorded
    ids: dict[PromptId, UUID]
    heads: dict[str, RecordedHead]


def _look(connection: sa.Connection, reader: "_Reader") -> tuple[_Seen, str | None]:
    repository = PromptRepository(connection)
    found = repository.heads()
    state = Recorded({name: head for name, (_, head) in found.items()}, repository.labels())
    heads = RunRepository(connection).source_heads(reader.origin.root)
    return _Seen(state, {name: key for name, (key, _) in found.items()}, heads), reader.recorded_commit(connection)


class _Reader:
    """Reads the commits one by one, and decides what each does."""

    def __init__(self, tip: LoadedTree, registry: Registry) -> None:
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
        self._registry = registry

    def recorded_commit(self, connection: sa.Connection) -> str | None:
        """The newest commit of this history that was synced.

        Raises:
            Conflict: none was, but the registry has versions from files.
        """
        recorded = RunRepository(connection).recorded_commits(self.origin.root)
        found = next((commit for commit in first_parents(self.repository, self.tip) if commit in recorded), None)
        if found is None and any(head.from_file for _, head in PromptRepository(connection).heads().values()):
            raise Conflict(
                "the registry has versions of files already, and none of the commits of this history is recorded",
                "history goes into an empty registry, or continues one: use another database",
            )
        return found

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
        batch = Batch(
            self._registry.blobs,
            {prompt: desired[prompt] for prompt in contents},
            lambda item: contents[item.prompt],
        )
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
