"""Writes versions: look, decide, upload, lock, look again, write. No other module knows this protocol.

A writer uploads blobs before it takes the lock, so that they are durable before a row names them. It skips blobs that the store
already has. `gc` could delete such a blob in the meantime, because no row names it yet. The number `gc_turn` in the database
prevents that. It only grows. An even number is the turn of writers, an odd number is the turn of `gc`.

1. Before a writer looks at the store, it reads the number. If the number is odd, the writer makes it even and commits that.
2. `gc` deletes only while it holds the lock and the number is odd. If the number is even, `gc` makes it odd, commits that, and
   takes the lock again.
3. Once a writer holds the lock, it reads the number again. If the number has changed, the writer uploads all its blobs again.

The number changes only under the lock, so it stays odd during a deletion. For one writer, a deletion can happen at three times:

- Before the writer has an even number. The deletion is over by then, so the writer finds the blob missing and uploads it.
- After that, but before the writer has the lock. The number was odd during the deletion, so it has grown since the writer read
  it. Step 3 uploads the blob again, under the lock.
- After the writer has committed. `gc` then finds the rows, and keeps their blobs.

No step needs a cleanup: a process may be killed at any moment, and the number that it leaves is valid. One gap remains. If `gc`
loses its database connection during a deletion, that deletion ends without the lock. A number cannot prevent that.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

import sqlalchemy as sa

from promptdb.db.blob_references import newest_blob
from promptdb.db.engine import address, reading, writing
from promptdb.db.registry_id import gc_turn, give_turn, registry_id
from promptdb.db.retry import retried
from promptdb.errors import Guard
from promptdb.registry.stores import Registry

_TRIES = 3
"""The number of decisions outside the lock, before one is made inside it."""

Connect = Callable[[], AbstractContextManager[sa.Connection]]
"""Gives a connection to read on."""

_Seen = TypeVar("_Seen")
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Intended(Generic[_Result]):
    """A decision to write.

    `write` writes the rows on the connection that holds the lock. `upload` stores every blob that the rows name, and may be
    called twice. It is None if the rows name no blobs.
    """

    write: Callable[[sa.Connection], _Result]
    upload: Callable[[], None] | None = None


@retried
def upload_and_write(
    registry: Registry,
    look: Callable[[sa.Connection], _Seen],
    decide: Callable[[_Seen, Connect], Intended[_Result] | _Result],
) -> _Result:
    """Write a decision if the state behind it is still the same under the lock. Everything is written, or nothing.

    Args:
        registry: the registry to write to.
        look: reads everything that the decision depends on.
        decide: returns what to write, or the result if there is nothing to write. It may read, and writes nothing itself.

    Raises:
        Guard: as in `claim`.
        LockTimeout, StorageError: a store failed.
    """
    tries = 0
    while True:
        tries += 1
        with reading(registry.engine) as connection:
            before = look(connection)
        intended = decide(before, lambda: reading(registry.engine))
        if not isinstance(intended, Intended):
            return intended
        turn = None
        if intended.upload is not None:
            turn = _begin(registry)
            intended.upload()
        with writing(registry.engine) as connection:
            seen = look(connection)
            if seen != before:
                if tries < _TRIES:
                    continue
                # Other writers could be faster every time, and keep this one out forever.
                # It must not wait for a second connection: those of a pooler may all wait for this one's lock.
                intended, turn = decide(seen, lambda: nullcontext(connection)), None
                if not isinstance(intended, Intended):
                    return intended
            if intended.upload is not None and gc_turn(connection) != turn:
                claim(registry, connection)
                intended.upload()
            return intended.write(connection)


def claim(registry: Registry, connection: sa.Connection) -> None:
    """Mark the store as one of this registry, before the first upload.

    Raises:
        Guard: other registries use the store, and it lacks the blobs of this one.
        StorageError: a store failed.
    """
    key, blobs = registry_id(connection), registry.blobs
    owners = blobs.owners()
    if key in owners:
        return
    newest = newest_blob(connection) if owners else None
    if newest is not None and blobs.size(newest) is None:
        message = f"{blobs.place} is the blob store of other registries, and has no blobs of this one ({key})"
        raise Guard(message, "check the settings of the database and of the blob store; see: promptdb db doctor")
    blobs.claim(key, f"{address(connection.engine)}, since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n")
    if owners and registry.sharing is not None:
        registry.sharing(blobs.place, owners)


def _begin(registry: Registry) -> int:
    """Make it the turn of writers, and return the number."""
    with reading(registry.engine) as connection:
        claim(registry, connection)
        turn = gc_turn(connection)
    if turn % 2 == 0:
        return turn
    with writing(registry.engine) as connection:
        give_turn(connection, to_gc=False)
        return gc_turn(connection)
