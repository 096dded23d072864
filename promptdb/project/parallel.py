"""Maps a function over many files on several cores, where that is safe and faster.

Python parses in one thread at a time, so that ten thousand files keep one core busy for seconds. Processes use all cores.
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
"""The smallest number of items for which starting processes pays off."""

_CHUNK = 250
_PR_SET_PDEATHSIG = 1


def ordered_map(function: Callable[[_T], _R], items: Sequence[_T]) -> Iterator[_R]:
    """Map a function over items, and keep their order. The function, its argument and its result must be picklable.

    Raises:
        StorageError: a worker process was killed.
    """
    # Forking starts workers fast, but a fork copies locks that other threads hold: so only with one thread, and on Linux.
    if len(items) < WORTH_IT or sys.platform != "linux" or threading.active_count() > 1:
        return map(function, items)
    workers = min(len(os.sched_getaffinity(0)), 8)
    return _in_processes(workers, function, items) if workers > 1 else map(function, items)


def _in_processes(workers: int, function: Callable[[_T], _R], items: Sequence[_T]) -> Iterator[_R]:
    # Few commands need these.
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    # The first item loads modules before the fork, so that no worker imports them again.
    yield function(items[0])
    pool = ProcessPoolExecutor(workers, get_context("fork"), _end_with_the_parent, (os.getpid(),))
    try:
        # Workers inherit the mask: only the parent handles ^C.
        inherited = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            results = pool.map(function, items[1:], chunksize=_CHUNK)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, inherited)
        yield from results
        # A pool that is still ending when Python exits may print an error.
        pool.shutdown()
    except BrokenProcessPool as error:
        message = "a process that read prompt files was killed"
        raise StorageError(message, "try again; memory may have run out") from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _end_with_the_parent(parent: int) -> None:
    import ctypes

    # A worker whose parent was killed would wait for work forever: prctl(2), PR_SET_PDEATHSIG.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # The parent may have been killed before that call.
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
