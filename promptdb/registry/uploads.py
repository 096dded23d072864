"""The way of every write of versions: look, decide, upload, lock, look again, write. No other module knows this protocol.

Blobs are durable before a row names them. A store keeps what it has, so that a writer may rely on a blob which no row names yet
and which `gc` deletes just then. One number in the database, `gc_turn`, which only grows, rules that out:

- A writer reads the number before it looks at the store. If it is odd, the writer makes it even, and commits that.
- `gc` deletes only while it holds the lock and the number is odd. If it is even, `gc` makes it odd, commits that, and takes the
  lock again.
- A writer that holds the lock stores all of its blobs again if the number is not the one it began with.

A writer began with an even number. If a blob was deleted since then, the number was odd at that moment, so it has grown, and
the writer sees that. Later deletions wait for the lock, and find the rows. Nothing has to be released: a process that is
killed, at whatever moment, leaves a number that is right. (A `gc` whose connection is lost within a deletion ends that deletion
without the lock. No number can prevent that.)
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Generic, TypeVar
from uuid import UUID

import sqlalchemy as sa

from promptdb.blobs.store import BlobStore
from promptdb.db.blob_references import newest_blob
from promptdb.db.engine import address, reading, writing
from promptdb.db.registry_id import gc_turn, give_turn, registry_id
from promptdb.db.retry import retried
from promptdb.errors import Guard
from promptdb.registry.stores import Registry

_TRIES = 3
"""A decision is made again outside of the lock as often as that, if others are faster; then inside."""

_Seen = TypeVar("_Seen")
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Intended(Generic[_Result]):
    """A decision to write.

    `upload` stores every blob that the rows will name; it may be called again. None where the rows name none.
    `write` writes the rows on the connection that holds the lock.
    """

    write: Callable[[sa.Connection], _Result]
    upload: Callable[[], None] | None = None


@retried
def upload_and_write(
    registry: Registry,
    look: Callable[[sa.Connection], _Seen],
    decide: Callable[[_Seen], Intended[_Result] | _Result],
) -> _Result:
    """Write what was decided, if what it was decided on is still so under the lock. All of it is written, or nothing.

    Args:
        registry: where to write.
        look: reads all that the decision depends on.
        decide: turns that into what to write, or into the result where nothing is to be written. It writes nothing itself.

    Raises:
        Guard: the store is that of other registries.
        LockTimeout, StorageError: a store failed.
    """
    for number in count(1):
        with reading(registry.engine) as connection:
            before = look(connection)
        intended = decide(before)
        if not isinstance(intended, Intended):
            return intended
        turn = None
        if intended.upload is not None:
            turn = _begin(registry)
            intended.upload()
        with writing(registry.engine) as connection:
            seen = look(connection)
            if seen != before:
                if number < _TRIES:
                    continue
                # Writers that are always faster must not keep this one out for ever.
                intended, turn = decide(seen), None
                if not isinstance(intended, Intended):
                    return intended
            if intended.upload is not None and gc_turn(connection) != turn:
                claim(registry, connection)
                intended.upload()
            return intended.write(connection)
    raise AssertionError("counting has no end")


def claim(registry: Registry, connection: sa.Connection) -> None:
    """Note in the store whose blobs it has, before the first one is uploaded.

    Raises:
        Guard: the store is that of other registries.
        StorageError: a store failed.
    """
    key, blobs = registry_id(connection), registry.blobs
    owners = blobs.owners()
    if key in owners:
        return
    if owners:
        _require_own(connection, blobs, key)
    blobs.claim(key, f"{address(connection.engine)}, since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n")
    if owners and registry.sharing is not None:
        registry.sharing(blobs.place, owners)


def _begin(registry: Registry) -> int:
    """The number of the turn, which is that of writers."""
    with reading(registry.engine) as connection:
        claim(registry, connection)
        turn = gc_turn(connection)
    if turn % 2 == 0:
        return turn
    with writing(registry.engine) as connection:
        give_turn(connection, to_gc=False)
        return gc_turn(connection)


def _require_own(connection: sa.Connection, blobs: BlobStore, key: UUID) -> None:
    """
    Raises:
        Guard: the registry has versions, and their blobs are not in this store.
    """
    newest = newest_blob(connection)
    if newest is not None and blobs.size(newest) is None:
        message = f"{blobs.place} is the blob store of other registries, and has no blobs of this one ({key})"
        raise Guard(message, "check the settings of the database and of the blob store; see: promptdb db doctor")
