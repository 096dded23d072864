"""Answers of the registry that every request needs, read again beside the requests instead of in each."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Generic, TypeVar

from starlette.concurrency import run_in_threadpool

from promptdb.errors import PromptDBError

FRESH = 2.0
"""Seconds for which an answer is not asked for again."""

IDLE = 5.0
"""Seconds without a look, after which all requests wait for the next one."""

WAIT = 1.0
"""The most seconds of that wait."""

STALE = 3600.0
"""Seconds for which an answer serves while the database fails."""

_T = TypeVar("_T")


class Remembered(Generic[_T]):
    """One answer. Belongs to the event loop.

    Args:
        read: reads the answer. Called in a thread.
    """

    def __init__(self, read: Callable[[], _T]) -> None:
        self._read = read
        self._answer: tuple[_T] | None = None
        self._read_at = self._asked_at = 0.0
        self._is_awaited = False
        self._task: asyncio.Task[None] | None = None

    async def get(self) -> _T:
        """Return the answer. Errors of the first read, and of any after an hour of failures, are those of `read`."""
        now = monotonic()
        if self._answer is None or now - self._read_at >= STALE:
            return await self._ask()
        is_running = self._task is not None and not self._task.done()
        if now - self._asked_at >= FRESH and not is_running:
            # While requests keep coming, none of them waits, also in an outage.
            self._is_awaited = now - self._asked_at >= IDLE
            self._asked_at, self._task, is_running = now, asyncio.create_task(self._refresh()), True
        if self._is_awaited and is_running and self._task is not None:
            await asyncio.wait([self._task], timeout=max(0.0, self._asked_at + WAIT - now))
        return self._answer[0]

    async def close(self) -> None:
        """Wait for the read that runs, if any."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=WAIT)

    async def _ask(self) -> _T:
        answer = await run_in_threadpool(self._read)
        self._answer, self._read_at = (answer,), monotonic()
        self._asked_at = self._read_at
        return answer

    async def _refresh(self) -> None:
        # The answer before serves on.
        with suppress(PromptDBError):
            await self._ask()
