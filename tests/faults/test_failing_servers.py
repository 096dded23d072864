"""Servers whose own disk is full, or gives errors: what a sync makes of it, and what is there once the disk is well again."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import registries
from cells import MANY, Cell, clean
from postgres import PostgresServer, running
from registries import on_postgresql
from sampling import sampled
from small_disks import SmallDisk

pytestmark = pytest.mark.slow

on_local = pytest.mark.parametrize("store", ["local"], indirect=True)


@contextmanager
def cell_on(server: PostgresServer, cell: Cell) -> Iterator[Cell]:
    """With a database of the server, and so many prompts that it has to ask for room."""
    url = server.url(server.create_database())
    registries._migrate(url)
    own = Cell(cell.base, {**cell.values, "database_url": url}, more=MANY)
    own.begin()
    yield own
    own.close()


@sampled(few=[0])
@on_postgresql
@on_local
@pytest.mark.parametrize("left", [0, 64, 256])
def test_postgresql_on_a_full_disk_loses_nothing(cell: Cell, disk: SmallDisk, left: int) -> None:
    with running(disk.folder.parent, prefix=disk.prefix) as server, cell_on(server, cell) as own:
        disk.fill(left)
        outcome = own.sync()
        assert clean(outcome), outcome
        assert "No space left on device" in outcome
        assert not own.is_written()
        disk.make_room()
        own.require_converges()
    cell.note(f"full disk of PostgreSQL, {left} KiB left", outcome)


@sampled(few=["/base/"])
@on_postgresql
@on_local
@pytest.mark.parametrize(
    ("call", "path"), [("write", "/base/"), ("write", "/pg_wal/"), ("fsync", "/pg_wal/")], ids=["data", "wal", "fsync"]
)
def test_an_error_of_the_disk_under_postgresql_loses_nothing(
    cell: Cell, tmp_path: Path, iofault: Path, call: str, path: str
) -> None:
    """It panics where its log cannot be written."""
    flag = tmp_path / "failing"
    fault = {"CALL": call, "PATH": path, "NTH": 1, "ERRNO": errno.EIO, "WHILE": flag}
    prefix = ("env", f"LD_PRELOAD={iofault}", *(f"IOFAULT_{name}={value}" for name, value in fault.items()))
    with running(tmp_path / "server", ("fsync=on",), prefix) as server, cell_on(server, cell) as own:
        flag.touch()
        outcome = own.sync()
        assert clean(outcome), outcome
        assert not isinstance(outcome, int)
        flag.unlink()
        server.recover()
        own.require_converges()
    cell.note(f"EIO in {call} of PostgreSQL's {path.strip('/')}", outcome)
