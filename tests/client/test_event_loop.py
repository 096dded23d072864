"""The async client while its registry is down: the event loop goes on, and so does all else that needs its threads."""

import asyncio
import os
from threading import Event, Thread, current_thread

import pytest
from forks import forked
from steered import Steered
from waiting import until

from promptdb.client.async_client import AsyncPromptClient
from promptdb.client.client import PromptClient
from promptdb.domain.delivery import Reason, Status
from promptdb.errors import StorageError

REF = "a/one:production"
DOWN = StorageError("the registry is down")
COROUTINES = 100


def test_the_thread_of_the_loop_never_asks_the_source() -> None:
    source, asking = Steered(), set[Thread]()
    source.gate = lambda what: asking.add(current_thread())

    async def use() -> None:
        async with AsyncPromptClient(PromptClient(source, ttl=0.01)) as client:
            await client.get(REF)
            source.error = DOWN
            while client.status() is not Status.STALE:
                await asyncio.sleep(0.001)

            async def ask(number: int) -> Reason:
                assert (await client.get(REF)).render_text() == "1"
                with pytest.raises(StorageError):
                    await client.get(f"a/other{number}:production")
                return (await client.get(f"a/other{number}:production", fallback="Hello")).reason

            assert set(await asyncio.gather(*map(ask, range(COROUTINES)))) == {Reason.DEFAULT}
            with pytest.raises(StorageError):
                await client.preload()
            assert current_thread() not in asking

    asyncio.run(use())
    assert asking


def test_a_source_that_does_not_answer_leaves_the_threads_of_the_loop_to_others() -> None:
    """Such as the lookup of a host name."""
    source, release = Steered(), Event()
    source.gate = lambda what: what == "find" and release.wait(60)

    async def use() -> list[str]:
        async with AsyncPromptClient(PromptClient(source)) as client:
            asked = [asyncio.create_task(client.get(f"a/one:rev:{number}")) for number in range(1, COROUTINES + 1)]
            await asyncio.to_thread(until, lambda: "find a/one:rev:1" in source.asked)
            assert await asyncio.to_thread(lambda: "served") == "served"
            assert not any(task.done() for task in asked)
            release.set()
            return [prompt.render_text() for prompt in await asyncio.gather(*asked)]

    assert asyncio.run(use()) == [str(number) for number in range(1, COROUTINES + 1)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_has_threads_of_its_own() -> None:
    client = AsyncPromptClient(PromptClient(Steered()))

    async def use() -> str:
        return (await client.get(f"a/one:rev:{os.getpid()}")).render_text()

    assert asyncio.run(use()) == str(os.getpid())
    child = forked(lambda: asyncio.run(use()))
    assert child.answer() == str(child.pid)
    asyncio.run(client.close())
