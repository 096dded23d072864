"""The clients of a process, which begin again in a forked child."""

import os
from typing import Protocol
from weakref import WeakSet


class Forked(Protocol):
    """An object that begins again in a forked child."""

    def after_fork(self) -> None: ...


_LIVE: "WeakSet[Forked]" = WeakSet()


def in_each_child(one: Forked) -> None:
    """Call `after_fork` of an object in each child that the process forks, as long as the object lives."""
    _LIVE.add(one)


def _after_fork() -> None:
    for one in list(_LIVE):
        one.after_fork()


# Only in the child: a hook before the fork would stop the parent, which also forks to start other programs.
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_after_fork)
