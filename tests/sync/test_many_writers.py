"""Syncs, registrations and moves of aliases by several processes at once. A long run is in `tests/soak`."""

from pathlib import Path

from writers import write_at_once


def test_nothing_that_six_writers_were_told_is_lost(database_url: str, tmp_path: Path) -> None:
    told = write_at_once(database_url, tmp_path, processes=6, seconds=2)
    assert {"sync", "register", "promote"} <= set(told.acts)
