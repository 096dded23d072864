"""Writes the rows of one sync under the lock. Decides nothing."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import repeat
from uuid import UUID

from promptdb.blobs.store import BlobStore
from promptdb.db import notices
from promptdb.db.inserts import Row
from promptdb.db.notices import Notice
from promptdb.db.runs import APPLIED, RunRepository
from promptdb.db.writer import RegistryWriter
from promptdb.domain.aliases import AliasMove
from promptdb.domain.blob import object_key
from promptdb.domain.bundle import BundledAsset
from promptdb.domain.plan import Action, Change, Desired, Plan, Recorded
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.version_ids import prompt_id, version_id
from promptdb.domain.views import Provenance
from promptdb.domain.webhooks.events import sync_finished, version_created
from promptdb.project.view import Origin
from promptdb.registry.stores import Registry
from promptdb.sync.batch import Batch, new_versions


def write_run(
    writer: RegistryWriter, actor: str, origin: Origin, performed: Plan, started: datetime, outcome: str = APPLIED
) -> int:
    """Record a run. If it was applied and its tree is clean, move the head of its ref."""
    counts = {**{action.value: performed.count(action) for action in Action}, "unchanged": performed.unchanged}
    run_id = writer.insert_run(
        {
            "root": origin.root,
            "git_ref": origin.git_ref,
            "commit_id": origin.commit_id,
            "is_dirty": origin.is_dirty,
            "outcome": outcome,
            "counts_json": json.dumps(counts),
            "created_by": actor,
            "started_at": started,
            "finished_at": writer.now,
        }
    )
    if outcome == APPLIED and origin.clean_commit is not None:
        writer.set_source_head(origin.root, origin.head_name, origin.clean_commit, run_id)
    place = (outcome, origin.root, origin.git_ref, origin.commit_id, counts, actor)
    writer.promise([sync_finished(run_id, *place, is_dirty=origin.is_dirty)])
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
    """Write the changes of a plan, with the new versions. Updates `ids` to the prompts after the plan."""
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
        versions.append(
            {
                "id": key,
                "prompt_id": ids[prompt],
                "revision": change.revision,
                "user_version": content.user_version,
                "spec_json": content.canonical.decode(),
                "spec_hash": content.digest,
                "created_by": registry.actor,
                "created_at": writer.now,
            }
        )
        blobs = (batch.bundles[prompt], *content.assets)
        assets.extend(_asset_row(key, blob, registry.blobs, writer.now) for blob in blobs)
        if run_id is not None:
            places.append(_source_row(key, sources[change.path or ""], run_id))
    writer.insert_versions(versions)
    writer.insert_assets(assets)
    writer.insert_sources(places)
    names = [change.prompt for change in new_versions(performed)]
    commits = [place["commit_id"] for place in places] or [None] * len(names)
    writer.promise(map(version_created, names, versions, commits, repeat(run_id)))


def confirm(
    writer: RegistryWriter,
    run_id: int,
    performed: Plan,
    before: Recorded,
    ids: Mapping[PromptId, UUID],
    confirmed: Mapping[PromptId, Provenance],
) -> None:
    """Record the commits of heads that were recorded before their commits. `ids` are the ids after the plan."""
    renamed = {change.prompt: change.renamed_from for change in performed.changes if change.renamed_from is not None}
    heads = {prompt: before.heads[renamed.get(prompt, prompt)] for prompt in confirmed}
    versions = {prompt: version_id(ids[prompt], head.revision, head.digest) for prompt, head in heads.items()}
    writer.insert_sources([_source_row(versions[prompt], at, run_id) for prompt, at in confirmed.items()])


def note_reused(
    writer: RegistryWriter,
    run_id: int,
    performed: Plan,
    ids: Mapping[PromptId, UUID],
    desired: Mapping[PromptId, Desired],
    sources: Mapping[str, Provenance],
) -> None:
    """Record the earlier versions that this commit has, so that `git:` finds them and not the newest ones."""
    writer.insert_sources(
        [
            _source_row(
                version_id(ids[found.prompt], found.revision, desired[found.prompt].digest),
                sources[found.path or ""],
                run_id,
            )
            for found in performed.reused
        ]
    )


def note_absences(
    writer: RegistryWriter, run_id: int, before: Recorded, ids: Mapping[PromptId, UUID], desired: Iterable[PromptId]
) -> None:
    """Record the prompts that no longer have a valid file, and those that have one again. `ids` are the ids after the plan."""
    absent = RunRepository(writer.connection).absent()
    present = {ids[prompt] for prompt in desired}
    from_files = {ids[prompt] for prompt, head in before.heads.items() if head.from_file and prompt in ids}
    writer.begin_absences(from_files - present - absent, run_id)
    writer.end_absences(absent & present, run_id)


def announce(writer: RegistryWriter, changes: Iterable[Change], moves: Iterable[AliasMove] = ()) -> None:
    """Notify listeners of prompts that resolve differently from now on, under their old names too."""
    revisions: dict[PromptId, int | None] = {}
    aliases: dict[PromptId, set[str]] = {}
    for change in changes:
        revisions[change.prompt] = change.revision or revisions.get(change.prompt)
        if change.renamed_from is not None:
            revisions.setdefault(change.renamed_from, None)
    for move in moves:
        aliases.setdefault(move.prompt, set()).add(move.alias)
    changed = sorted(revisions.keys() | aliases.keys())
    notices.send(
        writer.connection,
        [Notice(prompt, revisions.get(prompt), tuple(sorted(aliases.get(prompt, ())))) for prompt in changed],
    )


def _new_ids(writer: RegistryWriter, created: Sequence[PromptId]) -> dict[PromptId, UUID]:
    # A renamed prompt keeps the id made from its old name, so a new prompt of that name takes the next generation.
    ids: dict[PromptId, UUID] = {}
    generation, waiting = 0, list(created)
    while waiting:
        candidates = {prompt: prompt_id(prompt, generation) for prompt in waiting}
        taken = writer.taken_ids(list(candidates.values()))
        ids |= {prompt: key for prompt, key in candidates.items() if key not in taken}
        waiting = [prompt for prompt, key in candidates.items() if key in taken]
        generation += 1
    return ids


def _asset_row(version: UUID, asset: BundledAsset, blobs: BlobStore, now: datetime) -> Row:
    return {
        "version_id": version,
        "kind": asset.kind,
        "storage_backend": blobs.backend,
        "bucket": blobs.bucket,
        "object_key": object_key(asset.digest),
        "content_type": asset.content_type,
        "byte_size": asset.size,
        "checksum_sha256": asset.digest.partition(":")[2],
        # Only a bundle has no path.
        "metadata_json": json.dumps({"path": asset.path} if asset.path else {}),
        "created_at": now,
    }


def _source_row(version: UUID, found: Provenance, run_id: int) -> Row:
    return {
        "version_id": version,
        "run_id": run_id,
        "path": found.path,
        "commit_id": found.commit_id,
        "branch": found.branch,
        "author": found.author,
        "committed_at": found.committed_at,
        "blob_id": found.blob_id,
        "is_dirty": found.is_dirty,
    }
