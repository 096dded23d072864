"""Clients under load while their registry is away, and what they ask of it when it is back."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event, Thread
from time import sleep

import pytest
import sqlalchemy as sa
from postgres import PostgresServer
from registries import settings_for
from waiting import until

from promptdb.client import health
from promptdb.client.client import PromptClient
from promptdb.client.sources.database import DatabaseSource
from promptdb.domain.delivery import ClientChange, Reason, Status

THREADS = 4


class Watched:
    """A client, with the SELECTs that it makes, and how many it had made when it was ready."""

    def __init__(self, client: PromptClient) -> None:
        self.client = client
        self.selects: list[str] = []
        self.until_ready: int | None = None
        assert isinstance(client._source, DatabaseSource)
        sa.event.listen(client._source._reader.stores.engine, "before_cursor_execute", self._note)
        client.on_change(self._heard)

    def forget(self) -> None:
        self.selects.clear()
        self.until_ready = None

    def _note(self, *given: object) -> None:
        if str(given[2]).startswith("SELECT"):
            self.selects.append(str(given[2]))

    def _heard(self, change: ClientChange) -> None:
        if change.status is Status.READY and not change.refs:
            self.until_ready = len(self.selects)


class Load:
    """Threads that look up all prompts, again and again. A lookup that fails, or asks the source, is a failure."""

    def __init__(self, clients: Sequence[PromptClient], refs: Sequence[str]) -> None:
        self.calls = 0
        self.failures: list[str] = []
        self.seen: set[tuple[PromptClient, Reason]] = set()
        self._clients, self._refs, self._is_over = clients, refs, Event()

    @contextmanager
    def running(self) -> Iterator["Load"]:
        threads = [Thread(target=self._run) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._is_over.set()
            for thread in threads:
                thread.join()

    def _run(self) -> None:
        while not self._is_over.is_set():
            for client in self._clients:
                for ref in self._refs:
                    try:
                        self.seen.add((client, client.get(ref).reason))
                    except Exception as error:  # noqa: BLE001
                        self.failures.append(repr(error))
                    self.calls += 1
            sleep(0.005)


def go_through_outage(
    server: PostgresServer, url: str, base: Path, refs: Sequence[str], monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    """Every call is answered, and each client asks once to be fresh again.

    Args:
        server: is stopped and started.
        url: of its database.
        base: the folder of the registry.
        refs: what the clients look up.
        monkeypatch: of the test.
        seconds: how long the server stays away once each client says so.
    """
    monkeypatch.setattr(health, "FIRST_RETRY", 0.1)
    with ExitStack() as opened:
        settings = settings_for(url, base, cache_ttl=0.3)
        watched = [Watched(opened.enter_context(PromptClient.from_settings(settings))) for _ in range(4)]
        clients = [one.client for one in watched]
        for client in clients:
            client.get_many(refs)
        load = opened.enter_context(Load(clients, refs).running())
        until(lambda: {client for client, _ in load.seen} == set(clients))
        server.stop()
        until(lambda: all(client.status() is Status.STALE for client in clients))
        until(lambda: {client for client, reason in load.seen if reason is Reason.STALE} == set(clients))
        sleep(seconds)
        for one in watched:
            one.forget()
        server.start()
        until(lambda: all(one.until_ready is not None for one in watched))
        assert [one.until_ready for one in watched] == [1] * len(watched)
        calls = load.calls
        until(lambda: load.calls > calls + 1000)
        assert load.failures == []
        # What did not change is not read again, and no call asks for itself.
        assert not any("prompt_versions" in statement for one in watched for statement in one.selects)
