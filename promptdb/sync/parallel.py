"""A map over many files that uses the other cores, where that is safe and worth it."""

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TypeVar

from promptdb.errors import StorageError

_T = TypeVar("_T")
_R = TypeVar("_R")

WORTH_IT = 1000
"""Items: fewer are done before other processes could help."""

_CHUNK = 100
_PR_SET_PDEATHSIG = 1


def ordered_map(function: Callable[[_T], _R], items: Sequence[_T]) -> Iterator[_R]:
    """The results in the order of the items. `function` and what it takes and returns can be pickled.

    Processes are forked, which is quick, and safe only while no other thread holds a lock: so on Linux, in a process of one
    thread. Elsewhere the work is done right here.

    Raises:
        StorageError: one of the processes was killed.
    """
    workers = min(_cores(), 8)
    if len(items) < WORTH_IT or workers < 2 or sys.platform != "linux" or threading.active_count() > 1:
        yield from map(function, items)
        return
    pool = ProcessPoolExecutor(workers, get_context("fork"), _end_with_the_parent)
    try:
        before = signal.pthread_sigmask(
            signal.SIG_BLOCK, {signal.SIGINT}
        )  # the processes inherit it: ^C is the parent's
        try:
            results = pool.map(function, items, chunksize=_CHUNK)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        yield from results
    except BrokenProcessPool as error:
        raise StorageError(
            "a process that read prompt files was killed", "try again; memory may have run out"
        ) from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _end_with_the_parent() -> None:
    """A process whose parent was killed would wait for work for ever (prctl(2), PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
