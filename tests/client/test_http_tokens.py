"""A client with a token of a real server: it gets what the token may read, and keeps what it has when the token ends."""

from collections.abc import Iterator

import pytest
import urllib3
from apis import token_of
from registries import on_sqlite
from servers import in_thread
from waiting import until

from promptdb import AppSettings, PromptService, create_app
from promptdb.api import remembered
from promptdb.client.client import PromptClient
from promptdb.client.sources.http import HttpSource
from promptdb.domain.delivery import Status
from promptdb.domain.refs import PromptRef
from promptdb.errors import ConfigError, Forbidden, PromptNotFound
from promptdb.registry.change_feed import ChangeFeed
from promptdb.registry.tokens import revoke_token

pytestmark = on_sqlite
TRIAGE, TERMS = "support/triage:production", "legal/terms:production"


@pytest.fixture
def client(service: PromptService, monkeypatch: pytest.MonkeyPatch) -> Iterator[PromptClient]:
    """Of a server with a token for `support`."""
    monkeypatch.setattr(remembered, "FRESH", 0.05)
    for name in ("support/triage", "legal/terms"):
        service.register_text(name, name, alias="production")
    token = token_of(service, "read@support")
    with in_thread(create_app(service.settings)) as port:
        settings = AppSettings(source="http", url=f"http://127.0.0.1:{port}", token=token, cache_ttl=0.2)
        with PromptClient.from_settings(settings) as opened:
            yield opened


def test_a_client_gets_what_its_token_may_read(client: PromptClient) -> None:
    client.preload()
    assert client.get(TRIAGE).render_text() == "support/triage"
    for _ in range(2):
        with pytest.raises(Forbidden, match="the token lacks the scope read@legal"):
            client.get(TERMS)
    with pytest.raises(Forbidden, match="the token lacks the scope read@legal"):
        client.get_many([TRIAGE, TERMS, "support/triage:rev:1"])
    assert client.status() is Status.READY
    assert client.get("support/triage:rev:1").render_text() == "support/triage"
    with pytest.raises(PromptNotFound, match="there is no prompt support/none"):
        client.get("support/none")


def test_a_client_keeps_its_prompts_when_its_token_ends(client: PromptClient, service: PromptService) -> None:
    assert client.get(TRIAGE).render_text() == "support/triage"
    revoke_token(service.registry, "test")
    until(lambda: client.status() is Status.STALE)
    service.register_text("support/triage", "new", alias="production")
    assert client.get(TRIAGE).render_text() == "support/triage"
    with pytest.raises(ConfigError, match="answers 401: it does not accept the token"):
        client.get("support/triage:rev:2")


def test_a_lookup_is_never_older_than_a_change_that_its_client_knows(
    service: PromptService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have heard of the change from another process of the server, while this one still keeps the old answer."""
    monkeypatch.setattr(ChangeFeed, "wait", lambda _, __, ___, stopped: until(stopped))
    service.register_text("support/triage", "old", alias="production")
    with in_thread(create_app(service.settings)) as port:
        source = HttpSource(AppSettings(source="http", url=f"http://127.0.0.1:{port}"))
        resolve = f"http://127.0.0.1:{port}/api/v1/prompts/support/triage/resolve?selector=production"
        assert urllib3.request("GET", resolve).json()["revision"] == 1
        service.register_text("support/triage", "new", alias="production")
        assert urllib3.request("GET", resolve).json()["revision"] == 1
        assert source.find(PromptRef.parse(TRIAGE)).view.revision == 2
        source.close()
