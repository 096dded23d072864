"""Performs the plan of a tree of files, or of one registered prompt."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import sqlalchemy as sa

from promptdb.db.lookup import current_name
from promptdb.db.runs import SUPERSEDED, RunRepository
from promptdb.db.writer import RegistryWriter
from promptdb.domain.aliases import Declaration
from promptdb.domain.commit_order import RecordedHead, Verdict, compared
from promptdb.domain.plan import Action, Desired, Plan, Policy, Recorded, plan
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.views import Provenance
from promptdb.errors import Conflict
from promptdb.progress import Progress
from promptdb.project.content import Content
from promptdb.project.view import Origin
from promptdb.registry.recorded import Seen, recorded_with_ids
from promptdb.registry.stores import Registry
from promptdb.registry.uploads import Connect, Intended, upload_and_write
from promptdb.sync.alias_moves import Pointers, Pointing, decide_pointers, move_pointers, point_at
from promptdb.sync.batch import Batch, batch_of, new_versions, upload_in_order
from promptdb.sync.commit_order import order_of, require_in_order, require_local
from promptdb.sync.describe import with_parts
from promptdb.sync.other_refs import as_seen_by
from promptdb.sync.write_rows import announce, confirm, note_absences, note_reused, write_run, write_versions

if TYPE_CHECKING:
    from promptdb.project.desired import DesiredTree


@dataclass(frozen=True)
class Applied:
    """The plan, and the run that performed it. `run_id` is None if nothing was written.

    The run of a superseded sync performs nothing, and `plan.order` says so. `confirmed` are prompts whose newest version was
    recorded before its commit: this run recorded the commit.
    """

    plan: Plan
    run_id: int | None = None
    confirmed: tuple[PromptId, ...] = ()


def apply(
    registry: Registry, tree: "DesiredTree", policy: Policy, origin: Origin, progress: Progress | None = None
) -> Applied:
    """Make the registry match a tree. Everything is written, or nothing.

    Prompts with invalid files stay as they are.

    Raises:
        InvalidPrompts: an alias is declared to point at a version that does not exist.
        Conflict: a `user_version` is taken.
        DivergedHistory: the commit does not descend from the commit that was synced before.
        Guard: the ref may not be synced, or a safety limit of the policy refuses the plan.
        ConfigError: `policy` is for a local registry, and this one is not local.
        StalePlan: a file was edited during the sync.
        LockTimeout, StorageError, IntegrityFailure: a store failed.
    """
    if policy.local:
        require_local(registry)
    sync = _Sync(registry, tree.items, batch_of(tree), policy, origin, tree.invalid, tree.declared, progress)
    return upload_and_write(registry, sync.look, sync.decide)


def apply_prompt(registry: Registry, item: Desired, content: Content, pointing: Pointing | None = None) -> Applied:
    """Register one prompt, and point an alias at its version. Other prompts stay as they are.

    Raises:
        Conflict: the name is the old one of a renamed prompt. Other errors as in `apply`.
    """
    sync = _Sync(registry, [item], Batch({item.prompt: item}, lambda _: content), pointing=pointing)
    return upload_and_write(registry, sync.look, sync.decide)


@dataclass(frozen=True)
class _Look:
    """The recorded state, and the plan that follows from it. `seen.heads` are the heads that the order depends on."""

    seen: Seen
    plan: Plan
    is_new_commit: bool
    pointers: Pointers


@dataclass
class _Sync:
    """One call of `apply` or `apply_prompt`. Only a tree has an `origin`."""

    registry: Registry
    desired: Sequence[Desired]
    batch: Batch
    policy: Policy = field(default_factory=Policy)
    origin: Origin | None = None
    invalid: Collection[PromptId] = frozenset()
    declared: Sequence[Declaration] | None = ()
    progress: Progress | None = None
    pointing: Pointing | None = None
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    _planned: tuple[Recorded, Plan] | None = None

    def look(self, connection: sa.Connection) -> _Look:
        seen = recorded_with_ids(connection, self.desired, whole_tree=self.origin is not None)
        runs, pointers, is_new_commit = RunRepository(connection), Pointers(), False
        synced = runs.source_heads(self.origin.root) if self.origin is not None else {}
        if self.origin is not None:
            state = as_seen_by(self.origin, self.policy, synced, connection, seen.state, self.desired)
            seen = replace(seen, state=state)
        planned = self._plan(seen.state)
        if self.origin is not None:
            heads = compared(self.origin.head_name, synced)
            seen, is_new_commit = replace(seen, heads=heads), _is_new_commit(runs, self.origin, heads)
            # Uncommitted declarations move nothing.
            if not self.origin.is_dirty:
                pointers = decide_pointers(
                    connection, self.desired, seen.state, planned, self.origin, self.declared, self.invalid
                )
        else:
            _require_own_name(connection, self.desired[0].prompt)
        if self.pointing is not None:
            pointers = point_at(connection, self.desired[0], seen.state, planned, self.pointing)
        planned = replace(planned, moves=pointers.moves, held=pointers.held, ended_holds=pointers.ended)
        return _Look(seen, planned, is_new_commit, pointers)

    def decide(self, found: _Look, connect: Connect) -> Intended[Applied] | Applied:
        # Git needs too long to be asked under the lock: for the order of commits, and for the sources of new versions.
        intended = found.plan
        if self.origin is not None:
            order = order_of(self.origin, self.policy, found.seen.heads)
            require_in_order(order, self.origin, self.policy)
            if order is not None and order.verdict is Verdict.SUPERSEDED:
                return Intended(partial(self._note_superseded, self.origin, Plan(order=order)))
            intended = replace(intended, order=order)
        intended.require_sound(self.policy)
        found.pointers.require_found()
        confirmed = self.batch.confirmed(self.origin, intended)
        if intended.is_empty and not found.is_new_commit and not confirmed and not found.pointers.targets:
            return Applied(intended)
        sources = self.batch.sources(self.origin, intended)
        upload = None
        if new_versions(intended):
            upload = partial(upload_in_order, self.registry.blobs, [(self.batch, intended)], self.progress)
        if intended.count(Action.UPDATE):
            with connect() as connection:
                intended = with_parts(connection, intended, self.batch.content)
        return Intended(partial(self._write, found, intended, confirmed, sources), upload)

    def _plan(self, state: Recorded) -> Plan:
        # Others may be waiting for the lock, so the same state is not planned twice.
        if self._planned is None or self._planned[0] != state:
            self._planned = state, plan(self.desired, state, self.policy, self.invalid)
        return self._planned[1]

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
        if origin is not None and run_id is not None:
            confirm(writer, run_id, intended, found.seen.state, ids, confirmed)
            if origin.clean_commit is not None:
                note_reused(writer, run_id, intended, ids, self.batch.desired, sources)
                note_absences(writer, run_id, found.seen.state, ids, self.batch.desired)
        allow_breaking = self.pointing.allow_breaking if self.pointing is not None else self.policy.allow_breaking
        move_pointers(writer, self.registry, found.pointers, ids, run_id, origin, allow_breaking=allow_breaking)
        announce(writer, intended.changes, found.pointers.moves)
        waiting = _unconfirmed(intended, confirmed, sources)
        return Applied(replace(intended, unconfirmed=waiting), run_id, tuple(confirmed))

    def _note_superseded(self, origin: Origin, noted: Plan, connection: sa.Connection) -> Applied:
        writer = RegistryWriter(connection, datetime.now(UTC))
        return Applied(noted, write_run(writer, self.registry.actor, origin, noted, self.started, SUPERSEDED))


def _require_own_name(connection: sa.Connection, prompt: PromptId) -> None:
    """Refuse to register a version under an old name: a new prompt would take it, without the aliases and their guards."""
    name = current_name(connection, prompt)
    if name is not None and name != prompt:
        hint = f"register it as {name}; a new prompt of the old name needs a file in the tree, and a sync"
        raise Conflict(f"{prompt} is the old name of {name}", hint)


def _is_new_commit(runs: RunRepository, origin: Origin, heads: Mapping[str, RecordedHead]) -> bool:
    """Check if the commit must be recorded for its ref, so that `git:` finds it even if it changed no prompt."""
    if origin.clean_commit is None:
        return False
    head = heads.get(origin.head_name)
    is_head = head is not None and head.commit_id == origin.clean_commit
    return not (is_head and runs.run_recorded(origin.root, origin.git_ref, origin.clean_commit))


def _unconfirmed(
    performed: Plan, confirmed: Collection[PromptId], sources: Mapping[str, Provenance]
) -> tuple[PromptId, ...]:
    """List the prompts that still wait for a commit: old heads, and new versions of uncommitted files."""
    dirty = {path for path, found in sources.items() if found.is_dirty}
    new = {change.prompt for change in new_versions(performed) if change.path in dirty}
    return tuple(sorted(new.union(performed.unconfirmed).difference(confirmed)))
