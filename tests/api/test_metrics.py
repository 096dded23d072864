"""Metrics of the server, with one worker and with several."""

import re
import signal
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest
from apis import API, bearer, client_for, token_of
from prometheus_client.parser import text_string_to_metric_families
from registries import on_sqlite
from servers import promptdb_serve
from starlette.testclient import TestClient
from waiting import until

from promptdb import PromptService, create_app

pytestmark = on_sqlite

COUNT = "promptdb_http_request_duration_seconds_count"


@pytest.fixture
def client(service: PromptService) -> Iterator[TestClient]:
    service.register_text("a/one", "1")
    with client_for(create_app(service.settings.model_copy(update={"enable_metrics": True}))) as found:
        yield found


def samples(text: str) -> dict[tuple[str, ...], float]:
    """The values of metrics, by their names and labels."""
    return {
        (
            sample.name,
            *(sample.labels[name] for name in ("method", "route", "status") if name in sample.labels),
        ): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_requests_are_counted_by_the_template_of_their_path(client: TestClient) -> None:
    for _ in range(3):
        client.get(f"{API}/prompts/a/one/resolve")
    client.get(f"{API}/prompts/a/two/resolve")
    client.get(f"{API}/nothing/{'x' * 50}")
    client.request("INVENTED", f"{API}/prompts/a/one/resolve")
    answer = client.get("metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = samples(answer.text)
    route = "/prompts/{prompt}/resolve"
    assert found[COUNT, "GET", route, "200"] == 3
    assert found[COUNT, "GET", route, "404"] == 1
    assert found[COUNT, "GET", "none", "404"] == 1
    assert {key[1] for key in found if key[0] == COUNT} == {"GET", "other"}
    assert found["promptdb_generation",] == 1
    assert found["promptdb_event_streams",] == 0
    assert found["promptdb_webhook_deliveries_waiting",] == 0
    assert not re.search("xxx|INVENTED|a/one", answer.text)


def test_metrics_need_a_token_for_the_whole_registry(service: PromptService, client: TestClient) -> None:
    tokens = [token_of(service, scope, name=f"t{number}") for number, scope in enumerate(("read@a", "read"))]
    statuses = [client.get("metrics", headers=bearer(token)).status_code for token in tokens]
    assert [*statuses, client.get("metrics").status_code] == [403, 200, 401]


def test_without_the_setting_there_are_none(service: PromptService) -> None:
    with client_for(create_app(service.settings)) as client:
        assert client.get("metrics").status_code == 404


@pytest.mark.slow
def test_several_workers_add_up(service: PromptService, monkeypatch: pytest.MonkeyPatch) -> None:
    service.register_text("a/one", "1")
    monkeypatch.setenv("PROMPTDB_ENABLE_METRICS", "true")

    def ask(path: str) -> str:
        # A connection of its own, which any worker may take.
        connection = HTTPConnection("127.0.0.1", served.port, timeout=60)
        connection.request("GET", path)
        text = connection.getresponse().read().decode()
        connection.close()
        return text

    with promptdb_serve(service.settings, "--workers", "2") as served:
        for _ in range(20):
            ask("/api/v1/prompts/a/one/resolve")
        until(lambda: samples(ask("/metrics"))[COUNT, "GET", "/prompts/{prompt}/resolve", "200"] == 20)
        assert served.stop(signal.SIGTERM) == 0
