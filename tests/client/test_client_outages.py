"""Registries that go away under load and come back. `tests/soak` has an outage of minutes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import registries
from outages import Watched, go_through_outage
from postgres import PostgresServer
from registries import settings_for
from waiting import until

from promptdb.client import health
from promptdb.client.client import PromptClient
from promptdb.domain.delivery import Status
from promptdb.service import PromptService

PROMPTS = 20
REFS = [f"a/p{number}:production" for number in range(PROMPTS)]

pytestmark = pytest.mark.slow


@pytest.fixture
def service(own_server: PostgresServer, tmp_path: Path) -> Iterator[PromptService]:
    url = own_server.url(own_server.create_database())
    registries._migrate(url)
    with PromptService(settings_for(url, tmp_path)) as service:
        for number in range(PROMPTS):
            service.register_text(f"a/p{number}", f"one {number}", alias="production")
        yield service


def test_a_server_that_is_down_for_a_while_is_asked_once_when_it_is_back(
    own_server: PostgresServer, service: PromptService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = service.settings.database_url.get_secret_value()
    go_through_outage(own_server, url, tmp_path, REFS[:3], monkeypatch, seconds=0)


def test_what_changed_in_an_outage_is_read_at_once(
    own_server: PostgresServer, service: PromptService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The role of the client may not log in; others may."""
    monkeypatch.setattr(health, "FIRST_RETRY", 0.1)
    own_server.execute("CREATE ROLE reader LOGIN")
    url = service.settings.database_url.get_secret_value()
    database = url.rpartition("/")[2]
    own_server.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader", database=database)
    as_reader = settings_for(url.replace("postgres@", "reader@"), tmp_path)
    with PromptClient.from_settings(as_reader) as client:
        client.get_many(REFS)
        watched = Watched(client)
        own_server.execute("ALTER ROLE reader NOLOGIN")
        own_server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'reader'")
        until(lambda: client.status() is Status.STALE)
        for number in range(PROMPTS - 1):
            service.register_text(f"a/p{number}", f"two {number}", alias="production")
        assert {found.render_text()[:3] for found in client.get_many(REFS).values()} == {"one"}
        watched.forget()
        own_server.execute("ALTER ROLE reader LOGIN")
        until(lambda: watched.until_ready is not None)
        # The generation, the names of what changed, and all of it at once.
        assert watched.until_ready == 3
        found = [prompt.render_text() for prompt in client.get_many(REFS).values()]
        assert found == [*(f"two {number}" for number in range(PROMPTS - 1)), f"one {PROMPTS - 1}"]
