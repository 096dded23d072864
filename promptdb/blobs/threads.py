"""Runs work that waits for a network or a disk in several threads, while its items are still being made."""

import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, as_completed, wait
from threading import Event
from typing import TypeVar

_T = TypeVar("_T")
_R = TypeVar("_R")


def in_threads(work: Callable[[_T, Event], _R], items: Iterable[_T], threads: int) -> Iterator[_R]:
    """Yield what the work returns for each item, in the order in which it ends. Raise its first error, which ends all of it.

    The caller's thread asks for the items. At most twice as many as there are threads are waiting or under way.

    Args:
        work: takes an item and an event, set once the rest is given up; long work looks at it now and then.
        items: may be made as they are asked for.
        threads: at most.
    """
    pool, stop = ThreadPoolExecutor(threads, "promptdb"), Event()
    waiting: set[Future[_R]] = set()
    try:
        for item in items:
            waiting.add(pool.submit(work, item, stop))
            if len(waiting) == 2 * threads:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        yield from (future.result() for future in as_completed(waiting))
    finally:
        stop.set()
        # ^C does not wait for a request that hangs.
        is_interrupted = isinstance(sys.exception(), KeyboardInterrupt | GeneratorExit)
        pool.shutdown(wait=not is_interrupted, cancel_futures=True)
