"""Work in several threads: all of it is done, or the first error ends it."""

import re
import threading
from collections.abc import Iterator
from threading import Barrier, Event

import pytest

from promptdb.blobs.threads import in_threads

TIMEOUT = 120.0
"""Seconds: only what hangs takes so long."""


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if re.fullmatch(r"promptdb-\d+", thread.name)]


def test_each_item_is_worked_on_once() -> None:
    assert sorted(in_threads(lambda item, _: -item, iter(range(1000)), 4)) == list(range(-999, 1))
    assert threads() == []


def test_nothing_to_do_starts_nothing() -> None:
    assert list(in_threads(lambda item, _: item, iter(()), 4)) == []


def test_as_many_at_once_as_there_are_threads() -> None:
    together = Barrier(4)
    list(in_threads(lambda item, _: together.wait(TIMEOUT), range(8), 4))


def test_the_first_error_is_raised_and_ends_the_rest() -> None:
    asked: list[int] = []

    def items() -> Iterator[int]:
        for number in range(10_000):
            asked.append(number)
            yield number

    def work(item: int, _: Event) -> None:
        if item == 5:
            raise ValueError("five")

    with pytest.raises(ValueError, match="five"):
        list(in_threads(work, items(), 4))
    assert len(asked) < 10_000
    assert threads() == []


def test_long_work_can_see_that_it_is_given_up() -> None:
    begun = Event()

    def work(item: int, stop: Event) -> None:
        if item == 1:
            begun.wait(TIMEOUT)
            raise ValueError("one")
        begun.set()
        assert stop.wait(TIMEOUT)

    with pytest.raises(ValueError, match="one"):
        list(in_threads(work, [0, 1], 2))
    assert threads() == []


def test_an_interrupt_does_not_wait_for_work_that_hangs() -> None:
    hanging, over = Event(), Event()

    def items() -> Iterator[int]:
        yield 1
        hanging.wait(TIMEOUT)
        raise KeyboardInterrupt

    def work(item: int, _: Event) -> None:
        hanging.set()
        over.wait(TIMEOUT)

    with pytest.raises(KeyboardInterrupt):
        list(in_threads(work, items(), 2))
    [left] = threads()
    over.set()
    left.join(TIMEOUT)
