"""Syncs, registrations and moves of aliases by several processes at once. A long run is in `tests/soak`."""

from pathlib import Path

import pytest
from writers import COMMON, write_at_once

pytestmark = pytest.mark.slow


def test_nothing_that_six_writers_were_told_is_lost(database_url: str, tmp_path: Path) -> None:
    told = write_at_once(database_url, tmp_path, processes=6, acts=10)
    assert all(told.acts[act] >= 6 for act in COMMON)
