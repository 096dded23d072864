"""The only writer of versions: blobs first, then one transaction under the lock that decides anew and writes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID

import sqlalchemy as sa

from promptdb.db.engine import reading, writing
from promptdb.db.repository import PromptRepository
from promptdb.db.retry import retried
from promptdb.db.runs import SUPERSEDED, RunRepository
from promptdb.db.writer import RegistryWriter
from promptdb.domain.aliases import Declaration
from promptdb.domain.identity import PromptId
from promptdb.domain.order import Order, RecordedHead, Verdict, compared
from promptdb.domain.plan import Desired, Head, Plan, Policy, Recorded, plan
from promptdb.domain.views import Provenance
from promptdb.progress import Progress
from promptdb.sync.batch import Batch, ContentOf, new_versions
from promptdb.sync.order import order_of, require_in_order, require_local
from promptdb.sync.parts import with_parts
from promptdb.sync.pointers import Pointers, decide_pointers, move_pointers
from promptdb.sync.registry import Registry
from promptdb.sync.uploads import Uploads
from promptdb.sync.view import Origin
from promptdb.sync.write import announce, confirm, note_absences, write_run, write_versions


@dataclass(frozen=True)
class Applied:
    """What was written. `run_id` is None where nothing was. Of a superseded sync only the run is: `plan.order` says so.

    `confirmed` are prompts whose newest version was recorded before its commit, which is recorded now.
    """

    plan: Plan
    run_id: int | None = None
    confirmed: tuple[PromptId, ...] = ()


def recorded_state(connection: sa.Connection, desired: Sequence[Desired]) -> Recorded:
    """The registry's side of the plan of a whole tree."""
    repository = PromptRepository(connection)
    heads = repository.head_states()
    return Recorded(heads, repository.labels(_labels_in_question(desired, heads)))


def apply(
    registry: Registry,
    desired: Sequence[Desired],
    content: ContentOf,
    policy: Policy | None = None,
    origin: Origin | None = None,
    invalid: Collection[PromptId] = frozenset(),
    declared: Sequence[Declaration] = (),
    progress: Progress | None = None,
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
    batch = Batch(registry.blobs, {item.prompt: item for item in desired}, content, progress=progress)
    uploads, is_tree = Uploads(registry.blobs, registry.sharing), policy is not None
    sync = _Sync(
        registry, desired, batch, uploads, policy or Policy(), origin, invalid, declared, is_tree, datetime.now(UTC)
    )
    while True:
        applied = sync.attempt()
        if applied is not None:
            return applied


@dataclass(frozen=True)
class _Seen:
    """What the registry had when it was looked at, and what follows. `heads` are those that the order depends on."""

    state: Recorded
    ids: dict[PromptId, UUID]
    plan: Plan
    heads: Mapping[str, RecordedHead] = field(default_factory=dict)
    is_new_commit: bool = False
    pointers: Pointers = field(default_factory=Pointers)


@dataclass(frozen=True)
class _Sync:
    """One call of `apply`."""

    registry: Registry
    desired: Sequence[Desired]
    batch: Batch
    uploads: Uploads
    policy: Policy
    origin: Origin | None
    invalid: Collection[PromptId]
    declared: Sequence[Declaration]
    whole_tree: bool
    started: datetime

    @retried
    def attempt(self) -> Applied | None:
        """None where another sync moved a head meanwhile: git is asked outside of the lock, so all is decided anew."""
        with reading(self.registry.engine) as connection:
            before = self._look(connection)
        order = order_of(self.origin, self.policy, before.heads)
        require_in_order(order, self.origin, self.policy)
        if order is not None and order.verdict is Verdict.SUPERSEDED:
            return self._note_superseded(before, order)
        intended = self._sound(before, order)
        if self._is_done(before, intended) and not self.batch.confirmed(self.origin, intended):
            return Applied(intended)
        self._upload(intended, self.registry.engine)
        sources = self.batch.sources(self.origin, intended)
        with reading(self.registry.engine) as connection:  # compiles templates: not while others wait for the lock
            described = with_parts(connection, intended, self.batch.contents.__getitem__)
        with writing(self.registry.engine) as connection:
            seen = self._look(connection, before)
            if seen.heads != before.heads:
                return None
            actual = self._sound(seen, order)
            confirmed = self.batch.confirmed(self.origin, actual)
            if self._is_done(seen, actual) and not confirmed:
                return Applied(actual)
            self._upload(actual, connection)  # only what another writer made necessary in between
            if not self.uploads.are_safe(connection):
                self.registry.blobs.put_all(self.batch.all_blobs())
            sources |= self.batch.sources(self.origin, actual, known=sources)
            if seen.state == before.state:
                described = replace(actual, changes=described.changes)
            else:
                described = with_parts(connection, actual, self.batch.contents.__getitem__)
            return self._write(connection, seen, described, confirmed, sources)

    def _upload(self, intended: Plan, source: sa.Engine | sa.Connection) -> None:
        if new_versions(intended):
            self.uploads.begin(source)
            self.batch.upload(intended)

    def _look(self, connection: sa.Connection, before: _Seen | None = None) -> _Seen:
        state, ids = _state(connection, self.desired, whole_tree=self.whole_tree)
        decided = before.plan if before is not None and before.state == state else self._plan(state)
        if self.origin is None:
            return _Seen(state, ids, decided)
        found = RunRepository(connection)
        heads = compared(self.origin.head_name, found.source_heads(self.origin.root))
        pointers = Pointers()
        if not self.origin.is_dirty:  # of what no commit has, no alias may speak
            pointers = decide_pointers(connection, self.desired, state, decided, self.origin, self.declared)
        decided = replace(decided, moves=pointers.moves, drift=pointers.drift)
        return _Seen(state, ids, decided, heads, _is_new_commit(found, self.origin, heads), pointers)

    def _plan(self, state: Recorded) -> Plan:
        return plan(self.desired, state, self.policy, self.invalid)

    def _sound(self, seen: _Seen, order: Order | None) -> Plan:
        seen.plan.require_sound(self.policy)
        seen.pointers.require_found()
        return replace(seen.plan, order=order)

    @staticmethod
    def _is_done(seen: _Seen, decided: Plan) -> bool:
        return decided.is_empty and not seen.is_new_commit

    def _write(
        self,
        connection: sa.Connection,
        seen: _Seen,
        actual: Plan,
        confirmed: Mapping[PromptId, Provenance],
        sources: Mapping[str, Provenance],
    ) -> Applied:
        writer, origin = RegistryWriter(connection, datetime.now(UTC)), self.origin
        run_id = write_run(writer, self.registry.actor, origin, actual, self.started) if origin is not None else None
        ids = dict(seen.ids)
        write_versions(writer, self.registry, actual, ids, self.batch, sources, run_id, whole_tree=self.whole_tree)
        if run_id is not None:
            confirm(writer, run_id, actual, seen.state, ids, confirmed)
            move_pointers(writer, self.registry, seen.pointers, ids, run_id, self.policy)
        if self.whole_tree and run_id is not None and origin is not None and origin.clean_commit is not None:
            note_absences(writer, run_id, seen.state, ids, self.batch.desired)
        announce(writer, actual.changes, seen.pointers.moves if run_id is not None else ())
        waiting = _unconfirmed(actual, confirmed, sources)
        return Applied(replace(actual, unconfirmed=waiting), run_id, tuple(confirmed))

    def _note_superseded(self, before: _Seen, order: Order) -> Applied | None:
        with writing(self.registry.engine) as connection:
            if self._look(connection).heads != before.heads or self.origin is None:
                return None
            writer, performed = RegistryWriter(connection, datetime.now(UTC)), Plan(order=order)
            run_id = write_run(writer, self.registry.actor, self.origin, performed, self.started, SUPERSEDED)
        return Applied(performed, run_id)


def _state(
    connection: sa.Connection, desired: Sequence[Desired], *, whole_tree: bool
) -> tuple[Recorded, dict[PromptId, UUID]]:
    repository = PromptRepository(connection)
    only = None if whole_tree else [name for item in desired for name in (item.prompt, *item.renamed_from)]
    found = repository.heads(only)
    heads = {name: head for name, (_, head) in found.items()}
    ids = {name: key for name, (key, _) in found.items()}
    return Recorded(heads, repository.labels(_labels_in_question(desired, heads))), ids


def _labels_in_question(desired: Sequence[Desired], heads: Mapping[PromptId, Head]) -> list[tuple[PromptId, str]]:
    """Those of content that is not the newest: it may be that they name other content already."""
    return [
        (name, item.user_version)
        for item in desired
        if item.user_version is not None
        for name in (item.prompt, *item.renamed_from)
        if name in heads and heads[name].digest != item.digest
    ]


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
