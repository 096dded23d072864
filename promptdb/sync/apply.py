"""The only writer of versions: blobs first, then one transaction under the lock that decides anew and writes."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID

import sqlalchemy as sa

from promptdb.blobs.bundle import manifest
from promptdb.blobs.store import Blob, BlobStore
from promptdb.db.engine import reading, writing
from promptdb.db.repository import PromptRepository
from promptdb.db.writer import RegistryWriter
from promptdb.domain.digest import Digest, digest_of
from promptdb.domain.identity import PromptId
from promptdb.domain.ids import prompt_id, version_id
from promptdb.domain.plan import Action, Change, Desired, Plan, Policy, Recorded, plan
from promptdb.domain.views import Provenance
from promptdb.sync.content import Content
from promptdb.sync.parts import with_parts
from promptdb.sync.rows import VersionRows, source_row
from promptdb.sync.source import Origin

ContentOf = Callable[[Desired], Content]


@dataclass(frozen=True)
class Applied:
    """What was written. `run_id` is None where nothing was.

    `confirmed` are prompts whose newest version was recorded before its commit, which is recorded now.
    """

    plan: Plan
    run_id: int | None = None
    confirmed: tuple[PromptId, ...] = ()


@dataclass(frozen=True)
class Registry:
    """Where versions are kept: the two stores, who writes, and which aliases are protected from breaking changes."""

    engine: sa.Engine
    blobs: BlobStore
    actor: str
    protected_aliases: frozenset[str] = frozenset()


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
    batch = _Batch(registry, {item.prompt: item for item in desired}, content)
    if intended.is_empty and not is_new_commit and not _confirmed(origin, batch, intended):
        return Applied(intended)
    batch.upload(intended)
    sources = _sources(origin, batch, intended)
    with reading(registry.engine) as connection:  # compiles templates: better not while others wait for the lock
        described = with_parts(connection, intended, batch.contents.__getitem__)
    with writing(registry.engine) as connection:
        state, ids = _state(connection, desired, whole_tree=whole_tree)
        actual = intended if state == before else plan(desired, state, policy, invalid)
        actual.require_sound(policy)
        confirmed = _confirmed(origin, batch, actual)
        if actual.is_empty and not _is_new_commit(connection, origin) and not confirmed:
            return Applied(actual)
        batch.upload(actual)  # only what another writer made necessary in between
        sources |= _sources(origin, batch, actual, known=sources)
        writer = RegistryWriter(connection, datetime.now(UTC))
        run_id = _write_run(writer, registry.actor, origin, actual, started) if origin is not None else None
        if actual is not intended:
            described = with_parts(connection, actual, batch.contents.__getitem__)
        _write(writer, registry, actual, ids, batch, sources, run_id, whole_tree=whole_tree)
        if run_id is not None:
            _confirm(writer, run_id, actual, state, ids, confirmed)
        if whole_tree and run_id is not None and origin is not None and origin.clean_commit is not None:
            _note_absences(writer, run_id, state, ids, batch.desired)
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


@dataclass
class _Batch:
    """The content of the new versions, uploaded before it is named by any row."""

    registry: Registry
    desired: Mapping[PromptId, Desired]
    content_of: ContentOf
    contents: dict[PromptId, Content] = field(default_factory=dict)
    manifests: dict[PromptId, tuple[Digest, int]] = field(default_factory=dict)

    def upload(self, intended: Plan) -> None:
        new = [change.prompt for change in _new_versions(intended) if change.prompt not in self.contents]
        self.registry.blobs.put_all(blob for prompt in new for blob in self._blobs(prompt))

    def _blobs(self, prompt: PromptId) -> Sequence[Blob]:
        content = self.content_of(self.desired[prompt])
        data = manifest(content.canonical, list(content.assets))
        digest = digest_of(data)
        self.contents[prompt] = content
        self.manifests[prompt] = digest, len(data)
        return [*content.blobs, Blob(digest, lambda: data)]


def _new_versions(intended: Plan) -> list[Change]:
    return [change for change in intended.changes if change.action in (Action.CREATE, Action.UPDATE)]


def _sources(
    origin: Origin | None, batch: _Batch, intended: Plan, known: Mapping[str, Provenance] | None = None
) -> dict[str, Provenance]:
    if origin is None:
        return {}
    files = {
        change.path: batch.contents[change.prompt].reads
        for change in _new_versions(intended)
        if change.path is not None and change.path not in (known or {})
    }
    return origin.provenance(files) if files else {}


def _confirmed(origin: Origin | None, batch: "_Batch", intended: Plan) -> dict[PromptId, Provenance]:
    """Of the unconfirmed prompts those whose files are clean now, with where they are."""
    if origin is None or not intended.unconfirmed:
        return {}
    items = {item.path: item for item in map(batch.desired.__getitem__, intended.unconfirmed) if item.path is not None}
    found = origin.provenance({path: batch.content_of(item).reads for path, item in items.items()})
    return {items[path].prompt: at for path, at in found.items() if not at.is_dirty}


def _unconfirmed(
    performed: Plan, confirmed: Collection[PromptId], sources: Mapping[str, Provenance]
) -> tuple[PromptId, ...]:
    """What is left without a commit: heads from before that stay so, and new versions of uncommitted files."""
    dirty = {path for path, found in sources.items() if found.is_dirty}
    new = {change.prompt for change in _new_versions(performed) if change.path in dirty}
    return tuple(sorted(new.union(performed.unconfirmed).difference(confirmed)))


def _write_run(writer: RegistryWriter, actor: str, origin: Origin, performed: Plan, started: datetime) -> int:
    counts = {action.value: performed.count(action) for action in Action}
    run_id = writer.insert_run(
        {
            "root": origin.root,
            "git_ref": origin.git_ref,
            "commit_id": origin.commit_id,
            "is_dirty": origin.is_dirty,
            "outcome": "applied",
            "counts_json": json.dumps({**counts, "unchanged": performed.unchanged}),
            "created_by": actor,
            "started_at": started,
            "finished_at": writer.now,
        }
    )
    if origin.git_ref is not None and origin.clean_commit is not None:
        writer.set_source_head(origin.root, origin.git_ref, origin.clean_commit, run_id)
    return run_id


def _write(
    writer: RegistryWriter,
    registry: Registry,
    performed: Plan,
    ids: dict[PromptId, UUID],
    batch: _Batch,
    sources: Mapping[str, Provenance],
    run_id: int | None,
    *,
    whole_tree: bool,
) -> None:
    taken = set(ids.values()) if whole_tree else None
    for change in performed.changes:
        if change.action is Action.RENAME and change.renamed_from is not None:
            ids[change.prompt] = ids.pop(change.renamed_from)
            writer.rename(ids[change.prompt], change.renamed_from, change.prompt)
    by_action = {action: [c.prompt for c in performed.changes if c.action is action] for action in Action}
    writer.set_archived(by_action[Action.REVIVE], archived=False)
    writer.set_archived(by_action[Action.ARCHIVE], archived=True)
    created = _new_ids(writer, by_action[Action.CREATE], taken)
    ids |= created
    writer.insert_prompts({key: prompt for prompt, key in created.items()})
    rows = [
        VersionRows(
            ids[change.prompt],
            change,
            batch.contents[change.prompt],
            batch.manifests[change.prompt],
            registry.blobs,
            registry.actor,
            writer.now,
        )
        for change in _new_versions(performed)
    ]
    writer.insert_versions([row.version() for row in rows])
    writer.insert_assets([asset for row in rows for asset in row.assets()])
    if run_id is not None:
        writer.insert_sources([source_row(row.id, sources[row.change.path or ""], run_id) for row in rows])


def _confirm(
    writer: RegistryWriter,
    run_id: int,
    performed: Plan,
    before: Recorded,
    ids: Mapping[PromptId, UUID],
    confirmed: Mapping[PromptId, Provenance],
) -> None:
    """Record where heads from before were found now. `ids` are those after the plan was performed."""
    renamed = {change.prompt: change.renamed_from for change in performed.changes if change.renamed_from is not None}
    heads = {prompt: before.heads[renamed.get(prompt, prompt)] for prompt in confirmed}
    versions = {prompt: version_id(ids[prompt], head.revision, head.digest) for prompt, head in heads.items()}
    writer.insert_sources([source_row(versions[prompt], at, run_id) for prompt, at in confirmed.items()])


def _note_absences(
    writer: RegistryWriter, run_id: int, before: Recorded, ids: Mapping[PromptId, UUID], desired: Iterable[PromptId]
) -> None:
    """Record which prompts the commit has no valid file for, where that changed. `ids` are those after the changes."""
    absent = PromptRepository(writer.connection).absent()
    present = {ids[prompt] for prompt in desired}
    from_files = {ids[prompt] for prompt, head in before.heads.items() if head.from_file and prompt in ids}
    writer.begin_absences(from_files - present - absent, run_id)
    writer.end_absences(absent & present, run_id)


def _new_ids(writer: RegistryWriter, created: Sequence[PromptId], known: set[UUID] | None) -> dict[PromptId, UUID]:
    """The id of each new prompt; one whose name had another prompt, since renamed, gets the next generation.

    `known` are the ids there are; None if only the database knows.
    """
    ids: dict[PromptId, UUID] = {}
    generation, waiting = 0, list(created)
    while waiting:
        candidates = {prompt: prompt_id(prompt, generation) for prompt in waiting}
        taken = known if known is not None else writer.taken_ids(list(candidates.values()))
        ids |= {prompt: key for prompt, key in candidates.items() if key not in taken}
        waiting = [prompt for prompt, key in candidates.items() if key in taken]
        generation += 1
    return ids
