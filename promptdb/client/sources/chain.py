"""A live source with a snapshot that starts the client at once, and stands in for it while it fails.

These rules hold at each moment. The order of two states is that of their generations, within one registry.

1. The live source alone confirms answers. The snapshot does it once, at the start, where no lookup waits for the live source.
2. A definite answer of the live source wins, also one that there is no such prompt: the snapshot does not contradict it later.
3. While the live source fails, the snapshot answers only for references that the client does not have. Such an answer is late
   at once if the snapshot is older than the last state of the live source, and it is read again when that is back.
4. A snapshot that is newer than all that the client has replaces what it has, and evicts nothing. The live source is not
   believed while it is older than that.
5. A snapshot of another registry than that of the live source is not used. The log has one line about it.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import inf
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from promptdb.client.kept import MAX_KEPT
from promptdb.client.source import ABOUT_ONE_PROMPT, Source, TakenOver, WritableSource
from promptdb.domain.delivery import Changes, Generation, Origin
from promptdb.domain.refs import PromptRef
from promptdb.domain.views import PromptVersionView, StoredVersion
from promptdb.errors import InvalidRef, NotFound, PromptDBError, StorageError

if TYPE_CHECKING:
    from promptdb.service import PromptService

LOOK = 10.0
"""The least seconds between two looks for a newer snapshot, while the live source fails."""

_log = logging.getLogger("promptdb")
_T = TypeVar("_T")


class Chain:
    """A live source, and one at hand that stands in for it.

    Args:
        live: has generations.
        stand_in: answers from what it has, such as a snapshot.
    """

    is_at_hand = True

    def __init__(self, live: Source, stand_in: Source) -> None:
        self.name = f"{live.name},{stand_in.name}"
        self._live, self._stand_in = live, stand_in
        self._failure: PromptDBError | None = None
        """Why the live source cannot be asked, until its next answer to `changes`."""
        self._confirmed: Generation | None = None
        """The last state that the live source gave."""
        self._snapshot: Generation | None = None
        """The state of the stand-in, if it can be used."""
        self._floor: Generation | None = None
        """The state of the stand-in that the client has, until the live source gives one that is not older."""
        self._gone: dict[str, NotFound] = {}
        self._said = ""
        self._looked_at = -inf
        self._lock = Lock()

    # Changes

    def changes(self, since: Generation | None) -> Changes:
        """Ask the live source. At the start, the stand-in answers if it can.

        Raises:
            TakenOver: the live source fails, and there is a newer snapshot.
            StorageError: the live source fails, or is older than the snapshot.
        """
        if self._confirmed is None and since is None and self._looked() is not None:
            self._floor = self._snapshot
            return Changes(self._snapshot)
        try:
            found = self._live.changes(since)
            self._require_not_older(found.generation)
        except PromptDBError as error:
            self._failure = error
            if since is None:
                message = f"{error.message}; and no {self._stand_in.name} stands in: {self._said}"
                raise type(error)(message, error.hint) from error
            self._take_over(error, since)
            raise
        self._failure, self._confirmed, self._floor = None, found.generation, None
        self._require_same_registry()
        return replace(found, origin=Origin(self._live.name, is_at_hand=False))

    def _require_not_older(self, now: Generation | None) -> None:
        if _is_older(now, self._floor):
            message = f"the source {self._live.name!r} is older than the {self._stand_in.name}"
            raise StorageError(message, "does it serve a copy or a backup? publish a new snapshot, and restart")

    def _looked(self) -> Generation | None:
        """Look for a newer snapshot. Return the state of the stand-in, or None if it cannot be used."""
        self._looked_at = monotonic()
        try:
            self._snapshot = self._stand_in.changes(self._snapshot).generation
        except PromptDBError as error:
            # One that was refused leaves the one before.
            self._say(error.message)
        self._require_same_registry()
        return self._snapshot

    def _require_same_registry(self) -> None:
        one, other = self._snapshot, self._confirmed
        if one is not None and other is not None and one.registry != other.registry:
            self._snapshot = None
            self._say(f"it is of the registry {one.registry}, not {other.registry}")

    def _say(self, reason: str) -> None:
        if reason != self._said:
            self._said = reason
            _log.warning("the %s cannot stand in for the source %r: %s", self._stand_in.name, self._live.name, reason)

    def _take_over(self, failure: PromptDBError, since: Generation) -> None:
        if monotonic() - self._looked_at < LOOK:
            return
        state = self._looked()
        if _is_older(since, state) and state != self._floor:
            self._floor = state
            with self._lock:
                self._gone.clear()
            raise TakenOver(self._stand_in_find_many, failure)

    def wait(self, since: Generation | None, seconds: float, stopped: Callable[[], bool]) -> None:
        if self._confirmed is None:
            # The stand-in started the client: ask the live source now.
            return
        # A failure of a lookup ends the wait, since only `changes` finds out that the live source is back.
        self._asked(lambda: self._live.wait(since, seconds, lambda: stopped() or self._failure is not None))

    # Lookups

    def find(self, ref: PromptRef) -> StoredVersion:
        """Find a version in the live source; while it fails, and at the start, in the stand-in if it has it.

        Raises:
            NotFound: the live source says so.
            StorageError: the live source fails, and the stand-in does not have the version.
        """
        if self._confirmed is not None or (found := self._stood_in(ref)) is None:
            try:
                return self._named(self._asked(lambda: self._live.find(ref)), ref)
            except (*ABOUT_ONE_PROMPT, InvalidRef) as error:
                self._note_gone(ref, error)
                raise
            except PromptDBError:
                if (found := self._stood_in(ref)) is None:
                    raise
        return found

    def find_many(self, refs: Sequence[PromptRef]) -> list[StoredVersion | PromptDBError]:
        """Find versions in the live source alone; before its first answer, in the stand-in."""
        if self._confirmed is None and self._snapshot is not None:
            return self._stand_in_find_many(refs)
        found = self._asked(lambda: self._live.find_many(refs))
        for ref, one in zip(refs, found, strict=True):
            if isinstance(one, PromptDBError):
                self._note_gone(ref, one)
        return [
            one if isinstance(one, PromptDBError) else self._named(one, ref)
            for ref, one in zip(refs, found, strict=True)
        ]

    def find_all(self, alias: str, namespace: str | None) -> list[StoredVersion]:
        """Find versions as `find_many` does. While the live source fails, a stand-in that is not older answers."""
        if self._confirmed is not None:
            try:
                origin = Origin(self._live.name, is_at_hand=False)
                found = self._asked(lambda: self._live.find_all(alias, namespace))
                return [replace(one, origin=origin) for one in found]
            except PromptDBError:
                if self._snapshot is None or _is_older(self._snapshot, self._confirmed):
                    raise
        origin = self._origin()
        return [replace(one, origin=origin) for one in self._stand_in.find_all(alias, namespace)]

    def list_versions(self, prompt: str, limit: int | None = None) -> list[PromptVersionView]:
        # The stand-in does not have all of them.
        return self._live.list_versions(prompt, limit)

    def _asked(self, ask: Callable[[], _T]) -> _T:
        """Ask the live source, unless it fails."""
        if self._failure is not None:
            raise type(self._failure)(self._failure.message, self._failure.hint)
        try:
            return ask()
        except (*ABOUT_ONE_PROMPT, InvalidRef):
            raise
        except PromptDBError as error:
            self._failure = error
            raise

    def _named(self, found: StoredVersion, ref: PromptRef) -> StoredVersion:
        with self._lock:
            self._gone.pop(ref.text, None)
        return replace(found, origin=Origin(self._live.name, is_at_hand=False))

    def _note_gone(self, ref: PromptRef, error: PromptDBError) -> None:
        if isinstance(error, NotFound):
            with self._lock:
                while len(self._gone) >= MAX_KEPT:
                    del self._gone[next(iter(self._gone))]
                self._gone[ref.text] = error

    def _stood_in(self, ref: PromptRef) -> StoredVersion | None:
        if (gone := self._gone.get(ref.text)) is not None:
            raise type(gone)(gone.message, gone.hint)
        if self._snapshot is None:
            return None
        try:
            return replace(self._stand_in.find(ref), origin=self._origin())
        except PromptDBError:
            return None

    def _stand_in_find_many(self, refs: Sequence[PromptRef]) -> list[StoredVersion | PromptDBError]:
        origin = self._origin()
        found = self._stand_in.find_many(refs)
        return [one if isinstance(one, PromptDBError) else replace(one, origin=origin) for one in found]

    def _origin(self) -> Origin:
        is_late = _is_older(self._snapshot, self._confirmed)
        return Origin(self._stand_in.name, is_at_hand=True, is_late=is_late)

    def after_fork(self) -> None:
        self._lock = Lock()
        self._live.after_fork()
        self._stand_in.after_fork()

    def close(self) -> None:
        self._live.close()
        self._stand_in.close()


class WritableChain(Chain):
    """A chain whose live source is a registry."""

    _live: WritableSource

    @property
    def service(self) -> "PromptService":
        return self._live.service


def _is_older(one: Generation | None, other: Generation | None) -> bool:
    return one is not None and other is not None and one.registry == other.registry and one.number < other.number
