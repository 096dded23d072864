"""The long forms of the traps of clients."""

from pathlib import Path

import pytest
import registries
from followers import Following, promote_before
from outages import go_through_outage
from postgres import PostgresServer
from workers import opened


def test_sixty_four_threads_in_each_of_eight_processes_through_a_hundred_promotions(
    database_url: str, tmp_path: Path
) -> None:
    promote_before(Following(database_url, tmp_path, processes=8, threads=64, promotions=100, pause=0.02))


def test_an_outage_of_two_minutes_under_load(
    own_server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = own_server.url(own_server.create_database())
    registries._migrate(url)
    with opened(url, tmp_path) as service:
        service.register_text("a/one", "one", alias="production")
    go_through_outage(own_server, url, tmp_path, ["a/one:production"], monkeypatch, seconds=120)
