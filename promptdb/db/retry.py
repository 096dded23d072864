"""Doing a unit of work again where the database says that it may work the second time."""

import time
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from itertools import count
from secrets import SystemRandom
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import DBAPIError

from promptdb.db.driver_errors import fault_in
from promptdb.errors import LockTimeout, StorageError, Unreachable

PATIENCE = 8.0
"""Seconds from the first failure on, after which it is told. PostgreSQL restarts in less."""

FIRST_PATIENCE = 2.0
"""The same where nothing has ever answered: then the address is wrong, more often than not."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
"""Seconds."""

_TRANSIENT = ("40001", "40P01", "57P01", "57P02", "57P03")
"""serialization_failure, deadlock_detected, admin_shutdown, crash_shutdown, cannot_connect_now."""

_CONNECTION_EXCEPTION = "08"

_Arguments = ParamSpec("_Arguments")
_T = TypeVar("_T")
_is_inside: ContextVar[bool] = ContextVar("_is_inside", default=False)


def retried(work: Callable[_Arguments, _T]) -> Callable[_Arguments, _T]:
    """Decorate a unit of work: what reads, decides and writes. It changes nothing but the database, and may run twice.

    A unit that is called inside another one is part of it.
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
    """Work until it is done, with pauses that grow, for `PATIENCE` seconds after it first failed, or `FIRST_PATIENCE`.

    Raises:
        StorageError, LockTimeout: it failed for good, or for too long.
    """
    deadline = None
    for number in count():
        try:
            return work()
        except (StorageError, LockTimeout) as error:
            now = time.monotonic()
            if deadline is None:
                deadline = now + min(PATIENCE, FIRST_PATIENCE if isinstance(error, Unreachable) else PATIENCE)
            if now >= deadline or not is_transient(error):
                raise
        pause = min(_FIRST_PAUSE * 2**number, _LONGEST_PAUSE)
        time.sleep(pause * SystemRandom().uniform(0.5, 1))
    raise AssertionError("counting has no end")


def is_transient(error: BaseException) -> bool:
    """Whether the cause of an error is a lost connection, a server that is not up, or a transaction that met another one.

    Only PostgreSQL has such causes: SQLite's lock is waited for where it is taken.
    """
    cause = error.__cause__
    original = cause.orig if isinstance(cause, DBAPIError) else cause
    if original is None or not hasattr(original, "sqlstate"):
        return False
    state: str | None = original.sqlstate
    if state is not None:
        return state in _TRANSIENT or state.startswith(_CONNECTION_EXCEPTION)
    is_operational = any(kind.__name__ == "OperationalError" for kind in type(original).__mro__)
    return is_operational and fault_in(str(original)).waiting_helps
