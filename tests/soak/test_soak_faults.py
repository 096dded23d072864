"""The long forms of the faults: every step, and many places at random. The seeds are fixed, so that a failure comes again."""

import random
from pathlib import Path

import pytest
from cells import Cell, clean, sync_cell, through
from disks import sync_on_full_disk, sync_with_io_error
from postgres import PostgresServer
from proxy import S3_FAULTS, Behaviour, proxy_to
from registries import on_postgresql, on_sqlite
from s3 import S3Server
from workers import killed_at, together

on_local = pytest.mark.parametrize("store", ["local"], indirect=True)

CUTS = 40
MAX_BYTES = 28_000
"""About what a sync sends, and is sent."""


@pytest.mark.parametrize("offset", range(4))
def test_a_kill_at_any_step(cell: Cell, offset: int) -> None:
    """Steps are statements, commits, and calls that change something on disk."""
    step, was_killed = 1 + offset, True
    while was_killed:
        cell.begin()
        was_killed = killed_at(step, sync_cell, *cell.work)
        cell.note("kill -9 at every step", "all written" if cell.is_written() else "nothing written")
        cell.require_converges()
        step += 4
    assert step > 40, "too few steps were seen"


@on_postgresql
@pytest.mark.parametrize("direction", ["cut_up", "cut_down"])
@pytest.mark.parametrize("seed", range(CUTS))
def test_a_connection_to_the_database_that_is_cut_anywhere(
    cell: Cell, postgres_server: PostgresServer, direction: str, seed: int
) -> None:
    place = random.Random(f"{direction} {seed}").randrange(1, MAX_BYTES)
    cell.begin()
    with proxy_to(postgres_server.port, Behaviour(**{direction: place})) as proxy:
        outcome = cell.sync(**through(cell, proxy.port))
    assert clean(outcome), outcome
    assert proxy.met or isinstance(outcome, int)
    cell.note(f"database: {direction.replace('_', ' ')} anywhere", outcome)
    cell.require_converges()


@pytest.mark.parametrize("store", ["minio"], indirect=True)
@pytest.mark.parametrize("direction", ["cut_up", "cut_down"])
@pytest.mark.parametrize("seed", range(CUTS))
def test_connections_to_s3_that_are_cut_anywhere(cell: Cell, s3_server: S3Server, direction: str, seed: int) -> None:
    chance = random.Random(f"{direction} {seed}")
    cuts = [Behaviour(**{direction: chance.randrange(1, MAX_BYTES)}) for _ in range(chance.choice([1, 3, 1000]))]
    cell.begin()
    with proxy_to(s3_server.ports["s3"], *cuts) as proxy:
        outcome = cell.sync(minio_endpoint=f"127.0.0.1:{proxy.port}")
    assert clean(outcome), outcome
    cell.note(f"S3: {direction.replace('_', ' ')} anywhere", outcome)
    cell.require_converges()


@on_sqlite
@pytest.mark.parametrize("store", ["minio"], indirect=True)
@pytest.mark.parametrize("name", S3_FAULTS)
def test_s3_that_never_answers_as_it_should(cell: Cell, s3_server: S3Server, name: str) -> None:
    """Until the store gives up, which takes it half a minute."""
    cell.begin()
    with proxy_to(s3_server.ports["s3"], *[S3_FAULTS[name]] * 1_000) as proxy:
        outcome = cell.sync(minio_endpoint=f"127.0.0.1:{proxy.port}")
    assert proxy.met
    assert clean(outcome), outcome
    cell.note(f"S3: {name}, always", outcome)
    cell.require_converges()


@on_local
@pytest.mark.parametrize("left", range(0, 256, 16))
def test_a_disk_with_any_room_left(cell: Cell, left: int) -> None:
    outcome = together(sync_on_full_disk, [(cell.base, cell.values, left)])[0]
    if outcome == "skipped":
        pytest.skip("this user may not mount a small disk")
    assert clean(outcome) or outcome == "done", outcome
    cell.note("full disk, 0 to 240 KiB left", outcome)


@on_sqlite
@on_local
@pytest.mark.parametrize("path", ["/.blobs/", "registry.sqlite3"])
@pytest.mark.parametrize("call", ["write", "fsync"])
@pytest.mark.parametrize("nth", range(1, 13))
def test_an_error_of_the_disk_at_any_call(cell: Cell, iofault: Path, call: str, path: str, nth: int) -> None:
    cell.begin()
    outcome = sync_with_io_error(cell, iofault, call, path, nth)
    cell.note(f"EIO in any {call} of {'a blob' if path == '/.blobs/' else 'the database'}", outcome)
    cell.require_converges()
