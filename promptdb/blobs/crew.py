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
    room, end = Semaphore(2 * threads), _End()

    def run() -> None:
        while (item := waiting.get()) is not None:
            room.release()
            if not end.has_come.is_set():
                with end:
                    work(item, end.proceed)

    crew: list[Thread] = []
    is_done = False
    try:
        for item in items:
            if end.has_come.is_set():
                break
            if len(crew) < threads:
                crew.append(Thread(target=run, daemon=True, name=f"promptdb-{len(crew)}"))
                crew[-1].start()
            room.acquire()
            waiting.put(item)
        _dismiss(crew, waiting, None)
        is_done = end.error is None
    finally:
        if not is_done:
            end.has_come.set()
            _dismiss(crew, waiting, _GRACE)
    if end.error is not None:
        raise end.error


class _End:
    """Comes with an interrupt, or with the first error inside of `with`: that is kept, for the caller's thread to raise."""

    def __init__(self) -> None:
        self.has_come = Event()
        self.error: BaseException | None = None

    def proceed(self) -> None:
        if self.has_come.is_set():
            raise GivenUp

    def __enter__(self) -> None: ...

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        if error is not None:
            self.error = self.error or error
            self.has_come.set()
        return True


def _dismiss(crew: list[Thread], waiting: "SimpleQueue[_T | None]", grace: float | None) -> None:
    for _ in crew:
        waiting.put(None)
    deadline = None if grace is None else time.monotonic() + grace
    for thread in crew:
        thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
