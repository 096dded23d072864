"""Answers lookups from memory, and confirms the answers with the source in the background."""

import logging
import random
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from math import inf
from threading import Event, Lock, Thread
from time import monotonic

from promptdb.client.forks import in_each_child
from promptdb.client.health import Health
from promptdb.client.kept import MAX_KEPT, Kept, Lease, keep, refs_of
from promptdb.client.renewed import renewed, replaced
from promptdb.client.source import ABOUT_ONE_PROMPT, Source, news_of
from promptdb.domain.delivery import Generation, Origin
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import PromptRef
from promptdb.domain.views import StoredVersion
from promptdb.errors import PromptDBError
from promptdb.render.resolved import PromptMaker, ResolvedPrompt

_log = logging.getLogger("promptdb")


class Lookups:
    """The answers of one source.

    One thread asks the source what has changed, so that a process makes one request, however many prompts it uses. A lookup
    waits for the source only if its answer is not kept.

    Args:
        source: the place that prompts come from.
        ttl: the seconds for which an answer counts as fresh.
        max_stale: the seconds for which it is served while the source fails; None for no limit.
        make: makes the prompt of an answer.
    """

    def __init__(self, source: Source, ttl: float, max_stale: float | None, make: PromptMaker = ResolvedPrompt) -> None:
        self._source, self._ttl, self._max_stale, self._make = source, ttl, max_stale, make
        self._origin = Origin(source.name, source.is_at_hand)
        self._kept: dict[str, Kept] = {}
        self._lease = Lease()
        self._generation: Generation | None = None
        self._renewals = 0
        self._warned: set[PromptId] = set()
        self.health = Health(source.name)
        self._begin()
        in_each_child(self)

    def _begin(self) -> None:
        """Make everything that belongs to one process: locks, the thread, and requests on their way."""
        self._lock, self._confirming = Lock(), Lock()
        self._flights: dict[str, Future[Kept]] = {}
        self._thread: Thread | None = None
        self._stopped = Event()

    def after_fork(self) -> None:
        """Begin again in a forked child, with the answers that the parent had and their age."""
        stopped = self._stopped.is_set()
        self._begin()
        if stopped:
            self._stopped.set()
        self.health.after_fork()
        # The next lookup starts the thread, which the child does not have.
        self._lease.until = -inf
        self._source.after_fork()

    def at_hand(self, text: str) -> ResolvedPrompt | None:
        """Answer a reference without waiting for the source. Return None if the answer is not kept, or too old."""
        kept = self._kept.get(text)
        if kept is None:
            return None
        if monotonic() < kept.lease.until:
            return kept.cached or kept.again()
        return self._old(kept)

    def at_hand_for(self, text: str, key: str) -> ResolvedPrompt | None:
        """Answer as `at_hand` does, for a key."""
        kept = self._kept.get(text)
        if kept is None:
            return None
        if monotonic() < kept.lease.until:
            return kept.arms.find(key) if kept.arms is not None else kept.again(key)
        return self._old(kept, key)

    def _old(self, kept: Kept, key: str | None = None) -> ResolvedPrompt | None:
        self.start()
        age = kept.age()
        if age < self._ttl and not kept.is_late:
            return kept.again(key)
        return kept.late(key) if self._max_stale is None or age <= self._max_stale else None

    def age(self) -> float:
        """Count the seconds since the source confirmed all answers that can change. Infinite before the first time."""
        return monotonic() - self._lease.confirmed_at

    def start(self) -> None:
        """Start the thread, unless it runs."""
        if self._is_running():
            return
        with self._lock:
            if not self._is_running() and not self._stopped.is_set():
                self._thread = Thread(target=self._run, name="promptdb", daemon=True)
                # A process may have all the threads that it can. Memory still answers, and the next lookup tries again.
                with suppress(RuntimeError):
                    self._thread.start()

    def _is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def close(self) -> None:
        """Stop the thread. Answers that are kept are still served."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    # Answers that are not kept

    def fetch(self, text: str, key: str | None = None) -> ResolvedPrompt:
        """Ask the source for a reference. Callers that ask for the same one at the same time share one request.

        Raises:
            InvalidRef: the text is not a reference.
            NotFound: there is no such prompt or version.
            StorageError: the source fails.
        """
        ref = PromptRef.parse(text)
        while True:
            with self._lock:
                flight = self._flights.get(text)
                if flight is None:
                    mine = self._flights[text] = Future[Kept]()
                    break
            try:
                return flight.result().first(key)
            except CancelledError:
                continue  # its caller was interrupted: ask again
        try:
            kept = self._ask([ref])[0]
            if isinstance(kept, PromptDBError):
                raise kept
            is_late = self._source.is_at_hand and (kept.is_late or kept.age() >= self._ttl)
            found = kept.late(key) if is_late else kept.first(key)
            mine.set_result(kept)
            return found
        except PromptDBError as error:
            mine.set_exception(error)
            raise
        finally:
            mine.cancel()
            with self._lock:
                self._flights.pop(text, None)

    def fetch_many(self, texts: list[str], key: str | None = None) -> dict[str, ResolvedPrompt]:
        """Ask the source for several references in one request. `fetch` has the errors of those that are left out."""
        try:
            answers = self._ask([PromptRef.parse(text) for text in texts])
        except PromptDBError:
            if not self._source.is_at_hand:
                raise
            answers = []
        return {kept.ref.text: kept.first(key) for kept in answers if isinstance(kept, Kept)}

    def _ask(self, refs: list[PromptRef]) -> list[Kept | PromptDBError]:
        self._require_source()
        are_pinned = all(ref.is_pinned for ref in refs)
        try:
            if self._lease.confirmed_at == -inf and (self._source.is_at_hand or not are_pinned):
                self._confirm()
                self.health.answered()
            answers = self._find(refs, are_pinned=are_pinned)
        except ABOUT_ONE_PROMPT:
            self._found()
            raise
        except PromptDBError as error:
            self._failed(error)
            raise
        self._found()
        if not are_pinned:
            self.start()
        for kept in answers:
            if isinstance(kept, Kept):
                self._warn_of_rename(kept.ref, kept.stored.view.prompt)
        return answers

    def _require_source(self) -> None:
        if not self._source.is_at_hand or self._lease.confirmed_at == -inf:
            # A source that fails would make each of these calls wait for its timeouts.
            self.health.require_attempt()
        elif self._max_stale is not None and monotonic() - self._lease.confirmed_at > self._max_stale:
            raise self.health.failure()

    def _found(self) -> None:
        # An answer at hand says nothing about the place that it came from.
        if not self._source.is_at_hand:
            self.health.answered()

    def _failed(self, error: PromptDBError) -> None:
        serves = bool(self._kept) or (self._source.is_at_hand and self._lease.confirmed_at > -inf)
        self.health.failed(error, has_answers=serves)
        self.start()  # it notices when the source is back

    def _warn_of_rename(self, ref: PromptRef, now: PromptId) -> None:
        if now != ref.prompt and ref.prompt not in self._warned:
            self._warned.add(ref.prompt)
            _log.warning("prompt %s is now %s: use the new name", ref.prompt, now)

    def _find(self, refs: list[PromptRef], *, are_pinned: bool) -> list[Kept | PromptDBError]:
        while True:
            renewals = self._renewals
            many = len(refs) > 1
            found = self._source.find_many(refs) if many else [self._source.find(refs[0])]
            answers = [
                one if isinstance(one, PromptDBError) else self._keep(ref, one)
                for ref, one in zip(refs, found, strict=True)
            ]
            with self._lock:
                # Otherwise the thread confirms all answers without these, which may be older than the changes it found.
                if are_pinned or renewals == self._renewals:
                    for kept in answers:
                        if isinstance(kept, Kept):
                            while len(self._kept) >= MAX_KEPT:
                                del self._kept[next(iter(self._kept))]
                            self._kept[kept.ref.text] = kept
                    return answers

    def _keep(self, ref: PromptRef, stored: StoredVersion) -> Kept:
        return keep(ref, stored, self._origin, self._lease, self._make)

    def preload(self, alias: str, namespace: str | None) -> int:
        """Keep the version of an alias for many prompts. Raise StorageError if the source fails."""
        self._require_source()
        try:
            if self._lease.confirmed_at == -inf:
                self._confirm()
            with self._confirming:  # so that no change is confirmed meanwhile without these
                found = self._source.find_all(alias, namespace)
                refs = refs_of(found, alias)
                with self._lock:
                    self._kept.update({ref.text: self._keep(ref, stored) for ref, stored in refs})
        except PromptDBError as error:
            if not isinstance(error, ABOUT_ONE_PROMPT):
                self._failed(error)
            raise
        self._found()
        self.start()
        return len(found)

    def confirm(self) -> None:
        """Ask the source at once what has changed, after a change of one's own. Raise nothing if the source fails."""
        if self._lease.confirmed_at == -inf:
            return
        try:
            self._confirm()
        except PromptDBError as error:
            self._failed(error)

    # The thread

    def _run(self) -> None:
        def is_over() -> bool:
            # A source that has failed is fresh again with its first answer, and not at the end of a wait.
            return self._stopped.is_set() or self.health.is_failing

        while not self._stopped.is_set():
            try:
                left = self._lease.until - monotonic()
                if left > 0 and not is_over():
                    self._source.wait(self._generation, left * random.uniform(0.5, 0.8), is_over)  # noqa: S311
                if not self._stopped.wait(self.health.pause()):
                    self._confirm()
                    self.health.answered()
            except PromptDBError as error:
                self._failed(error)
            except Exception as error:  # noqa: BLE001
                # A thread that ends would be started by each lookup, and end again.
                self._failed(self.health.unexpected(error))

    def _confirm(self) -> None:
        """Ask what has changed, and replace what did: all of it, or nothing if the source fails."""
        # One at a time, so that an older answer never replaces a newer one.
        with self._confirming:
            asked_at = monotonic()
            changes, find_many, failure = news_of(self._source, self._generation)
            with self._lock:
                if changes.prompts is None or changes.generation != self._generation:
                    self._renewals += 1
                kept = list(self._kept.values())
            new = renewed(find_many, kept, changes, self._keep, evicts=failure is None)
            with self._lock:
                # Another dictionary, so that no lookup sees a part of it.
                self._kept, said = replaced(self._kept, new)
                if failure is None:
                    self._generation = changes.generation
                    self._lease.confirmed_at, self._lease.until = asked_at, asked_at + self._ttl
        if said:
            self.health.report(said)
        if failure is not None:
            raise failure
