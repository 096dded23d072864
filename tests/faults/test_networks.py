"""Connections that are refused, cut, slow or stalled, and servers that go away, between a sync and its stores."""

import signal
import threading
from pathlib import Path

import pytest
import registries
from cells import Cell, clean, sync_cell, through
from points import POINTS, paused_at
from postgres import PostgresServer
from proxy import S3_FAULTS, Behaviour, proxy_to
from registries import on_postgresql, on_sqlite
from s3 import S3Server
from sampling import sampled

pytestmark = pytest.mark.slow

on_local = pytest.mark.parametrize("store", ["local"], indirect=True)

DATABASE: dict[str, Behaviour] = {
    "refused": Behaviour(refused=True),
    "cut in the handshake": Behaviour(cut_down=20),
    "cut in the first questions": Behaviour(cut_up=500),
    "cut in the reads": Behaviour(cut_down=4_000),
    "cut in the writes": Behaviour(cut_up=20_000),
    "COMMIT lost on its way": Behaviour(lost_commit="request"),
    "COMMIT performed, answer lost": Behaviour(lost_commit="reply"),
}


@sampled(("postgresql", "local"), few=["cut in the writes", "COMMIT performed, answer lost"])
@on_postgresql
@pytest.mark.parametrize("name", DATABASE)
def test_a_connection_to_the_database_that_fails_loses_nothing(
    cell: Cell, postgres_server: PostgresServer, name: str
) -> None:
    cell.begin()
    with proxy_to(postgres_server.port, DATABASE[name]) as proxy:
        outcome = cell.sync(**through(cell, proxy.port))
    assert proxy.met == 1
    assert clean(outcome), outcome
    assert isinstance(outcome, int) or cell.is_written() == (name == "COMMIT performed, answer lost")
    cell.note(f"database: {name}", outcome)
    cell.require_converges()


@on_postgresql
@on_local
def test_a_slow_connection_to_the_database_is_only_slow(cell: Cell, postgres_server: PostgresServer) -> None:
    cell.begin()
    with proxy_to(postgres_server.port, Behaviour(delay=0.005)) as proxy:
        outcome = cell.sync(**through(cell, proxy.port))
    assert outcome == cell.count
    cell.note("database: slow", outcome)
    cell.require_converges()


@on_postgresql
@on_local
def test_a_connection_that_stalls_goes_on_where_it_was(cell: Cell, postgres_server: PostgresServer) -> None:
    cell.begin()
    held = threading.Event()
    locked = next(point for point in POINTS if point.name == "after BEGIN and the lock")
    with proxy_to(postgres_server.port, Behaviour(held=held)) as proxy:
        held.set()
        with paused_at(locked, sync_cell, cell.base, {**cell.values, **through(cell, proxy.port)}) as paused:
            held.clear()
            paused.go_on()
            assert cell.sync(lock_timeout=0.1).startswith("LockTimeout: ")
            held.set()
            assert paused.answer() == cell.count
    assert proxy.met >= 1
    cell.note("database: stalled under the lock", cell.count)
    cell.require_converges()


@on_postgresql
@on_local
def test_a_database_that_restarts_in_the_middle_of_a_transaction_loses_nothing(
    own_server: PostgresServer, cell: Cell, tmp_path: Path
) -> None:
    url = own_server.url(own_server.create_database())
    registries._migrate(url)
    own = Cell(tmp_path, {**cell.values, "database_url": url})
    for how in (signal.SIGINT, signal.SIGQUIT):
        own.begin()
        with paused_at(POINTS[7], sync_cell, *own.work) as paused:
            own_server.stop(how)
            own_server.start()
            outcome = paused.finish()
        assert clean(outcome), outcome
        assert isinstance(outcome, int) == own.is_written()
        cell.note(f"the database restarts ({how.name}) in a transaction", outcome)
        own.require_converges()
    own.close()


@sampled(("sqlite", "minio"), few=["cut in an upload"])
@on_sqlite
@pytest.mark.parametrize("store", ["minio"], indirect=True)
@pytest.mark.parametrize("name", S3_FAULTS)
def test_a_connection_to_s3_that_fails_loses_nothing(cell: Cell, s3_server: S3Server, name: str) -> None:
    cell.begin()
    connections = 8 if name == "cut in an upload" else 1  # several are open, and one has the large blob
    with proxy_to(s3_server.ports["s3"], *[S3_FAULTS[name]] * connections) as proxy:
        outcome = cell.sync(minio_endpoint=f"127.0.0.1:{proxy.port}")
    assert proxy.met >= 1
    assert outcome == cell.count
    cell.note(f"S3: {name}, once", outcome)
    cell.require_converges()
