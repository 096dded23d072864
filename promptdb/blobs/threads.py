"""Runs work that waits for a network or a disk in several threads, while its items are still being made."""

import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from threading import Event, Thread
from typing import TypeVar

_T = TypeVar("_T")
_R = TypeVar("_R")


def in_threads(work: Callable[[_T, Event], _R], items: Iterable[_T], threads: int) -> Iterator[_R]:
    """Yield the results of the work, one for each item, in the order in which they are ready.

    The caller's thread iterates over the items. At most two items per thread are waiting or in progress. The first error of
    the work is raised, and ends the rest. ^C waits for no thread.

    Args:
        work: takes an item, and an event that is set once the rest is given up. Long work checks it now and then.
        items: may be made on demand.
        threads: the most to start.
    """
    stop = Event()
    tasks: SimpleQueue[Callable[[], _R] | None] = SimpleQueue()
    results: SimpleQueue[Future[_R]] = SimpleQueue()
    started: list[Thread] = []

    def run_tasks() -> None:
        while (task := tasks.get()) is not None and not stop.is_set():
            result: Future[_R] = Future()
            try:
                result.set_result(task())
            except BaseException as error:  # noqa: BLE001  raised again in the caller's thread
                result.set_exception(error)
            results.put(result)

    unfinished = 0
    try:
        for item in items:
            tasks.put(partial(work, item, stop))
            unfinished += 1
            if len(started) < threads:
                # Daemons, unlike the threads of a ThreadPoolExecutor: the interpreter would join those as it exits, and
                # wait for a request that hangs until it times out.
                started.append(Thread(target=run_tasks, name=f"promptdb-{len(started)}", daemon=True))
                started[-1].start()
            if unfinished == 2 * threads:
                yield results.get().result()
                unfinished -= 1
        for _ in range(unfinished):
            yield results.get().result()
    finally:
        stop.set()
        for _ in started:
            tasks.put(None)
        if not isinstance(sys.exception(), KeyboardInterrupt | GeneratorExit):
            for thread in started:
                thread.join()
