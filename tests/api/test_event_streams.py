"""Streams of changes: what a client gets, and what many streams cost the server."""

import asyncio
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from apis import bearer, token_of
from registries import on_sqlite
from servers import Raw, get, in_thread
from waiting import until

from promptdb import PromptService, create_app
from promptdb.api import event_streams
from promptdb.api.event_streams import EventStream, EventStreams
from promptdb.api.hub import Hub
from promptdb.domain.access import UNLIMITED
from promptdb.domain.delivery import Changes, Generation
from promptdb.domain.prompt_id import PromptId
from promptdb.errors import StorageError

PATH = "/api/v1/events"


class Stream(Raw):
    """A client of the stream."""

    def __init__(self, port: int, query: str = "", **headers: str) -> None:
        super().__init__(port, get(PATH + query, **headers))
        self.status, self.headers = self.head()

    def event(self) -> dict[str, str]:
        """The next event or comment, by its fields."""
        text = b""
        while not text.endswith(b"\n\n"):
            size = int(self.file.readline(), 16)
            text += self.file.read(size)
            self.file.readline()
        return {name: value for name, _, value in (line.partition(": ") for line in text.decode().splitlines() if line)}

    def changes(self) -> Any:
        event = self.event()
        data = json.loads(event["data"])
        assert (event["event"], event["id"]) == ("changes", data["generation"])
        return data


@on_sqlite
def test_a_stream_begins_with_the_changes_since_a_generation_and_goes_on(service: PromptService) -> None:
    service.register_text("a/one", "1")
    with in_thread(create_app(service.settings)) as port:
        with Stream(port) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            assert stream.headers["cache-control"] == "no-store"
            event = stream.event()
            assert event["retry"] == "1000"
            first = json.loads(event["data"])
            assert (first["everything"], first["prompts"]) == (True, [])
            service.register_text("a/two", "1", alias="production")
            second = stream.changes()
            assert (second["everything"], second["prompts"]) == (False, ["a/two"])
        known = first["generation"]
        for query, headers in (
            (f"?since={known}", {}),
            ("", {"Last-Event-ID": known}),
            ("?since=x", {"Last-Event-ID": known}),
        ):
            with Stream(port, query, **headers) as stream:
                assert stream.changes() == second
        with Stream(port, f"?since={second['generation']}") as stream:
            assert stream.changes() == {**second, "prompts": []}
        with Raw(port, get(PATH).replace(b"GET", b"HEAD") + get("/healthz")) as raw:
            assert raw.head()[1]["content-type"].startswith("text/event-stream")
            assert raw.answer()[0] == 200
        with Raw(port, get(f"{PATH}?since=nonsense")) as raw:
            status, _, body = raw.answer()
            assert (status, json.loads(body)["code"]) == (422, "invalid-request")


@on_sqlite
def test_a_lookup_after_an_event_gives_the_new_version(service: PromptService) -> None:
    service.register_text("a/one", "1", alias="production")
    with in_thread(create_app(service.settings)) as port, Stream(port) as stream:
        stream.event()
        for revision in range(2, 8):
            with Raw(port, get("/api/v1/prompts/a/one/resolve?selector=production")) as raw:
                assert json.loads(raw.answer()[2])["revision"] == revision - 1
            service.register_text("a/one", str(revision), alias="production")
            stream.changes()
            with Raw(port, get("/api/v1/prompts/a/one/resolve?selector=production")) as raw:
                assert json.loads(raw.answer()[2])["revision"] == revision


@on_sqlite
def test_a_stream_shows_only_the_prompts_of_its_token(service: PromptService) -> None:
    tokens = [token_of(service, scope, name=f"t{number}") for number, scope in enumerate(("read", "read@a", "read@b"))]
    with in_thread(create_app(service.settings)) as port:
        streams = [Stream(port, **bearer(token)) for token in tokens]
        assert [stream.event()["event"] for stream in streams] == ["changes"] * 3
        service.register_text("a/one", "1")
        assert [stream.changes()["prompts"] for stream in streams] == [["a/one"], ["a/one"], []]
        for stream in streams:
            stream.socket.close()
            stream.file.close()


@on_sqlite
def test_streams_have_a_limit_and_are_freed_when_their_clients_hang_up(
    service: PromptService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_streams, "MAX_STREAMS", 3)
    one, other = (bearer(token_of(service, "read", name=name)) for name in ("one", "other"))
    app = create_app(service.settings)

    def require_full_for(token: dict[str, str]) -> None:
        with Raw(port, get(PATH, **token)) as refused:
            status, headers, body = refused.answer()
            assert (status, headers["retry-after"], json.loads(body)["code"]) == (503, "10", "unavailable")

    with in_thread(app) as port:
        with Stream(port, **one) as first, Stream(port, **one) as second:
            assert [stream.event()["event"] for stream in (first, second)] == ["changes"] * 2
            require_full_for(one)
            with Stream(port, **other) as third:
                third.event()
                require_full_for(other)
        until(lambda: app.state.served.streams.count == 0)
        with Stream(port, **one) as again:
            assert again.status == 200


@on_sqlite
def test_a_silent_stream_has_comments_and_the_end_is_announced(
    service: PromptService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_streams, "PING_SECONDS", 0.02)
    app = create_app(service.settings)
    with in_thread(app) as port, Stream(port) as stream:
        stream.event()
        assert stream.event() == {"": "ping"}
        assert stream.event() == {"": "ping"}
        hub: Hub = app.state.served.hub
        hub._loop.call_soon_threadsafe(hub.close)
        while (event := stream.event()) == {"": "ping"}:
            pass
        assert event == {"event": "goodbye", "data": "{}"}
        assert stream.file.readline() == b"0\r\n"


# Without a server


def at(number: int) -> Generation:
    return Generation(UUID(int=1), number)


class World:
    """A registry with one prompt for each generation, and the number of looks at it."""

    def __init__(self) -> None:
        self.looks = 0
        self.now = 1
        self.fails = False
        self.hub = Hub(asyncio.get_running_loop())
        self.streams = EventStreams(self.hub, self.changes)

    def changes(self, since: Generation | None) -> Changes:
        self.looks += 1
        if self.fails:
            raise StorageError("the database is gone")
        prompts = None if since is None else frozenset(PromptId("a", f"p{n}") for n in range(since.number, self.now))
        return Changes(at(self.now), prompts)

    async def move(self) -> None:
        self.now += 1
        self.hub.publish(at(self.now))
        await asyncio.sleep(0)

    async def open(self, send: Callable[[Any], Any]) -> "asyncio.Task[None]":
        frame = await self.streams.frame(at(self.now), UNLIMITED)
        never = asyncio.Event()

        async def receive() -> Any:
            await never.wait()

        return asyncio.create_task(
            EventStream(self.streams, UNLIMITED, frame)({"type": "http", "state": {}}, receive, send)
        )


async def settled(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.001)


def test_a_change_takes_one_look_at_the_registry_for_all_streams() -> None:
    async def run() -> None:
        world = World()
        sent: list[bytes] = []

        async def send(message: Any) -> None:
            sent.append(message.get("body", b""))

        tasks = [await world.open(send) for _ in range(50)]
        await settled(lambda: len(sent) == 100)
        assert world.looks == 1
        for number in range(1, 4):
            sent.clear()
            await world.move()
            await settled(lambda: len(sent) == 50)
            assert world.looks == 1 + number
            # The bytes are made once, too.
            assert len(set(map(id, sent))) == 1
        world.hub.close()
        await asyncio.gather(*tasks)

    asyncio.run(run())


def test_a_client_that_reads_slowly_gets_all_changes_in_one_frame() -> None:
    async def run() -> None:
        world = World()
        sent: list[bytes] = []
        reads = asyncio.Event()
        reads.set()

        async def send(message: Any) -> None:
            await reads.wait()
            sent.append(message.get("body", b""))

        task = await world.open(send)
        await settled(lambda: len(sent) == 2)
        reads.clear()
        for _ in range(20):
            await world.move()
            await asyncio.sleep(0.002)
        reads.set()
        await settled(lambda: b":21\n" in sent[-1])
        # The frame that it stopped at, whose look found one change or more, and one for all others.
        assert len(sent) <= 4
        assert sum(frame.count(b"a/p") for frame in sent[2:]) == 20
        world.hub.close()
        await task

    asyncio.run(run())


def test_a_client_that_does_not_read_at_all_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_streams, "WRITE_SECONDS", 0.01)

    async def run() -> None:
        world = World()

        async def send(message: Any) -> None:
            if message["type"] == "http.response.body":
                await asyncio.sleep(60)

        task = await world.open(send)
        with pytest.raises(TimeoutError):
            await task
        assert world.streams.count == 0

    asyncio.run(run())


def test_an_outage_of_the_registry_ends_no_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_streams, "PING_SECONDS", 0.01)

    async def run() -> None:
        world = World()
        sent: list[bytes] = []

        async def send(message: Any) -> None:
            sent.append(message.get("body", b""))

        task = await world.open(send)
        world.fails = True
        await world.move()
        await settled(lambda: b": ping\n\n" in sent)
        world.fails = False
        await settled(lambda: b":2\n" in sent[-1] or any(b":2\n" in one for one in sent))
        world.hub.close()
        await task

    asyncio.run(run())


def test_frames_for_other_streams_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_streams, "MAX_FRAMES", 10)

    async def run() -> None:
        world = World()
        for number in range(40):
            await world.streams.frame(at(-number), UNLIMITED)
            assert len(world.streams._found) + len(world.streams._frames) <= 11

    asyncio.run(run())
