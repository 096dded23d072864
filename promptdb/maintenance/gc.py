"""`gc`: removes blobs that no row names, also while syncs go on."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
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
"""An upload may be going on for that long, whatever the grace period."""


@dataclass(frozen=True)
class CollectedGarbage:
    """Of all `blobs` in the store, `garbage` are those that no row names and that are older than the grace period, `recent`
    those that no row names and that are not. `deleted` and `deleted_bytes` are 0 in a dry run. `refusal` says why nothing may
    be deleted, None if it may.
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


@dataclass
class _Found:
    """What is in the store."""

    blobs: int = 0
    bytes: int = 0
    recent: int = 0
    garbage: list[StoredBlob] = field(default_factory=list)


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
        registry: whose blobs.
        grace: how old a blob must be; what a database lacks that was restored from a backup looks like garbage, too.
        max_delete: percent of all blobs that may be removed.
        delete: do it.
        progress: is told how many of how many are removed.

    Raises:
        Guard: the store has blobs of other registries, rows were edited or removed, or it would be too much. No blob was
            removed.
        LockTimeout, StorageError: a store failed. What was removed until then was garbage.
    """
    now = datetime.now(UTC)
    with reading(registry.engine) as connection:
        key, versions = registry_id(connection), version_count(connection)
        with any_text(connection):
            named, doubtful = named_blobs(connection), list(doubtful_versions(connection))
    found = _look(registry, named, now - grace)
    unfinished_before = now - max(grace, _UPLOAD)
    result = CollectedGarbage(
        found.blobs,
        found.bytes,
        len(found.garbage),
        sum(blob.size for blob in found.garbage),
        found.recent,
        registry.blobs.leftovers(unfinished_before),
        tuple(blob.digest for blob in found.garbage[:_EXAMPLES]),
    )
    guard = _guard(registry.blobs.owners() - {key}, versions, doubtful, result, max_delete)
    if not delete:
        return replace(result, refusal=guard.message if guard is not None else None)
    if guard is not None:
        raise guard
    deleted, size = 0, 0
    for some in chunks(found.garbage):
        removed = _remove(registry, some)
        deleted, size = deleted + len(removed), size + sum(blob.size for blob in removed)
        if progress is not None:
            progress(deleted, len(found.garbage))
    registry.blobs.discard_leftovers(unfinished_before)
    return replace(result, deleted=deleted, deleted_bytes=size)


def _look(registry: Registry, named: Collection[Digest], before: datetime) -> _Found:
    found = _Found()
    for blob in registry.blobs.list():
        found.blobs += 1
        found.bytes += blob.size
        if blob.digest in named:
            continue
        if blob.modified <= before:
            found.garbage.append(blob)
        else:
            found.recent += 1
    return found


def _guard(
    others: Collection[UUID], versions: int, doubtful: Sequence[str], found: CollectedGarbage, max_delete: int
) -> Guard | None:
    if others:
        shown = ", ".join(sorted(map(str, others)))
        return Guard(
            f"the store has blobs of another registry too ({shown}), whose rows are not in this database",
            "registries/ID in the store says which one: give it a store of its own, or remove that mark if it is gone for good",
        )
    if doubtful:
        others_too = f" and {len(doubtful) - 1:,} more" if len(doubtful) > 1 else ""
        return Guard(
            f"rows of {doubtful[0]}{others_too} were edited or removed, so that nobody knows which blobs are needed",
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
    """Delete what is still garbage. `sync.uploads` says why no writer goes on to rely on it."""
    while True:
        with writing(registry.engine) as connection:
            if give_turn(connection, to_gc=True):
                continue  # to commit that before anything is deleted
            named = named_among(connection, [blob.digest for blob in garbage])
            removed = [blob for blob in garbage if blob.digest not in named]
            registry.blobs.delete([blob.digest for blob in removed])
            return removed
