"""The only writer of versions: blobs first, then one transaction under the lock that decides anew and writes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

import sqlalchemy as sa

from promptdb.db.engine import reading, writing
from promptdb.db.repository import PromptRepository
from promptdb.db.writer import RegistryWriter
from promptdb.domain.identity import PromptId
from promptdb.domain.plan import Desired, Plan, Policy, Recorded, plan
from promptdb.domain.views import Provenance
from promptdb.sync.batch import Batch, ContentOf, new_versions
from promptdb.sync.parts import with_parts
from promptdb.sync.registry import Registry
from promptdb.sync.view import Origin
from promptdb.sync.write import confirm, note_absences, write_run, write_versions


@dataclass(frozen=True)
class Applied:
    """What was written. `run_id` is None where nothing was.

    `confirmed` are prompts whose newest version was recorded before its commit, which is recorded now.
    """

    plan: Plan
    run_id: int | None = None
    confirmed: tuple[PromptId, ...] = ()


def recorded_state(connection: sa.Connection, desired: Sequence[Desired], *, whole_tree: bool) -> Recorded:
    """The registry's side of the plan: of everything, or of just the prompts in question and their earlier names."""
    return _state(connection, desired, whole_tree=whole_tree)[0]


def apply(
    registry: Registry,
    desired: Sequence[Desired],
    content: ContentOf,
    policy: Policy | None = None,
    origin: Origin | None = None,
    invalid: Collection[PromptId] = frozenset(),
) -> Applied:
    """Make the registry say what `desired` says. All of it is written, or nothing.

    Args:
        registry: where to write.
        desired: the prompts wanted.
        content: gives what is behind a digest; asked only for what gets a new version.
        policy: for a whole tree, so that what is not in `desired` is gone; None leaves other prompts alone.
        origin: for prompts from files.
        invalid: prompts whose files cannot be used, and which are left alone.

    Raises:
        Conflict: a `user_version` is taken, or the guard of `policy` refuses.
        StalePlan: a file was edited meanwhile.
        LockTimeout, StorageError, IntegrityFailure: a store failed.
    """
    whole_tree, policy = policy is not None, policy or Policy()
    started = datetime.now(UTC)
    with reading(registry.engine) as connection:
        before, _ = _state(connection, desired, whole_tree=whole_tree)
        is_new_commit = _is_new_commit(connection, origin)
    intended = plan(desired, before, policy, invalid)
    intended.require_sound(policy)
    batch = Batch(registry.blobs, {item.prompt: item for item in desired}, content)
    if intended.is_empty and not is_new_commit and not batch.confirmed(origin, intended):
        return Applied(intended)
    batch.upload(intended)
    sources = batch.sources(origin, intended)
    with writing(registry.engine) as connection:
        state, ids = _state(connection, desired, whole_tree=whole_tree)
        actual = intended if state == before else plan(desired, state, policy, invalid)
        actual.require_sound(policy)
        confirmed = batch.confirmed(origin, actual)
        if actual.is_empty and not _is_new_commit(connection, origin) and not confirmed:
            return Applied(actual)
        batch.upload(actual)  # only what another writer made necessary in between
        sources |= batch.sources(origin, actual, known=sources)
        writer = RegistryWriter(connection, datetime.now(UTC))
        run_id = write_run(writer, registry.actor, origin, actual, started) if origin is not None else None
        described = with_parts(connection, actual, batch.contents.__getitem__)
        write_versions(writer, registry, actual, ids, batch, sources, run_id, whole_tree=whole_tree)
        if run_id is not None:
            confirm(writer, run_id, actual, state, ids, confirmed)
        if whole_tree and run_id is not None and origin is not None and origin.clean_commit is not None:
            note_absences(writer, run_id, state, ids, batch.desired)
    waiting = _unconfirmed(described, confirmed, sources)
    return Applied(replace(described, unconfirmed=waiting), run_id, tuple(confirmed))


def _state(
    connection: sa.Connection, desired: Sequence[Desired], *, whole_tree: bool
) -> tuple[Recorded, dict[PromptId, UUID]]:
    repository = PromptRepository(connection)
    only = None if whole_tree else [name for item in desired for name in (item.prompt, *item.renamed_from)]
    found = repository.heads(only)
    labelled = [
        (name, item.user_version)
        for item in desired
        if item.user_version is not None
        for name in (item.prompt, *item.renamed_from)
        if name in found and found[name][1].digest != item.digest
    ]
    heads = {name: head for name, (_, head) in found.items()}
    ids = {name: key for name, (key, _) in found.items()}
    return Recorded(heads, repository.labels(labelled)), ids


def _is_new_commit(connection: sa.Connection, origin: Origin | None) -> bool:
    """Whether a commit was not recorded yet, so that `git:` will find it even if it changed no prompt."""
    if origin is None or origin.clean_commit is None:
        return False
    return not PromptRepository(connection).run_recorded(origin.root, origin.git_ref, origin.clean_commit)


def _unconfirmed(
    performed: Plan, confirmed: Collection[PromptId], sources: Mapping[str, Provenance]
) -> tuple[PromptId, ...]:
    """What is left without a commit: heads from before that stay so, and new versions of uncommitted files."""
    dirty = {path for path, found in sources.items() if found.is_dirty}
    new = {change.prompt for change in new_versions(performed) if change.path in dirty}
    return tuple(sorted(new.union(performed.unconfirmed).difference(confirmed)))
