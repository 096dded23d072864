"""Records the history of a repository for `sync --history`: the versions of each commit, oldest first, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID

import sqlalchemy as sa

from promptdb.db.repository import PromptRepository
from promptdb.db.runs import RunRepository
from promptdb.db.writer import RegistryWriter
from promptdb.domain.commit_order import Verdict
from promptdb.domain.plan import Action, Policy
from promptdb.domain.prompt_id import PromptId
from promptdb.errors import Conflict
from promptdb.progress import UPLOADING, ShowProgress, unwatched
from promptdb.project.load import load_tree
from promptdb.project.view import View
from promptdb.python_gc import collecting_rarely
from promptdb.registry.recorded import Seen, recorded_with_ids
from promptdb.registry.stores import Registry
from promptdb.registry.uploads import Connect, Intended, upload_and_write
from promptdb.settings import AppSettings
from promptdb.sync.batch import upload_in_order
from promptdb.sync.commit_order import order_of, reason, require_in_order
from promptdb.sync.cut_off import CutOff
from promptdb.sync.history_reader import CommitProblem, CommitStep, HistoryReader
from promptdb.sync.write_rows import announce, note_absences, write_run, write_versions


@dataclass(frozen=True)
class RecordedHistory:
    """The result of `record_history`. `commits` is the number of recorded commits, `counts` their changes by action.

    `since` is the newest commit that was recorded before. `moves` are likely renames without `renamed_from`, as (commit, old
    name, new name): a new file has the content of a deleted one. Both stay separate prompts. `superseded` explains why nothing
    was recorded, if the newest commit is older than the synced one. `cut_off` are folders that hold earlier history.
    """

    commits: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    since: str | None = None
    problems: tuple[CommitProblem, ...] = ()
    moves: tuple[tuple[str, PromptId, PromptId], ...] = ()
    superseded: str | None = None
    cut_off: tuple[CutOff, ...] = ()


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
    tip = load_tree(settings, None, View(rev=rev))
    tip.desired.require_valid()
    reader, started = HistoryReader(tip, settings), datetime.now(UTC)

    def decide(found: _Look, _: Connect) -> Intended[RecordedHistory] | RecordedHistory:
        since = reader.recorded_commit(found.recorded, found.seen.state)
        order = order_of(tip.origin, Policy(), found.seen.heads)
        require_in_order(order, tip.origin, Policy())
        if order is not None and order.verdict is Verdict.SUPERSEDED:
            return RecordedHistory(since=since, superseded=reason(order, tip.origin))
        _require_continued(found, since)
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
            problems, moves, cut = tuple(reader.problems), tuple(reader.moves), tuple(reader.cut_off)
            return RecordedHistory(len(steps), counts, since, problems, moves, cut_off=cut)

        return Intended(write, upload)

    return upload_and_write(registry, lambda connection: _look(connection, reader.roots), decide)


def _look(connection: sa.Connection, roots: Sequence[str]) -> "_Look":
    runs, repository = RunRepository(connection), PromptRepository(connection)
    found = recorded_with_ids(connection, [], whole_tree=True)
    seen = Seen(replace(found.state, labels=repository.labels()), found.ids, runs.source_heads(*roots))
    return _Look(seen, runs.recorded_commits(*roots), runs.newest_clean_commit(*roots))


def _require_continued(found: "_Look", since: str | None) -> None:
    if found.newest != since:
        raise Conflict(
            f"the last sync was at {str(found.newest)[:12]}, which is not in this history",
            "--history continues from the last sync: sync this commit without it",
        )


def _write(
    connection: sa.Connection,
    registry: Registry,
    steps: Sequence[CommitStep],
    ids: dict[PromptId, UUID],
    started: datetime,
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
