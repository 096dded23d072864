"""Writes what a plan of files, or of one registered prompt, asks for."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial

import sqlalchemy as sa

from promptdb.db.engine import reading
from promptdb.db.runs import SUPERSEDED, RunRepository
from promptdb.db.writer import RegistryWriter
from promptdb.domain.aliases import Declaration
from promptdb.domain.commit_order import RecordedHead, Verdict, compared
from promptdb.domain.plan import Action, Desired, Plan, Policy, Recorded, plan
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.views import Provenance
from promptdb.progress import Progress
from promptdb.project.view import Origin
from promptdb.registry.recorded import Seen, recorded_with_ids
from promptdb.registry.stores import Registry
from promptdb.registry.uploads import Intended, upload_and_write
from promptdb.sync.alias_moves import Pointers, Pointing, decide_pointers, move_pointers, point_at
from promptdb.sync.batch import Batch, ContentOf, new_versions, upload_in_order
from promptdb.sync.commit_order import order_of, require_in_order, require_local
from promptdb.sync.describe import with_parts
from promptdb.sync.write_rows import announce, confirm, note_absences, write_run, write_versions


@dataclass(frozen=True)
class Applied:
    """What was written. `run_id` is None where nothing was. Of a superseded sync only the run is: `plan.order` says so.

    `confirmed` are prompts whose newest version was recorded before its commit, which is recorded now.
    """

    plan: Plan
    run_id: int | None = None
    confirmed: tuple[PromptId, ...] = ()


def apply(
    registry: Registry,
    desired: Sequence[Desired],
    content: ContentOf,
    policy: Policy | None = None,
    origin: Origin | None = None,
    invalid: Collection[PromptId] = frozenset(),
    declared: Sequence[Declaration] = (),
    progress: Progress | None = None,
    pointing: Pointing | None = None,
) -> Applied:
    """Make the registry say what `desired` says. All of it is written, or nothing.

    Args:
        registry: where to write.
        desired: the prompts wanted.
        content: gives what is behind a digest; asked only for what gets a new version.
        policy: for a whole tree, so that what is not in `desired` is gone; None leaves other prompts alone.
        origin: for prompts from files.
        invalid: prompts whose files cannot be used, and which are left alone.
        declared: where aliases shall point.
        progress: is told how far the upload got.
        pointing: an alias to point at the version of a single prompt.

    Raises:
        InvalidPrompts: an alias is declared to point at a version that is not there.
        Conflict: a `user_version` is taken, or the guard of `policy` refuses.
        DivergedHistory, Guard: the commit does not come after what was synced before it, or its ref may not be synced.
        ConfigError: `policy` is for a local registry, and this is none.
        StalePlan: a file was edited meanwhile.
        LockTimeout, StorageError, IntegrityFailure: a store failed.
    """
    if policy is not None and policy.local:
        require_local(registry)
    batch = Batch({item.prompt: item for item in desired}, content)
    is_tree = policy is not None
    sync = _Sync(registry, desired, batch, policy or Policy(), origin, invalid, declared, is_tree, progress, pointing)
    return upload_and_write(registry, sync.look, sync.decide)


@dataclass(frozen=True)
class _Look:
    """The registry with the plan that follows from it. `seen.heads` are those that the order depends on."""

    seen: Seen
    plan: Plan
    is_new_commit: bool = False
    pointers: Pointers = field(default_factory=Pointers)


@dataclass
class _Sync:
    """One call of `apply`."""

    registry: Registry
    desired: Sequence[Desired]
    batch: Batch
    policy: Policy
    origin: Origin | None
    invalid: Collection[PromptId]
    declared: Sequence[Declaration]
    whole_tree: bool
    progress: Progress | None
    pointing: Pointing | None
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    _planned: tuple[Recorded, Plan] | None = None

    def look(self, connection: sa.Connection) -> _Look:
        state, ids = recorded_with_ids(connection, self.desired, whole_tree=self.whole_tree)
        planned = self._plan(state)
        if self.origin is None:
            pointers = Pointers()
            if self.pointing is not None:
                pointers = point_at(connection, self.desired[0], state, planned, self.pointing)
            return _Look(Seen(state, ids), replace(planned, moves=pointers.moves), pointers=pointers)
        found = RunRepository(connection)
        heads = compared(self.origin.head_name, found.source_heads(self.origin.root))
        pointers = Pointers()
        if not self.origin.is_dirty:  # of what no commit has, no alias may speak
            pointers = decide_pointers(connection, self.desired, state, planned, self.origin, self.declared)
        planned = replace(planned, moves=pointers.moves, drift=pointers.drift)
        return _Look(Seen(state, ids, heads), planned, _is_new_commit(found, self.origin, heads), pointers)

    def decide(self, found: _Look) -> Intended[Applied] | Applied:
        """Ask git for the order of commits and for the sources of new versions: both take too long for the lock."""
        order = order_of(self.origin, self.policy, found.seen.heads)
        require_in_order(order, self.origin, self.policy)
        if order is not None and order.verdict is Verdict.SUPERSEDED:
            return Intended(partial(self._note_superseded, Plan(order=order)))
        found.plan.require_sound(self.policy)
        found.pointers.require_found()
        intended = replace(found.plan, order=order)
        confirmed = self.batch.confirmed(self.origin, intended)
        if intended.is_empty and not found.is_new_commit and not confirmed:
            return Applied(intended)
        sources = self.batch.sources(self.origin, intended)
        upload = partial(self._upload, intended) if new_versions(intended) else None
        if intended.count(Action.UPDATE):
            with reading(self.registry.engine) as connection:
                intended = with_parts(connection, intended, self.batch.content)
        return Intended(partial(self._write, found, intended, confirmed, sources), upload)

    def _plan(self, state: Recorded) -> Plan:
        """Not a second time for the same state: others may be waiting for the lock."""
        if self._planned is None or self._planned[0] != state:
            self._planned = state, plan(self.desired, state, self.policy, self.invalid)
        return self._planned[1]

    def _upload(self, intended: Plan) -> None:
        upload_in_order(self.registry.blobs, [(self.batch, intended)], self.progress)

    def _write(
        self,
        found: _Look,
        intended: Plan,
        confirmed: Mapping[PromptId, Provenance],
        sources: Mapping[str, Provenance],
        connection: sa.Connection,
    ) -> Applied:
        writer, origin = RegistryWriter(connection, datetime.now(UTC)), self.origin
        run_id = write_run(writer, self.registry.actor, origin, intended, self.started) if origin is not None else None
        ids = dict(found.seen.ids)
        write_versions(writer, self.registry, intended, ids, self.batch, sources, run_id)
        if run_id is not None:
            confirm(writer, run_id, intended, found.seen.state, ids, confirmed)
        allow_breaking = self.pointing.allow_breaking if self.pointing is not None else self.policy.allow_breaking
        move_pointers(writer, self.registry, found.pointers, ids, run_id, allow_breaking=allow_breaking)
        if self.whole_tree and run_id is not None and origin is not None and origin.clean_commit is not None:
            note_absences(writer, run_id, found.seen.state, ids, self.batch.desired)
        announce(writer, intended.changes, found.pointers.moves)
        waiting = _unconfirmed(intended, confirmed, sources)
        return Applied(replace(intended, unconfirmed=waiting), run_id, tuple(confirmed))

    def _note_superseded(self, noted: Plan, connection: sa.Connection) -> Applied:
        if self.origin is None:
            raise ValueError("only the commit of an origin has an order")
        writer = RegistryWriter(connection, datetime.now(UTC))
        run_id = write_run(writer, self.registry.actor, self.origin, noted, self.started, SUPERSEDED)
        return Applied(noted, run_id)


def _is_new_commit(found: RunRepository, origin: Origin, heads: Mapping[str, RecordedHead]) -> bool:
    """Whether the commit is not yet what its ref was synced at, so that `git:` will find it even if it changed no prompt."""
    if origin.clean_commit is None:
        return False
    head = heads.get(origin.head_name)
    is_head = head is not None and head.commit_id == origin.clean_commit
    return not (is_head and found.run_recorded(origin.root, origin.git_ref, origin.clean_commit))


def _unconfirmed(
    performed: Plan, confirmed: Collection[PromptId], sources: Mapping[str, Provenance]
) -> tuple[PromptId, ...]:
    """What is left without a commit: heads from before that stay so, and new versions of uncommitted files."""
    dirty = {path for path, found in sources.items() if found.is_dirty}
    new = {change.prompt for change in new_versions(performed) if change.path in dirty}
    return tuple(sorted(new.union(performed.unconfirmed).difference(confirmed)))
