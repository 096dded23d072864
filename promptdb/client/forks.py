"""The clients of a process, which begin again in a forked child."""

import os
from contextlib import suppress
from threading import RLock
from typing import Protocol
from weakref import WeakSet

LONGEST_CALL = 1.0
"""Seconds for which a fork waits for calls of SQLite. Lookups take a few milliseconds."""


class Forked(Protocol):
    """An object that begins again in a forked child."""

    def after_fork(self) -> None: ...


_LIVE: "WeakSet[Forked]" = WeakSet()


def in_each_child(one: Forked) -> None:
    """Call `after_fork` of an object in each child that the process forks, as long as the object lives."""
    _LIVE.add(one)


_sqlite_calls = RLock()


def sqlite_calls() -> RLock:
    """Return the lock to hold while SQLite is called, so that no other thread forks then.

    SQLite has locks for the whole process. A child would inherit them as they are, and wait without end for those that a
    thread of its parent holds.
    """
    return _sqlite_calls


def _before_fork() -> None:
    _sqlite_calls.acquire(timeout=LONGEST_CALL)


def _after_fork_in_parent() -> None:
    # Another thread has it if the fork did not wait for its end.
    with suppress(RuntimeError):
        _sqlite_calls.release()


def _after_fork_in_child() -> None:
    global _sqlite_calls
    _sqlite_calls = RLock()
    for one in list(_LIVE):
        one.after_fork()


# Nothing else happens in a parent, which also forks to start other programs.
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
