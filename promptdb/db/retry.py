"""Retries units of work after passing failures of the database."""

import time
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from secrets import SystemRandom
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import DBAPIError

from promptdb.db.driver_errors import fault_in
from promptdb.errors import LockTimeout, StorageError, Unreachable

# PostgreSQL restarts in less.
PATIENCE = 8.0
"""Seconds of retries after the first failure."""

# Then the address is probably wrong.
FIRST_PATIENCE = 2.0
"""The same if the server has never answered, from the start of the first attempt: that one may have waited for a timeout."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0  # seconds

# serialization_failure, deadlock_detected, admin_shutdown, crash_shutdown, cannot_connect_now
_TRANSIENT = ("40001", "40P01", "57P01", "57P02", "57P03")
_CONNECTION_EXCEPTION = "08"

_Arguments = ParamSpec("_Arguments")
_T = TypeVar("_T")
_is_inside: ContextVar[bool] = ContextVar("_is_inside", default=False)


def retried(work: Callable[_Arguments, _T]) -> Callable[_Arguments, _T]:
    """Decorate a function as a unit of work, which is retried as a whole. It may change nothing but the registry's stores.

    A unit that another unit calls is part of that one.
    """

    @wraps(work)
    def unit(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _T:
        if _is_inside.get():
            return work(*args, **kwargs)
        token = _is_inside.set(True)
        try:
            return again(lambda: work(*args, **kwargs))
        finally:
            _is_inside.reset(token)

    return unit


def again(work: Callable[[], _T]) -> _T:
    """Repeat the work until it succeeds, with growing pauses.

    Raises:
        StorageError, LockTimeout: it failed for a lasting reason, or for too long.
    """
    began, deadline, pause = time.monotonic(), None, _FIRST_PAUSE
    while True:
        try:
            return work()
        except (StorageError, LockTimeout) as error:
            now = time.monotonic()
            if deadline is None:
                deadline = began + min(PATIENCE, FIRST_PATIENCE) if isinstance(error, Unreachable) else now + PATIENCE
            if now >= deadline or not is_transient(error):
                raise
        time.sleep(pause * SystemRandom().uniform(0.5, 1))
        pause = min(2 * pause, _LONGEST_PAUSE)


def is_transient(error: BaseException) -> bool:
    """Check for a failure that may pass: a lost connection, a server that is down, or a conflict between transactions."""
    cause = error.__cause__
    original = cause.orig if isinstance(cause, DBAPIError) else cause
    # Errors of SQLite have no SQLSTATE, and never pass: `writing` has already waited for its lock.
    if original is None or not hasattr(original, "sqlstate"):
        return False
    state: str | None = original.sqlstate
    if state is not None:
        return state in _TRANSIENT or state.startswith(_CONNECTION_EXCEPTION)
    is_operational = any(kind.__name__ == "OperationalError" for kind in type(original).__mro__)
    return is_operational and fault_in(str(original)).waiting_helps
