"""Clients in processes that fork: the child is as good as new, and nothing happens in the parent."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from multiprocessing import get_context
from pathlib import Path
from threading import Event, Timer

import psycopg
import pytest
import sqlalchemy as sa
import uvloop
from forks import forked
from postgres import free_port
from registries import on_postgresql, on_sqlite
from sampling import sampled
from steered import Steered
from waiting import until

from promptdb.client.client import PromptClient
from promptdb.client.sources.database import DatabaseSource
from promptdb.service import PromptService

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
    pytest.mark.filterwarnings("ignore:This process:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning"),
]

REF = "a/one:production"
WORKERS = 3


@pytest.fixture
def registry(service: PromptService) -> PromptService:
    """One prompt, with `production` at its first version."""
    for text in ("one", "two", "three"):
        service.register_text("a/one", text)
    service.promote("a/one:rev:1", "production")
    return service


@pytest.fixture
def client(registry: PromptService) -> Iterator[PromptClient]:
    """A client with connections and a thread that waits for changes."""
    with PromptClient.from_settings(registry.settings) as client:
        client.get(REF)
        if registry.engine.dialect.name == "postgresql":
            # Then it has both of its connections.
            until(lambda: database(client)._feed._listener is not None)
            until(lambda: database(client)._reader.stores.engine.pool.checkedin() == 1)
        yield client


def database(client: PromptClient) -> DatabaseSource:
    assert isinstance(client._source, DatabaseSource)
    return client._source


def sees(client: PromptClient, text: str) -> str:
    until(lambda: client.get(REF).render_text() == text)
    return text


def sessions(service: PromptService) -> set[int]:
    """The processes of the server that serve a database."""
    query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with closing(psycopg.connect(service.settings.database_url.get_secret_value())) as connection:
        return {pid for (pid,) in connection.execute(query)}


def test_a_child_sees_promotions_and_its_parent_goes_on(client: PromptClient, registry: PromptService) -> None:
    children = [forked(lambda: (client.get("a/one:rev:3").render_text(), sees(client, "two"))) for _ in range(3)]
    registry.promote("a/one:rev:2", "production")
    assert {child.answer() for child in children} == {"('three', 'two')"}
    assert sees(client, "two")
    registry.promote("a/one:rev:3", "production")
    assert sees(client, "three")


@on_postgresql
def test_a_child_that_ends_closes_no_connection_of_its_parent(client: PromptClient, registry: PromptService) -> None:
    """The parent would poll then, and miss what it was not told."""
    before = sessions(registry)
    assert forked(lambda: sees(client, "one")).answer() == "one"
    assert forked(client.close).answer() == "None"
    until(lambda: sessions(registry) == before)


@on_sqlite
def test_a_child_does_not_share_the_connections_of_a_blob_store(client: PromptClient) -> None:
    stores = database(client)._reader.stores
    before = stores.blobs
    assert forked(lambda: stores.blobs is before).answer() == "False"
    assert stores.blobs is before


@on_sqlite
def test_a_child_goes_on_when_its_parent_has_ended(registry: PromptService) -> None:
    """As a daemon does. The parent deletes files of SQLite at its end, unless the child has locks of its own."""
    registry.close()
    (opened, open_), (answers, answer) = os.pipe(), os.pipe()

    def start() -> None:
        client = PromptClient.from_settings(registry.settings)
        client.get(REF)
        forked(lambda: go_on(client))
        os.read(opened, 1)
        client.close()

    def go_on(client: PromptClient) -> None:
        client.get("a/one:rev:3")
        os.write(open_, b"x")
        os.write(answer, sees(client, "two").encode())

    assert forked(start).answer() == "None"
    registry.promote("a/one:rev:2", "production")
    os.close(answer)
    assert os.read(answers, 100) == b"two"


def test_a_process_of_multiprocessing_is_such_a_child(client: PromptClient, registry: PromptService) -> None:
    context = get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=lambda: theirs.send(sees(client, "two")))
    process.start()
    registry.promote("a/one:rev:2", "production")
    assert ours.recv() == "two"
    process.join()
    assert process.exitcode == 0


def test_starting_programs_ends_no_refresh(client: PromptClient, registry: PromptService) -> None:
    """Each is a fork with its hooks, under uvloop and with `preexec_fn`."""
    is_server = registry.engine.dialect.name == "postgresql"
    before = sessions(registry) if is_server else set()

    async def start_programs() -> None:
        for _ in range(5):
            await (await asyncio.create_subprocess_exec("true")).wait()

    uvloop.run(start_programs())
    subprocess.run(["true"], check=True, preexec_fn=os.getpid)
    assert not is_server or sessions(registry) == before
    registry.promote("a/one:rev:2", "production")
    assert sees(client, "two")


# What the parent does at that moment


def test_a_child_does_not_wait_for_a_connection_that_its_parent_is_making(registry: PromptService) -> None:
    is_connecting, release = Event(), Event()

    def hold(*_: object) -> None:
        is_connecting.set()
        release.wait(60)

    with PromptClient.from_settings(registry.settings) as client, ThreadPoolExecutor(1) as pool:
        sa.event.listen(database(client)._reader.stores.engine, "connect", hold)
        found = pool.submit(client.get, REF)
        assert is_connecting.wait(60)
        child = forked(lambda: client.get(REF).render_text())
        assert child.answer() == "one"
        release.set()
        assert found.result().render_text() == "one"


@on_sqlite
def test_a_fork_waits_until_no_lookup_is_in_sqlite(registry: PromptService, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite has locks for the whole process, and a child would inherit one that is held for good."""
    monkeypatch.setattr("promptdb.client.forks.LONGEST_CALL", 60)
    is_reading, release, log = Event(), Event(), list[str]()

    def hold(*_: object) -> None:
        log.append("reading")
        is_reading.set()
        release.wait(60)

    with PromptClient.from_settings(registry.settings) as client, ThreadPoolExecutor(1) as pool:
        client.get(REF)
        engine = database(client)._reader.stores.engine
        sa.event.listen(engine, "checkout", hold)
        sa.event.listen(engine, "checkin", lambda *_: log.append("done"))
        found = pool.submit(client.get, "a/one:rev:2")
        assert is_reading.wait(60)
        Timer(0.1, release.set).start()
        child = forked(lambda: (log.count("reading") - log.count("done"), client.get("a/one:rev:3").render_text()))
        assert child.answer() == "(0, 'three')"
        assert found.result().render_text() == "two"


@pytest.mark.parametrize("held", ["find", "changes", "find_all"])
def test_a_child_does_not_wait_for_requests_of_its_parent(held: str) -> None:
    source, parent, is_asking, release = Steered(), os.getpid(), Event(), Event()
    work: dict[str, Callable[[PromptClient], object]] = {
        "find": lambda client: client.get(REF).render_text(),
        "changes": lambda client: client.get(REF).render_text(),
        "find_all": lambda client: client.preload(),
    }

    def gate(what: str) -> None:
        if what == held and os.getpid() == parent:
            is_asking.set()
            release.wait(60)

    source.gate = gate
    with PromptClient(source, ttl=60) as client, ThreadPoolExecutor(1) as pool:
        found = pool.submit(work[held], client)
        assert is_asking.wait(60)
        child = forked(lambda: [ask(client) for ask in work.values()])
        assert child.answer() == "['1', '1', 1]"
        release.set()
        found.result()


# A server that loads the application before it forks

APPLICATION = """
import os
from promptdb import PromptClient

client = PromptClient.from_env()
client.get("a/one:production")

def application(environ, start_response):
    text = f"{os.getpid()} {client.get('a/one:production').render_text()}"
    start_response("200 OK", [("Content-Length", str(len(text)))])
    return [text.encode()]
"""


@pytest.fixture
def port(registry: PromptService, tmp_path: Path) -> Iterator[int]:
    """A port of gunicorn, whose workers are forked from a process that has looked up a prompt."""
    port = free_port()
    (tmp_path / "application.py").write_text(APPLICATION)
    url = registry.settings.database_url.get_secret_value()
    options = ["--preload", "--workers", str(WORKERS), "--bind", f"127.0.0.1:{port}", "--log-level", "warning"]
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", *options, "application"],
        cwd=tmp_path,
        env={**os.environ, "PROMPTDB_DATABASE_URL": url},
    )
    yield port
    server.terminate()
    assert server.wait(60) == 0


@sampled(("postgresql",))
@pytest.mark.slow
def test_every_worker_of_gunicorn_sees_a_promotion(port: int, registry: PromptService) -> None:
    def ask(_: int = 0) -> tuple[str, str]:
        with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            connection.request("GET", "/")
            worker, text = connection.getresponse().read().decode().split()
            return worker, text

    def is_up() -> bool:
        try:
            return bool(ask())
        except OSError:
            return False

    def workers_with(text: str) -> set[str]:
        with ThreadPoolExecutor(WORKERS) as pool:
            found = dict(pool.map(ask, range(3 * WORKERS)))
        return {worker for worker, answer in found.items() if answer == text}

    until(is_up)
    for revision, text in ((1, "one"), (2, "two"), (3, "three")):
        registry.promote(f"a/one:rev:{revision}", "production")
        seen: set[str] = set()
        until(lambda seen=seen, text=text: len(seen.union(workers_with(text))) == WORKERS)
