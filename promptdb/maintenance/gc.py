"""Removes blobs that no row names, also while syncs are running."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from promptdb.db.blob_references import named_among, named_blobs, version_count
from promptdb.db.checks.consistency import any_text
from promptdb.db.engine import reading, writing
from promptdb.db.registry_id import give_turn, registry_id
from promptdb.db.repository import chunks
from promptdb.domain.blob import StoredBlob
from promptdb.domain.digest import Digest
from promptdb.errors import Guard
from promptdb.progress import Progress
from promptdb.registry.asset_rows import doubtful_versions
from promptdb.registry.stores import Registry

_EXAMPLES = 10
_UPLOAD = timedelta(hours=1)
"""The longest time that an upload may take, whatever the grace period."""


@dataclass(frozen=True)
class CollectedGarbage:
    """Counts of `blobs` in the store. No row names `garbage`, nor `recent`, which is younger than the grace period.

    `unfinished` counts uploads. `refusal` is why nothing may be deleted, or None. In a dry run nothing is `deleted`.
    """

    blobs: int = 0
    bytes: int = 0
    garbage: int = 0
    garbage_bytes: int = 0
    recent: int = 0
    unfinished: int = 0
    examples: tuple[Digest, ...] = ()
    deleted: int = 0
    deleted_bytes: int = 0
    refusal: str | None = None


def collect_garbage(
    registry: Registry,
    grace: timedelta,
    max_delete: int,
    *,
    delete: bool = False,
    progress: Progress | None = None,
) -> CollectedGarbage:
    """Find the blobs that no row names and, with `delete`, remove them.

    Args:
        registry: the registry.
        grace: the age from which a blob may be removed. If the database was restored from a backup, newer blobs look like
            garbage until the next sync.
        max_delete: the percentage of all blobs that may be removed.
        delete: remove the garbage instead of counting it.
        progress: receives the number of removed blobs, and of all garbage.

    Raises:
        Guard: the store has blobs of other registries, rows were edited or removed, or `max_delete` would be exceeded. No
            blob was removed.
        LockTimeout, StorageError: a store failed. Every blob that was removed before was garbage.
    """
    now = datetime.now(UTC)
    with reading(registry.engine) as connection:
        key, versions = registry_id(connection), version_count(connection)
        with any_text(connection):
            named, doubtful = named_blobs(connection), list(doubtful_versions(connection))
    result, garbage = _look(registry, named, now - grace)
    unfinished_before = now - max(grace, _UPLOAD)
    result = replace(result, unfinished=registry.blobs.leftovers(unfinished_before))
    guard = _guard(registry.blobs.owners() - {key}, versions, doubtful, result, max_delete)
    if not delete:
        return replace(result, refusal=guard.message if guard is not None else None)
    if guard is not None:
        raise guard
    deleted, size = 0, 0
    for some in chunks(garbage):
        removed = _remove(registry, some)
        deleted, size = deleted + len(removed), size + sum(blob.size for blob in removed)
        if progress is not None:
            progress(deleted, len(garbage))
    registry.blobs.discard_leftovers(unfinished_before)
    return replace(result, deleted=deleted, deleted_bytes=size)


def _look(registry: Registry, named: Collection[Digest], before: datetime) -> tuple[CollectedGarbage, list[StoredBlob]]:
    blobs = size = recent = 0
    garbage = []
    for blob in registry.blobs.list():
        blobs += 1
        size += blob.size
        if blob.digest in named:
            continue
        if blob.modified <= before:
            garbage.append(blob)
        else:
            recent += 1
    examples = tuple(blob.digest for blob in garbage[:_EXAMPLES])
    garbage_size = sum(blob.size for blob in garbage)
    return CollectedGarbage(blobs, size, len(garbage), garbage_size, recent, examples=examples), garbage


def _guard(
    others: Collection[UUID], versions: int, doubtful: Sequence[str], found: CollectedGarbage, max_delete: int
) -> Guard | None:
    if others:
        shown = ", ".join(sorted(map(str, others)))
        return Guard(
            f"the store also has blobs of another registry ({shown}), whose rows are not in this database",
            "registries/ID in the store names it: give it its own store, or remove that mark if the registry no longer exists",
        )
    if doubtful:
        others_too = f" and {len(doubtful) - 1:,} more" if len(doubtful) > 1 else ""
        return Guard(
            f"rows of {doubtful[0]}{others_too} were edited or removed, so they no longer say which blobs are needed",
            "see: promptdb verify",
        )
    if found.garbage * 100 <= max_delete * found.blobs:
        return None
    if not versions:
        message = f"the database has no version, and the store has {found.blobs:,} blobs: the wrong database?"
    else:
        message = f"this would delete {found.garbage:,} of {found.blobs:,} blobs, more than {max_delete} %"
    hint = "was the database restored from an old backup? if it is right, pass --max-delete 100"
    return Guard(message, hint)


def _remove(registry: Registry, garbage: Sequence[StoredBlob]) -> list[StoredBlob]:
    # `registry.uploads` explains why no writer relies on a blob that is deleted here.
    while True:
        with writing(registry.engine) as connection:
            if give_turn(connection, to_gc=True):
                continue  # commits the turn before anything is deleted
            named = named_among(connection, [blob.digest for blob in garbage])
            removed = [blob for blob in garbage if blob.digest not in named]
            registry.blobs.delete([blob.digest for blob in removed])
            return removed
