"""An answer of the registry that requests share: fresh for a moment, then read again beside them, and kept in an outage."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from promptdb.api import remembered
from promptdb.api.remembered import FRESH, IDLE, STALE, Remembered
from promptdb.errors import StorageError


class Registry:
    """Answers with what a test sets, after `gate` if there is one, and counts the reads."""

    def __init__(self) -> None:
        self.answer, self.fails, self.reads = "first", False, 0

    def __call__(self) -> str:
        self.reads += 1
        if self.fails:
            raise StorageError("down")
        return self.answer


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(remembered, "monotonic", made)
    return made


Script = Callable[[Remembered[str], Registry, Clock], Coroutine[Any, Any, None]]


def play(script: Script, clock: Clock) -> None:
    async def whole() -> None:
        registry = Registry()
        kept = Remembered(registry)
        await script(kept, registry, clock)
        await kept.close()

    asyncio.run(whole())


def test_an_answer_is_read_once_while_it_is_fresh(clock: Clock) -> None:
    async def script(kept: Remembered[str], registry: Registry, clock: Clock) -> None:
        for _ in range(3):
            assert await kept.get() == "first"
            clock.now += FRESH / 4
        assert registry.reads == 1

    play(script, clock)


def test_after_that_requests_do_not_wait_for_the_next_read(clock: Clock) -> None:
    async def script(kept: Remembered[str], registry: Registry, clock: Clock) -> None:
        await kept.get()
        registry.answer = "second"
        clock.now += FRESH
        assert [await kept.get(), await kept.get()] == ["first", "first"]
        await kept.close()
        assert await kept.get() == "second"
        assert registry.reads == 2

    play(script, clock)


def test_the_first_request_after_a_pause_waits(clock: Clock) -> None:
    async def script(kept: Remembered[str], registry: Registry, clock: Clock) -> None:
        await kept.get()
        registry.answer = "second"
        clock.now += IDLE
        assert await kept.get() == "second"

    play(script, clock)


def test_all_requests_after_a_pause_wait(clock: Clock) -> None:
    async def script(kept: Remembered[str], registry: Registry, clock: Clock) -> None:
        await kept.get()
        registry.answer = "second"
        clock.now += IDLE
        assert await asyncio.gather(*(kept.get() for _ in range(3))) == ["second"] * 3
        assert registry.reads == 2

    play(script, clock)


def test_a_request_after_a_pause_waits_although_the_database_failed_before_it(clock: Clock) -> None:
    async def script(kept: Remembered[str], registry: Registry, clock: Clock) -> None:
        await kept.get()
        registry.fails = True
        clock.now += FRESH
        await kept.get()
        await kept.close()
        registry.fails, registry.answer = False, "second"
        clock.now += IDLE
        assert await kept.get() == "second"

    play(script, clock)


def test_an_outage_serves_the_last_answer_for_an_hour_and_asks_again(clock: Clock) -> None:
    async def script(kept: Remembered[str], registry: Registry, clock: Clock) -> None:
        await kept.get()
        registry.fails = True
        for _ in range(3):
            clock.now += IDLE
            assert await kept.get() == "first"
            await kept.close()
        assert registry.reads == 4
        clock.now += STALE
        with pytest.raises(StorageError):
            await kept.get()
        registry.fails, registry.answer = False, "second"
        assert await kept.get() == "second"

    play(script, clock)


def test_the_first_read_raises_its_error(clock: Clock) -> None:
    async def script(kept: Remembered[str], registry: Registry, _: Clock) -> None:
        registry.fails = True
        with pytest.raises(StorageError):
            await kept.get()
        registry.fails = False
        assert await kept.get() == "first"

    play(script, clock)
