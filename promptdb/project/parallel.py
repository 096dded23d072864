"""A map over many files that uses the other cores, where that is safe and worth it.

Parsing is work in Python, which threads would do one at a time. Ten thousand files keep one core busy for seconds.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from promptdb.errors import StorageError

_T = TypeVar("_T")
_R = TypeVar("_R")

WORTH_IT = 1000
"""Items: fewer are done before other processes could help."""

_CHUNK = 250
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
        return map(function, items)
    return _in_processes(workers, function, items)


def _in_processes(workers: int, function: Callable[[_T], _R], items: Sequence[_T]) -> Iterator[_R]:
    from concurrent.futures import ProcessPoolExecutor  # here, since few commands need them
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    yield function(items[0])  # by ourselves: what it imports, the processes need not import again
    pool = ProcessPoolExecutor(workers, get_context("fork"), _end_with_the_parent, (os.getpid(),))
    try:
        inherited = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # by the processes: ^C is the parent's
        try:
            results = pool.map(function, items[1:], chunksize=_CHUNK)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, inherited)
        yield from results
    except BrokenProcessPool as error:
        message = "a process that read prompt files was killed"
        raise StorageError(message, "try again; memory may have run out") from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _end_with_the_parent(parent: int) -> None:
    """A process whose parent was killed would wait for work for ever (prctl(2), PR_SET_PDEATHSIG)."""
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was killed before we asked
        os.kill(os.getpid(), signal.SIGKILL)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
