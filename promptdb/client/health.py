"""The state of a client's source, what the log and the application hear of it, and when to ask again."""

import logging
import random
import sys
from collections.abc import Callable
from math import inf
from threading import Event, Lock
from time import monotonic

from promptdb.domain.delivery import ClientChange, Status
from promptdb.errors import PromptDBError, StorageError

_log = logging.getLogger("promptdb")

FIRST_RETRY = 1.0
LAST_RETRY = 2.0
"""Seconds from a failure to the next attempt, doubled each time. Up to a half is taken off, so that processes spread.

The last is short: after a long outage, applications are fresh again within two seconds. An attempt is one connection.
"""

Listener = Callable[[ClientChange], None]


class Health:
    """The state of one source as its client sees it. One line goes to the logger `promptdb` at each change, none per call."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.status = Status.NOT_READY
        self.listeners: list[Listener] = []
        self._error: PromptDBError = StorageError(f"the source {source!r} has not answered yet")
        self._failures = 0
        self._retry_at = -inf
        self.after_fork()

    def after_fork(self) -> None:
        self._lock = Lock()
        self._settled = Event()
        if self.status in (Status.READY, Status.STALE):
            self._settled.set()

    @property
    def is_failing(self) -> bool:
        """True from a failure to the next answer."""
        return self._failures > 0

    def pause(self) -> float:
        """Count the seconds until the next attempt."""
        return max(0.0, self._retry_at - monotonic())

    def require_attempt(self) -> None:
        """Raise the last failure, unless it is time for the next attempt. One caller makes it, as it may wait for a timeout."""
        if not self.is_failing:
            return
        with self._lock:
            if self.pause() == 0:
                self._retry_at = monotonic() + LAST_RETRY
                return
        raise self.failure()

    def failure(self) -> PromptDBError:
        """Make an error of the last failure, for one more caller."""
        return type(self._error)(self._error.message, self._error.hint)

    def answered(self) -> None:
        self._failures, self._retry_at = 0, -inf
        self._set(Status.READY)

    def failed(self, error: PromptDBError, *, has_answers: bool) -> None:
        """Note a failure, and choose the time of the next attempt."""
        self._error = error
        if not has_answers:
            # Only an outage may pass by itself.
            self._settled.clear() if isinstance(error, StorageError) else self._settled.set()
        if self.pause() > 0:
            return
        delay = min(FIRST_RETRY * 2.0 ** min(self._failures, 10), LAST_RETRY) * random.uniform(0.5, 1.0)  # noqa: S311
        self._failures += 1
        self._retry_at = monotonic() + delay
        self._set(Status.STALE if has_answers else Status.ERROR)

    def wait(self, seconds: float) -> None:
        """Wait until there is something to serve, also through an outage.

        Raises:
            PromptDBError: the source still failed at the end, or failed for a reason that does not pass by itself.
        """
        is_settled = self._settled.wait(seconds)
        if self.status is Status.ERROR:
            raise self.failure()
        if not is_settled:
            raise StorageError(f"the source {self.source!r} did not answer within {seconds:g} s", "is it reachable?")

    def report(self, refs: tuple[str, ...] = ()) -> None:
        """Report the status, and references that give another version now, to those who listen."""
        outer = sys.exception()
        for listener in tuple(self.listeners):
            try:
                listener(ClientChange(self.status, refs))
            except Exception as error:  # noqa: BLE001
                # It is the application's, and must not end the thread that keeps its prompts fresh.
                _log.exception("a listener for changes failed", exc_info=_without(outer, error))

    def unexpected(self, error: Exception) -> StorageError:
        """Make a failure of the source of an error that no source should raise. The log has its traceback, once."""
        if not self.is_failing:
            _log.error("the source %r failed in an unexpected way", self.source, exc_info=error)
        message = f"the source {self.source!r} failed in an unexpected way: {type(error).__name__}: {error}"
        return StorageError(message, "this is a defect of promptdb or of its environment; the log has the traceback")

    def _set(self, status: Status) -> None:
        with self._lock:
            before, self.status = self.status, status
        if status is not Status.ERROR:
            self._settled.set()
        if status is before:
            return
        if status is not Status.READY:
            served = "serves the prompts it has" if status is Status.STALE else "has no prompts to serve"
            _log.warning("the source %r fails; the client %s: %s", self.source, served, self._error.message)
        elif before is not Status.NOT_READY:
            _log.warning("the source %r answers again", self.source)
        self.report()


def _without(outer: BaseException | None, error: Exception) -> Exception:
    """Cut the failure that a listener was called for off the errors before its own. It has nothing to do with them."""
    one: BaseException = error
    while one.__context__ is not None and one.__context__ is not outer:
        one = one.__context__
    one.__context__ = None
    return error
