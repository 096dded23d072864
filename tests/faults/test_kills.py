"""A sync that is killed (SIGKILL) at a named point, or stopped while it holds the lock."""

import os
import signal

import pytest
from cells import Cell, sync_cell
from points import POINTS, WRITTEN, Point, paused_at
from sampling import sampled

pytestmark = pytest.mark.slow

_LOCKED = next(point for point in POINTS if point.name == "after the rows of versions")
_FEW = [point for point in POINTS if point.name in ("between blobs", "before COMMIT")]


@sampled(("sqlite", "local"), few=_FEW)
@pytest.mark.parametrize("point", POINTS, ids=str)
def test_after_a_kill_nothing_or_all_is_written_and_the_next_sync_needs_no_help(cell: Cell, point: Point) -> None:
    cell.begin()
    with paused_at(point, sync_cell, *cell.work) as paused:
        paused.kill()
        assert cell.is_written() == (point in WRITTEN)
        cell.require_converges()
    cell.note(f"kill -9 {point}", "all written" if point in WRITTEN else "nothing written")


@sampled()
def test_a_killed_holder_of_the_lock_keeps_nobody_waiting(cell: Cell) -> None:
    cell.begin()
    with paused_at(_LOCKED, sync_cell, *cell.work) as paused:
        assert cell.sync(lock_timeout=0.1).startswith("LockTimeout: ")
        paused.kill()
        assert cell.sync(lock_timeout=30) == cell.count
        cell.require_converges()
    cell.note("the holder of the lock is killed", "nothing written")


@sampled()
def test_a_stopped_holder_of_the_lock_makes_others_give_up_and_then_finishes(cell: Cell) -> None:
    cell.begin()
    with paused_at(_LOCKED, sync_cell, *cell.work) as paused:
        os.kill(paused.pid, signal.SIGSTOP)
        refused = cell.sync(lock_timeout=0.1)
        assert refused.startswith("LockTimeout: another writer held the database")
        assert not cell.is_written()
        os.kill(paused.pid, signal.SIGCONT)
        assert paused.finish() == cell.count
    cell.require_converges()
    cell.note("the holder of the lock is stopped (SIGSTOP)", refused)
