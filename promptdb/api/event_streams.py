"""Streams of server-sent events, with one look at the registry for all of them.

The format is that of https://html.spec.whatwg.org/multipage/server-sent-events.html.
"""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from promptdb.api.hub import Hub
from promptdb.api.open_files import most_connections
from promptdb.domain.access import Grant
from promptdb.domain.delivery import Changes, Generation
from promptdb.domain.scopes import Scope as AccessScope
from promptdb.domain.wire.changes import changes_fields, generation_text
from promptdb.errors import PromptDBError

MAX_STREAMS = 12_500
"""The most streams of one process. Each takes some memory, and one of the files that a process may have open."""

PING_SECONDS = 15.0
"""Proxies and clients take a silent connection for a dead one."""

WRITE_SECONDS = 30.0
"""The time in which a client must read what it was sent. It can connect again and misses nothing."""

MAX_FRAMES = 1_000
"""The most frames that are kept for other streams. It matters only if streams begin at many different generations."""

_PING = b": ping\n\n"
_GOODBYE = b"event: goodbye\ndata: {}\n\n"
_RETRY = b"retry: 1000\n"


@dataclass(frozen=True, slots=True)
class Frame:
    """The changes up to a generation, as they go out."""

    generation: Generation | None
    data: bytes


class EventStreams:
    """The streams of one app. Belongs to the event loop.

    Args:
        hub: says when there is news.
        changes: finds the changes since a generation. Called in threads.
    """

    def __init__(self, hub: Hub, changes: Callable[[Generation | None], Changes]) -> None:
        self.hub, self._changes = hub, changes
        self.by_token: Counter[int] = Counter()
        self._news = hub.news
        self._found: dict[Generation | None, asyncio.Task[Changes]] = {}
        self._frames: dict[tuple[Generation | None, tuple[AccessScope, ...]], Frame] = {}

    @property
    def count(self) -> int:
        return self.by_token.total()

    def is_full_for(self, grant: Grant) -> bool:
        """Check for too many streams. One token has at most four fifths of them, so that it cannot take those of all others."""
        most = min(MAX_STREAMS, most_connections() * 3 // 4)
        return self.count >= most or self.by_token[grant.token_id] >= most * 4 // 5

    async def frame(self, since: Generation | None, grant: Grant) -> Frame:
        """Make the frame for streams that have seen a generation, with what a grant may see.

        Raises:
            StorageError: the database fails.
        """
        if self._news is not self.hub.news or len(self._found) + len(self._frames) >= MAX_FRAMES:
            self._news, self._found, self._frames = self.hub.news, {}, {}
        found, frames = self._found, self._frames
        looking = found.get(since)
        if looking is None:
            looking = found[since] = asyncio.create_task(run_in_threadpool(self._changes, since))
        try:
            # Other streams wait for it too.
            changes = await asyncio.shield(looking)
        except PromptDBError:
            found.pop(since, None)
            raise
        if (frame := frames.get((since, grant.scopes))) is None:
            frame = frames[since, grant.scopes] = _frame(grant.visible(changes))
        return frame


def _frame(changes: Changes) -> Frame:
    name = f"id: {generation_text(changes.generation)}\n" if changes.generation is not None else ""
    data = json.dumps(changes_fields(changes), separators=(",", ":"))
    return Frame(changes.generation, f"event: changes\n{name}data: {data}\n\n".encode())


class EventStream(Response):
    """One stream: the changes at once, then those of each new generation.

    It keeps the generation that its client has, and nothing else. A client that reads slowly gets several changes in one frame.
    """

    media_type = "text/event-stream"

    def __init__(self, streams: EventStreams, grant: Grant, first: Frame) -> None:
        # Some proxies keep answers back until they are long.
        super().__init__(headers={"X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._streams, self._grant, self._first = streams, grant, first

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["state"].get("is_head"):
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await send({"type": "http.response.body"})
            return
        task: asyncio.Task[Any] = asyncio.current_task()  # type: ignore[assignment]
        watch = asyncio.create_task(_hung_up(receive))
        # The only way to end a stream that waits. A send to a client that is gone would succeed.
        watch.add_done_callback(lambda _: task.cancel())
        self._streams.by_token[self._grant.token_id] += 1
        try:
            await self._run(send)
        except asyncio.CancelledError:
            if not watch.done() or task.uncancel() > 0:
                raise
        finally:
            self._streams.by_token[self._grant.token_id] -= 1
            watch.cancel()

    async def _run(self, send: Send) -> None:
        hub, since = self._streams.hub, self._first.generation
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await _write(send, _RETRY + self._first.data)
        while not hub.is_closed:
            news = hub.news
            if (frame := await self._next(since)) is not None:
                since = frame.generation
                await _write(send, frame.data)
                continue
            # Not all at the same moment, also if their clients have connected at once.
            await hub.wait(news, PING_SECONDS * random.uniform(0.7, 1.0))  # noqa: S311
            if not news.is_set():
                await _write(send, _PING)
        await _write(send, _GOODBYE, more=False)

    async def _next(self, since: Generation | None) -> Frame | None:
        if self._streams.hub.generation in (None, since):
            return None
        try:
            frame = await self._streams.frame(since, self._grant)
        except PromptDBError:
            # The lookups log it. The stream stays, and looks again after the next ping.
            return None
        return frame if frame.generation != since else None


async def _write(send: Send, data: bytes, *, more: bool = True) -> None:
    async with asyncio.timeout(WRITE_SECONDS):
        await send({"type": "http.response.body", "body": data, "more_body": more})


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
