"""Work that waits for a network, done by a few threads while its items are still being made."""

import time
from collections.abc import Callable, Iterable
from queue import SimpleQueue
from threading import Event, Semaphore, Thread
from typing import TypeVar

_T = TypeVar("_T")

_GRACE = 1.0
"""Seconds that work which is given up may take to end."""


class GivenUp(Exception):
    """Raised inside of work that nobody waits for any more."""


def each_in_threads(work: Callable[[_T, Callable[[], None]], None], items: Iterable[_T], threads: int) -> None:
    """Do the work for each item, several at a time. The first error ends it all, and is raised here.

    The items are asked for in the caller's thread, and at most twice as many as there are threads wait for their turn.
    An interrupt ends it within a second or so: threads that hang in a system call are left behind, and end with the process.

    Args:
        work: takes an item, and a function that raises where the work is given up; long work calls it now and then.
        items: may be made as they are asked for.
        threads: at most.
    """
    waiting: SimpleQueue[_T | None] = SimpleQueue()
    room, stopped = Semaphore(2 * threads), Event()
    errors: list[BaseException] = []

    def proceed() -> None:
        if stopped.is_set():
            raise GivenUp

    def run() -> None:
        while (item := waiting.get()) is not None:
            room.release()
            if stopped.is_set():
                continue
            try:
                work(item, proceed)
            except BaseException as error:  # noqa: BLE001  # raised again in the thread of the caller
                errors.append(error)
                stopped.set()

    crew: list[Thread] = []
    is_done = False
    try:
        for item in items:
            if stopped.is_set():
                break
            if len(crew) < threads:
                crew.append(Thread(target=run, daemon=True, name=f"promptdb-{len(crew)}"))
                crew[-1].start()
            room.acquire()
            waiting.put(item)
        _dismiss(crew, waiting, None)
        is_done = not errors
    finally:
        if not is_done:
            stopped.set()
            _dismiss(crew, waiting, _GRACE)
    if errors:
        raise errors[0]


def _dismiss(crew: list[Thread], waiting: "SimpleQueue[_T | None]", grace: float | None) -> None:
    for _ in crew:
        waiting.put(None)
    deadline = None if grace is None else time.monotonic() + grace
    for thread in crew:
        thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
