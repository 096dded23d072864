"""Webhooks over HTTP, and the worker of the server that sends them."""

import signal
from threading import Event
from typing import Any

import pytest
from apis import API, bearer, client_for, token_of
from hooks import NOWHERE, hook, make_due
from killed_moves import kill_while_moving, require_all_promises, two_versions
from receiver import WAIT, Receiver
from registries import on_sqlite, settings_for
from sampling import sampled
from servers import promptdb_serve
from standardwebhooks.webhooks import Webhook
from starlette.testclient import TestClient

from promptdb import PromptService, create_app
from promptdb.registry.webhooks import list_deliveries, list_webhooks


def test_a_webhook_is_added_listed_and_removed(api: TestClient, service: PromptService) -> None:
    made = api.post("webhooks", json={"url": NOWHERE, "events": ["alias.moved"], "namespace": "support"})
    assert made.status_code == 201
    assert made.json().keys() == {"webhook", "secret"}
    listed = api.get("webhooks").json()
    assert listed == {"items": [made.json()["webhook"]], "next": None}
    assert listed["items"][0] | {"created_at": None} == {
        "id": 1,
        "url": NOWHERE,
        "events": ["alias.moved"],
        "namespace": "support",
        "created_by": "tester",
        **dict.fromkeys(("created_at", "rests_until", "disabled_at", "disabled_reason")),
        "pending": 0,
        "failed": 0,
    }
    assert made.json()["secret"] not in api.get("webhooks").text
    assert api.delete("webhooks/1").status_code == 204
    assert api.delete("webhooks/1").status_code == 404
    assert list_webhooks(service.registry) == []


def test_the_server_sends_what_a_change_promised(service: PromptService, receiver: Receiver) -> None:
    settings = settings_for(
        service.settings.database_url.get_secret_value(),
        service.settings.base,
        webhook_private_networks=["127.0.0.0/8"],
    )
    with client_for(create_app(settings), API) as api:
        secret = api.post("webhooks", json={"url": receiver.url}).json()["secret"]
        service.register_text("support/triage", "one", alias="production")
        for request in receiver.wait_for(2):
            Webhook(secret).verify(request.body, dict(request.headers))
    assert receiver.types == ["version.created", "alias.moved"]
    assert {found.state for found in list_deliveries(service.registry)} == {"delivered"}


def test_deliveries_have_pages_and_are_replayed(api: TestClient, service: PromptService) -> None:
    hook(service, "https://hooks.invalid/", "alias.moved")
    service.register_text("a/one", "One")
    for alias in ("staging", "production", "canary"):
        service.promote("a/one", alias)
    first = api.get("webhooks/1/deliveries", params={"limit": 2}).json()
    second = api.get("webhooks/1/deliveries", params={"limit": 2, "cursor": first["next"]}).json()
    found = [*first["items"], *second["items"]]
    assert [item["id"] for item in found] == [3, 2, 1]
    assert second["next"] is None
    assert {item["event"] for item in found} == {"alias.moved"}
    assert api.get("webhooks/1/deliveries", params={"state": "delivered"}).json()["items"] == []
    assert api.post("webhooks/1/replay", json={"deliveries": [1, 3]}).json() == {"deliveries": 2}
    assert api.post("webhooks/1/replay", json={}).json() == {"deliveries": 0}
    assert api.post("webhooks/1/replay", json={"deliveries": [9]}).status_code == 404


@on_sqlite
@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "webhooks", {"url": "https://127.0.0.1/"}, 422),
        ("POST", "webhooks", {"url": "https://[::ffff:169.254.169.254]/latest/meta-data"}, 422),
        ("POST", "webhooks", {"url": "http://hooks.example.com/"}, 422),
        ("POST", "webhooks", {"url": "https://ann:secret@hooks.example.com/"}, 422),
        ("POST", "webhooks", {"url": "file:///etc/passwd"}, 422),
        ("POST", "webhooks", {"url": NOWHERE, "events": ["alias.promoted"]}, 422),
        ("POST", "webhooks", {"url": NOWHERE, "namespace": "a/../b"}, 422),
        ("POST", "webhooks", {"url": NOWHERE, "secret": "whsec_mine"}, 422),
        ("POST", "webhooks", {"url": "https://hooks.example.com/\r\nX: y"}, 422),
        ("POST", "webhooks", {}, 422),
        ("GET", "webhooks/7/deliveries", None, 404),
        ("GET", "webhooks/x/deliveries", None, 422),
        ("GET", "webhooks/0/deliveries", None, 422),
        ("GET", "webhooks/99999999999/deliveries", None, 422),
        ("GET", "webhooks/7", None, 405),
        ("PUT", "webhooks", None, 405),
        ("POST", "webhooks/7/replay", {}, 404),
        ("POST", "webhooks/7/replay", {"deliveries": []}, 422),
        ("POST", "webhooks/7/replay", {"deliveries": ["1"]}, 422),
    ],
)
def test_what_cannot_be_is_a_problem(
    api: TestClient, service: PromptService, method: str, path: str, body: Any, status: int
) -> None:
    answer = api.request(method, path, **({} if body is None else {"json": body}))
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert "secret@" not in answer.text
    assert list_webhooks(service.registry) == []


@on_sqlite
@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"url": "https://10.0.0.1/"}, "body.url"),
        ({"url": "http://hooks.example.com/"}, "body.url"),
        ({"url": "https://hooks.example.com/?a=[b"}, None),
        ({"url": "https://[::1/"}, "body.url"),
        ({"url": NOWHERE, "events": ["alias.moved", "alias.promoted"]}, "body.events"),
        ({"url": NOWHERE, "namespace": "a//b"}, "body.namespace"),
        ({"events": []}, "body.url"),
    ],
)
def test_a_wrong_field_is_named(api: TestClient, body: dict[str, Any], place: str | None) -> None:
    answer = api.post("webhooks", json=body)
    if place is None:
        assert answer.status_code == 201
        return
    found = answer.json()
    assert (answer.status_code, found["code"], found["errors"][0]["place"]) == (422, "invalid-request", place)
    assert found["detail"].startswith(f"{place}: ")
    assert found["hint"]


@on_sqlite
@pytest.mark.parametrize("scope", ["read", "write", "promote:*", "admin@support"])
def test_webhooks_are_for_administrators_of_the_registry(api: TestClient, service: PromptService, scope: str) -> None:
    hook(service)
    headers = bearer(token_of(service, scope))
    requests: list[tuple[str, str, Any]] = [
        ("GET", "webhooks", None),
        ("POST", "webhooks", {"url": NOWHERE}),
        ("DELETE", "webhooks/1", None),
        ("GET", "webhooks/1/deliveries", None),
        ("POST", "webhooks/1/replay", {}),
    ]
    for method, path, body in requests:
        for given, status in ((headers, 403), ({}, 401)):
            answer = api.request(method, path, headers=given, **({} if body is None else {"json": body}))
            assert answer.status_code == status
            assert "hooks.example.com" not in answer.text
    assert len(list_webhooks(service.registry)) == 1


@on_sqlite
def test_a_webhook_names_the_token_that_added_it(api: TestClient, service: PromptService) -> None:
    headers = bearer(token_of(service, "admin", name="ops"))
    made = api.post("webhooks", json={"url": NOWHERE}, headers=headers)
    assert "ops" in made.json()["webhook"]["created_by"]


@sampled(("sqlite",))
@pytest.mark.slow
def test_a_server_that_is_killed_while_it_sends_loses_nothing(
    service: PromptService, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMPTDB_WEBHOOK_PRIVATE_NETWORKS", '["127.0.0.0/8"]')
    hook(service, receiver.url, "alias.moved")
    service.register_text("a/one", "One")
    killed = Event()
    receiver.answers.append(lambda _: killed.wait(WAIT))
    with promptdb_serve(service.settings) as first:
        service.promote("a/one", "production")
        receiver.wait_for(1)
        service.promote("a/one", "staging")
        first.process.send_signal(signal.SIGKILL)
        first.process.wait(WAIT)
    killed.set()
    make_due(service)  # as it is when the lease is over
    with promptdb_serve(service.settings) as second:
        receiver.wait_for(3)
        assert second.stop() == 0  # once it has written what became of them
    assert [request.json["data"]["alias"] for request in receiver.requests] == ["production", "production", "staging"]
    assert receiver.requests[0].id == receiver.requests[1].id
    assert {found.state for found in list_deliveries(service.registry)} == {"delivered"}


@pytest.mark.slow
@on_sqlite
def test_a_server_that_is_killed_while_aliases_move_loses_no_promise(
    service: PromptService, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMPTDB_WEBHOOK_PRIVATE_NETWORKS", '["127.0.0.0/8"]')
    two_versions(service, receiver)
    answered = kill_while_moving(service, answers=20)
    require_all_promises(service, receiver, answered, kills=1)
