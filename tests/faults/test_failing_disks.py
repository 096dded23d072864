"""Disks that are full, or give errors."""

from pathlib import Path

import pytest
from cells import Cell, clean
from disks import sync_on_full_disk, sync_with_io_error
from registries import on_sqlite
from sampling import sampled
from workers import together

pytestmark = pytest.mark.slow

on_local = pytest.mark.parametrize("store", ["local"], indirect=True)


@sampled(("sqlite", "local"), few=[48])
@on_local
@pytest.mark.parametrize("left", [0, 48])
def test_a_full_disk_is_an_error_and_the_next_sync_with_room_finishes(cell: Cell, left: int) -> None:
    outcome = together(sync_on_full_disk, [(cell.base, cell.values, left)])[0]
    if outcome == "skipped":
        pytest.skip("this user may not mount a small disk")
    assert clean(outcome) or outcome == "done", outcome
    assert left or outcome.startswith("StorageError: "), outcome
    cell.note(f"full disk, {left} KiB left", outcome)


@sampled(("sqlite", "local"), few=["fsync"])
@on_local
@pytest.mark.parametrize(("call", "nth"), [("write", 2), ("fsync", 1)])
def test_an_error_of_the_disk_under_the_blobs_writes_no_row(cell: Cell, iofault: Path, call: str, nth: int) -> None:
    cell.begin()
    outcome = sync_with_io_error(cell, iofault, call, "/.blobs/", nth)
    assert outcome == "StorageError"
    assert not cell.is_written()
    cell.note(f"EIO in {call} of a blob", outcome)
    cell.require_converges()


@on_sqlite
@on_local
@pytest.mark.parametrize(("call", "nth"), [("write", 1), ("write", 5), ("fsync", 1)])
def test_an_error_of_the_disk_under_the_database_loses_nothing(cell: Cell, iofault: Path, call: str, nth: int) -> None:
    cell.begin()
    outcome = sync_with_io_error(cell, iofault, call, "registry.sqlite3", nth)
    cell.note(f"EIO in {call} of the database", outcome)
    cell.require_converges()
