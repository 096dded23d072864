"""How long the event loop stands still while 100 coroutines look up prompts and their registry is down.

    python benchmarks/event_loop.py [--seconds 10]

A task sleeps for a millisecond, again and again, and notes by how much longer each sleep took: beside nothing else, with
100 coroutines and a registry that answers, and while PostgreSQL is stopped. Each coroutine gets prompts from memory, and
at times one that is not there. The target is 10 ms for the worst lag while the registry is down.

Python's garbage collector stops the loop as well, whoever makes objects: a full collection looks at all modules that are
loaded, and takes 70 ms with SQLAlchemy. So they are frozen first, as an application may do after its start.
"""

import argparse
import asyncio
import contextlib
import gc
import logging
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter

sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))

from postgres import PostgresServer, running

from promptdb.client.async_client import AsyncPromptClient
from promptdb.db.migrate import upgrade
from promptdb.errors import PromptDBError
from promptdb.service import PromptService
from promptdb.settings import AppSettings

COROUTINES, PROMPTS, SLEEP = 100, 20, 0.001


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0)
    seconds = parser.parse_args().seconds
    logging.disable()
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        server = opened.enter_context(running(folder / "server"))
        settings = AppSettings(base=folder, database_url=server.url(server.create_database()), cache_ttl=1.0)
        with PromptService(settings) as service:
            upgrade(service.engine)
            for number in range(PROMPTS):
                service.register_text(f"a/p{number}", "Hello {name}", alias="production")
        gc.collect()
        gc.freeze()
        asyncio.run(measure(settings, server, seconds))


async def measure(settings: AppSettings, server: PostgresServer, seconds: float) -> None:
    await report("nothing else", seconds, asyncio.sleep)
    async with AsyncPromptClient.from_settings(settings) as client:
        await client.preload()

        async def use(seconds: float) -> None:
            await asyncio.gather(*(coroutine(client, number, seconds) for number in range(COROUTINES)))

        await report("registry is up", seconds, use)
        await asyncio.to_thread(server.stop)
        await report("registry is down", seconds, use)
        await asyncio.to_thread(server.start)


async def coroutine(client: AsyncPromptClient, number: int, seconds: float) -> None:
    end, turn = perf_counter() + seconds, 0
    while perf_counter() < end:
        turn += 1
        (await client.get(f"a/p{turn % PROMPTS}:production")).render_text(name="Ann")
        if turn % 20 == 0:
            with contextlib.suppress(PromptDBError):
                await client.get(f"a/other{number}:production")
        await asyncio.sleep(0.02)


async def report(what: str, seconds: float, use: Callable[[float], Awaitable[object]]) -> None:
    lags: list[float] = []

    async def watch() -> None:
        while True:
            start = perf_counter()
            await asyncio.sleep(SLEEP)
            lags.append(perf_counter() - start - SLEEP)

    watching = asyncio.create_task(watch())
    await use(seconds)
    watching.cancel()
    lags.sort()
    p50, p99, worst = (lags[int(len(lags) * part)] * 1000 for part in (0.5, 0.99, 0.999999))
    print(
        f"{what:<18} lag p50 {p50:5.2f} ms, p99 {p99:5.2f} ms, worst {worst:5.2f} ms   ({len(lags):,} sleeps)",
        flush=True,
    )


if __name__ == "__main__":
    main()
