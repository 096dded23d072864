"""When a watcher looks, on a clock of its own."""

import pytest

from promptdb.watch.schedule import MAX_PAUSE, PATIENCE, PAUSE, QUIET, Schedule


@pytest.fixture
def schedule() -> Schedule:
    """A look was taken at 100."""
    made = Schedule(interval=5.0)
    made.begin()
    made.succeeded(100.0)
    return made


def test_nothing_is_due_after_a_look_but_a_check(schedule: Schedule) -> None:
    assert not schedule.is_due(104.9)
    assert not schedule.is_check_due(104.9)
    assert schedule.wait(101.0) == 4.0
    assert schedule.is_check_due(105.0)


def test_a_new_schedule_checks_at_once() -> None:
    assert Schedule(interval=5.0).is_check_due(0.0)


def test_a_check_that_found_nothing_is_repeated_after_the_interval(schedule: Schedule) -> None:
    schedule.checked(106.0)
    assert not schedule.is_check_due(110.9)
    assert schedule.is_check_due(111.0)


def test_a_look_waits_for_quiet(schedule: Schedule) -> None:
    schedule.hint(101.0)
    schedule.hint(101.1)
    assert not schedule.is_due(101.0 + QUIET)
    assert schedule.wait(101.1) == pytest.approx(QUIET)
    assert schedule.is_due(101.1 + QUIET + 0.001)


def test_a_stream_of_events_delays_a_look_only_so_long(schedule: Schedule) -> None:
    for step in range(100):
        schedule.hint(101.0 + step / 10)
    assert schedule.is_due(101.0 + PATIENCE)
    assert not schedule.is_due(101.0 + PATIENCE - 0.001)


def test_there_is_no_check_while_a_look_is_to_come(schedule: Schedule) -> None:
    schedule.hint(200.0)
    assert not schedule.is_check_due(200.0)


def test_a_look_answers_the_hints_before_it_and_none_after(schedule: Schedule) -> None:
    schedule.hint(101.0)
    schedule.begin()
    assert not schedule.is_pending
    schedule.hint(101.5)
    schedule.succeeded(103.0)
    assert schedule.is_due(103.0)


def test_what_was_postponed_comes_back_soon(schedule: Schedule) -> None:
    schedule.begin()
    schedule.postponed(101.0)
    assert not schedule.is_due(101.0)
    assert schedule.is_due(101.0 + PAUSE)


def test_pauses_grow_while_looks_fail_and_start_over_after_a_success(schedule: Schedule) -> None:
    pauses = []
    for _ in range(8):
        schedule.begin()
        schedule.failed(0.0)
        pauses.append(schedule.wait(0.0))
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, MAX_PAUSE, MAX_PAUSE, MAX_PAUSE]
    schedule.begin()
    schedule.succeeded(0.0)
    schedule.failed(0.0)
    assert schedule.wait(0.0) == 1.0


def test_a_hint_ends_the_pause_after_a_failure(schedule: Schedule) -> None:
    for _ in range(8):
        schedule.begin()
        schedule.failed(101.0)
    schedule.hint(102.0)
    assert schedule.is_due(102.0 + QUIET + 0.001)
