"""Wakes the requests that wait for a change of the registry."""

import asyncio
from contextlib import suppress

from promptdb.domain.delivery import Generation


class Hub:
    """The newest generation that this process serves. `publish` may be called in any thread, the rest in the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.generation: Generation | None = None
        self.is_closed = False
        self.news = asyncio.Event()
        """Set when there is another generation. Take it before a look at the registry, and wait for it afterwards."""

    def publish(self, generation: Generation) -> None:
        """Wake the requests that wait for another generation than the one before."""
        if generation != self.generation:
            self._loop.call_soon_threadsafe(self._wake, generation)

    async def wait(self, news: asyncio.Event, seconds: float) -> None:
        """Return at the next news, after some seconds, or when the app ends."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await news.wait()

    def close(self) -> None:
        """Wake all requests, because the app ends."""
        self.is_closed = True
        self._wake(self.generation)
        self.news.set()

    def _wake(self, generation: Generation | None) -> None:
        self.generation = generation
        news, self.news = self.news, asyncio.Event()
        news.set()
