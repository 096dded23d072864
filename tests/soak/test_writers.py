"""Processes that write to one registry: sixteen that try a hundred acts each, and eight that make fifty versions each."""

from pathlib import Path

from registries import on_postgresql
from workers import require_all_revisions
from writers import write_at_once


@on_postgresql
def test_nothing_that_sixteen_writers_were_told_is_lost(database_url: str, tmp_path: Path) -> None:
    told = write_at_once(database_url, tmp_path, processes=16, acts=100)
    assert {"sync", "register", "promote", "promote_expecting", "rollback", "delete"} <= set(told.acts)
    print(  # noqa: T201  what pytest -s shows
        f"\ndone: {dict(told.acts)}\nlost races: {dict(told.lost)}\nversions: {len(told.versions)}, moves: {len(told.moves)}"
    )


def test_eight_processes_register_fifty_versions_each_and_no_revision_is_lost(
    database_url: str, tmp_path: Path
) -> None:
    require_all_revisions(database_url, tmp_path, writers=8, count=50)
