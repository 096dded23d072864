"""Work in several threads: all of it is done, or the first error ends it."""

import threading
from collections.abc import Callable, Iterator
from threading import Barrier, Event

import pytest

from promptdb.blobs.crew import GivenUp, each_in_threads

TIMEOUT = 30.0
"""Seconds: only what hangs takes so long."""


def crew() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("promptdb-")]


def test_each_item_is_worked_on_once() -> None:
    done: list[int] = []
    each_in_threads(lambda item, _: done.append(item), iter(range(1000)), 4)
    assert sorted(done) == list(range(1000))


def test_nothing_to_do_starts_nothing() -> None:
    each_in_threads(lambda item, _: None, iter(()), 4)
    assert crew() == []


def test_as_many_at_once_as_there_are_threads() -> None:
    together = Barrier(4)
    each_in_threads(lambda item, _: together.wait(TIMEOUT), range(8), 4)


def test_the_first_error_is_raised_and_ends_the_rest() -> None:
    asked: list[int] = []

    def items() -> Iterator[int]:
        for number in range(10_000):
            asked.append(number)
            yield number

    def work(item: int, _: Callable[[], None]) -> None:
        if item == 5:
            raise ValueError("five")

    with pytest.raises(ValueError, match="five"):
        each_in_threads(work, items(), 4)
    assert len(asked) < 10_000
    assert crew() == []


def test_long_work_is_told_to_give_up() -> None:
    begun, told = Event(), Event()

    def work(item: int, proceed: Callable[[], None]) -> None:
        if item == 1:
            begun.wait(TIMEOUT)
            raise ValueError("one")
        begun.set()
        try:
            while True:
                proceed()
        except GivenUp:
            told.set()
            raise

    with pytest.raises(ValueError, match="one"):
        each_in_threads(work, [0, 1], 2)
    assert told.wait(TIMEOUT)


def test_an_interrupt_does_not_wait_for_work_that_hangs() -> None:
    hanging, over = Event(), Event()

    def items() -> Iterator[int]:
        yield 1
        hanging.wait(TIMEOUT)
        raise KeyboardInterrupt

    def work(item: int, _: Callable[[], None]) -> None:
        hanging.set()
        over.wait(TIMEOUT)

    with pytest.raises(KeyboardInterrupt):
        each_in_threads(work, items(), 2)
    [left] = crew()
    assert left.daemon
    over.set()
    left.join(TIMEOUT)
