"""Clocks that jump and processes that stand still, as in a serverless function between two requests."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import pytest
from forks import forked
from registries import write
from snapshots import packed, record
from steered import Steered
from waiting import until

from promptdb.client.client import PromptClient
from promptdb.domain.delivery import Reason, Status
from promptdb.service import PromptService
from promptdb.settings import AppSettings

REF = "a/one:production"
HOUR, DAY = 3600.0, 86400.0
CLOCKS = ["client.lookups", "client.kept", "client.health", "client.sources.files", "client.sources.snapshot"]


@dataclass
class Clock:
    ahead: float = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in [*CLOCKS, "registry.change_feed"]:
        monkeypatch.setattr(f"promptdb.{module}.monotonic", clock)
    return clock


@dataclass
class Freezing(Steered):
    """A source in which the client's thread stands still until it is thawed."""

    thawed: Event = field(default_factory=Event)

    def wait(self, *_: object) -> None:
        self.thawed.wait(60)


@pytest.fixture
def source() -> Iterator[Freezing]:
    source = Freezing()
    yield source
    source.thawed.set()


@pytest.fixture
def client(source: Freezing) -> Iterator[PromptClient]:
    with PromptClient(source, ttl=30) as client:
        client.get(REF)
        yield client
        source.thawed.set()


def test_after_an_hour_a_lookup_answers_at_once_and_says_how_old_it_is(
    client: PromptClient, source: Freezing, clock: Clock
) -> None:
    source.move("production", 2)
    clock.ahead = HOUR
    source.asked.clear()
    found = client.get(REF)
    assert (found.render_text(), found.reason, source.asked) == ("1", Reason.STALE, [])
    assert HOUR <= found.age < 2 * HOUR
    assert client.get("a/one:rev:1").reason is Reason.STATIC
    source.thawed.set()
    until(lambda: client.get(REF).render_text() == "2")
    assert client.get(REF).reason is Reason.CACHED


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_process_whose_thread_is_gone_refreshes_with_the_next_lookup(
    client: PromptClient, source: Freezing, clock: Clock
) -> None:
    """As after a fork that waited for an hour."""

    def work() -> tuple[Reason, str]:
        source.thawed.set()
        source.move("production", 2)
        clock.ahead = HOUR
        first = client.get(REF).reason
        until(lambda: client.get(REF).render_text() == "2")
        return first, client.get(REF).reason

    assert forked(work).answer() == str((Reason.STALE, Reason.CACHED))


def test_connections_that_died_meanwhile_are_not_an_outage(
    service: PromptService, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for text in ("one", "two"):
        service.register_text("a/one", text)
    service.promote("a/one:rev:1", "production")
    with PromptClient.from_settings(service.settings) as client:
        client.get(REF)
        if service.engine.dialect.name == "postgresql":
            until(lambda: client._source._feed._listener is not None)
            with service.engine.connect() as connection:
                connection.exec_driver_sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'idle'"
                )
        clock.ahead = HOUR
        service.promote("a/one:rev:2", "production")
        until(lambda: client.get(REF).render_text() == "two")
        assert (client.status(), client.get(REF).reason) == (Status.READY, Reason.CACHED)
    assert caplog.messages == []


@pytest.mark.parametrize("shift", [DAY, -DAY])
def test_the_clock_on_the_wall_changes_nothing(
    service: PromptService, monkeypatch: pytest.MonkeyPatch, shift: float
) -> None:
    for text in ("one", "two"):
        service.register_text("a/one", text)
    service.promote("a/one:rev:1", "production")
    with PromptClient.from_settings(service.settings) as client:
        client.get(REF)
        now = time.time
        monkeypatch.setattr(time, "time", lambda: now() + shift)
        found = client.get(REF)
        assert (found.reason, found.age < HOUR) == (Reason.CACHED, True)
        service.promote("a/one:rev:2", "production")
        until(lambda: client.get(REF).render_text() == "two")
        assert client.get(REF).reason is Reason.CACHED


@pytest.mark.parametrize("shift", [DAY, -DAY])
@pytest.mark.parametrize("source_name", ["files", "snapshot"])
def test_a_file_with_any_time_is_read(tmp_path: Path, tree: Path, source_name: str, shift: float) -> None:
    """Such as an older one that somebody put back."""
    file = tree / "a/one.txt" if source_name == "files" else tmp_path / "prompts.snapshot"

    def put(text: str, generation: int) -> None:
        staged = file.with_suffix(".new")
        data = packed([record("a/one", 1, text)], generation)
        write(staged.parent, {staged.name: data if source_name == "snapshot" else text})
        if file.exists():
            os.utime(staged, (file.stat().st_mtime + shift,) * 2)
        staged.replace(file)

    put("one", 1)
    settings = AppSettings(base=tmp_path, source=source_name, snapshot="prompts.snapshot")
    with PromptClient.from_settings(settings) as client:
        assert client.get(REF).render_text() == "one"
        put("two", 2)
        until(lambda: client.get(REF).render_text() == "two")
