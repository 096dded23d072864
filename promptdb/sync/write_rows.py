"""Writes the rows of one sync on the connection that holds the lock. Decides nothing."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from promptdb.db import notices
from promptdb.db.inserts import Row
from promptdb.db.notices import Notice
from promptdb.db.runs import APPLIED, RunRepository
from promptdb.db.writer import RegistryWriter
from promptdb.domain.aliases import AliasMove
from promptdb.domain.plan import Action, Change, Plan, Recorded
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.version_ids import prompt_id, version_id
from promptdb.domain.views import Provenance
from promptdb.project.view import Origin
from promptdb.registry.stores import Registry
from promptdb.sync.batch import Batch, new_versions
from promptdb.sync.version_rows import asset_row, source_row, version_row


def write_run(
    writer: RegistryWriter, actor: str, origin: Origin, performed: Plan, started: datetime, outcome: str = APPLIED
) -> int:
    """A run that was applied on a clean tree moves the head of its ref."""
    counts = {action.value: performed.count(action) for action in Action}
    run_id = writer.insert_run(
        {
            "root": origin.root,
            "git_ref": origin.git_ref,
            "commit_id": origin.commit_id,
            "is_dirty": origin.is_dirty,
            "outcome": outcome,
            "counts_json": json.dumps({**counts, "unchanged": performed.unchanged}),
            "created_by": actor,
            "started_at": started,
            "finished_at": writer.now,
        }
    )
    if outcome == APPLIED and origin.clean_commit is not None:
        writer.set_source_head(origin.root, origin.head_name, origin.clean_commit, run_id)
    return run_id


def write_versions(
    writer: RegistryWriter,
    registry: Registry,
    performed: Plan,
    ids: dict[PromptId, UUID],
    batch: Batch,
    sources: Mapping[str, Provenance],
    run_id: int | None,
) -> None:
    """Write what a plan does to prompts, and the new versions. `ids` become those after it."""
    for change in performed.changes:
        if change.action is Action.RENAME and change.renamed_from is not None:
            ids[change.prompt] = ids.pop(change.renamed_from)
            writer.rename(ids[change.prompt], change.renamed_from, change.prompt)
    by_action = {action: [c.prompt for c in performed.changes if c.action is action] for action in Action}
    writer.set_archived(by_action[Action.REVIVE], archived=False)
    writer.set_archived(by_action[Action.ARCHIVE], archived=True)
    created = _new_ids(writer, by_action[Action.CREATE])
    ids |= created
    writer.insert_prompts({key: prompt for prompt, key in created.items()})
    versions, assets, places = list[Row](), list[Row](), list[Row]()
    for change in new_versions(performed):
        prompt, content = change.prompt, batch.content(change.prompt)
        key = version_id(ids[prompt], change.revision or 1, content.digest)
        versions.append(version_row(key, ids[prompt], change.revision, content, registry.actor, writer.now))
        blobs = (batch.bundles[prompt], *content.assets)
        assets.extend(asset_row(key, blob, registry.blobs, writer.now) for blob in blobs)
        if run_id is not None:
            places.append(source_row(key, sources[change.path or ""], run_id))
    writer.insert_versions(versions)
    writer.insert_assets(assets)
    writer.insert_sources(places)


def confirm(
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


def note_absences(
    writer: RegistryWriter, run_id: int, before: Recorded, ids: Mapping[PromptId, UUID], desired: Iterable[PromptId]
) -> None:
    """Record which prompts the commit has no valid file for, where that changed. `ids` are those after the changes."""
    absent = RunRepository(writer.connection).absent()
    present = {ids[prompt] for prompt in desired}
    from_files = {ids[prompt] for prompt, head in before.heads.items() if head.from_file and prompt in ids}
    writer.begin_absences(from_files - present - absent, run_id)
    writer.end_absences(absent & present, run_id)


def announce(writer: RegistryWriter, changes: Iterable[Change], moves: Iterable[AliasMove] = ()) -> None:
    """Notify listeners of the prompts that answer differently from now on, under their old names too."""
    revisions: dict[PromptId, int | None] = {}
    aliases: dict[PromptId, set[str]] = {}
    for change in changes:
        revisions[change.prompt] = change.revision or revisions.get(change.prompt)
        if change.renamed_from is not None:
            revisions.setdefault(change.renamed_from, None)
    for move in moves:
        aliases.setdefault(move.prompt, set()).add(move.alias)
    told = sorted(revisions.keys() | aliases.keys())
    notices.send(
        writer.connection,
        [Notice(prompt, revisions.get(prompt), tuple(sorted(aliases.get(prompt, ())))) for prompt in told],
    )


def _new_ids(writer: RegistryWriter, created: Sequence[PromptId]) -> dict[PromptId, UUID]:
    """The id of each new prompt; one whose name had another prompt, since renamed, gets the next generation."""
    ids: dict[PromptId, UUID] = {}
    generation, waiting = 0, list(created)
    while waiting:
        candidates = {prompt: prompt_id(prompt, generation) for prompt in waiting}
        taken = writer.taken_ids(list(candidates.values()))
        ids |= {prompt: key for prompt, key in candidates.items() if key not in taken}
        waiting = [prompt for prompt, key in candidates.items() if key in taken]
        generation += 1
    return ids
