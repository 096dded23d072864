"""Each answer that is not a success is problem details, and nothing of the server shows in it."""

import logging

import pytest
from apis import client_for
from registries import on_sqlite
from starlette.testclient import TestClient

from promptdb import AppSettings, PromptService, create_app, errors
from promptdb.api.front import MAX_BODY
from promptdb.api.problems import STATUSES, status_of
from promptdb.api.served import Served
from promptdb.domain.wire.problem import _KINDS as KINDS
from promptdb.errors import ConfigError, IntegrityFailure, LockTimeout, MissingExtra, PromptDBError, StorageError

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "code"),
    [
        ("GET", "nothing", None, {}, 404, "not-found"),
        ("GET", "prompts/", None, {}, 404, "not-found"),
        ("GET", "prompts/hello", None, {}, 422, "invalid-ref"),
        ("GET", "changes/", None, {}, 404, "not-found"),
        ("GET", "../../etc/passwd", None, {}, 404, "not-found"),
        ("GET", "prompts/a/none/resolve", None, {}, 404, "prompt-not-found"),
        ("GET", "prompts/a/one/resolve?selector=none", None, {}, 404, "version-not-found"),
        ("GET", "prompts/a/one/resolve?selector=rev:x", None, {}, 422, "invalid-ref"),
        ("GET", "prompts/a/one/resolve?selector=", None, {}, 422, "invalid-ref"),
        ("GET", "prompts/a/one/resolve?selector=%00", None, {}, 422, "invalid-ref"),
        ("GET", "prompts/a/one:latest/resolve", None, {}, 422, "invalid-ref"),
        ("GET", "prompts/a/..%2f..%2fetc/resolve", None, {}, 422, "invalid-ref"),
        ("GET", "prompts/%2e%2e%2f%2e%2e%2fetc/resolve", None, {}, 422, "invalid-ref"),
        ("GET", "prompts/a//one/resolve", None, {}, 422, "invalid-ref"),
        ("GET", "prompts/a/o%00ne/resolve", None, {}, 422, "invalid-ref"),
        ("GET", "prompts/a%252Fone/b/resolve", None, {}, 422, "invalid-ref"),
        ("GET", "prompts/a/%ff%fe/resolve", None, {}, 422, "invalid-ref"),
        ("GET", f"prompts/a/{'x' * 600}/resolve", None, {}, 422, "invalid-ref"),
        ("DELETE", "changes", None, {}, 405, "method-not-allowed"),
        ("POST", "prompts/a/one/resolve", None, {}, 405, "method-not-allowed"),
        ("BREW", "changes", None, {}, 405, "method-not-allowed"),
        ("GET", "changes?since=x", None, {}, 422, "invalid-request"),
        ("GET", "changes?wait=31", None, {}, 422, "invalid-request"),
        ("GET", "changes?wait=nan", None, {}, 422, "invalid-request"),
        ("POST", "preload", b"", {}, 422, "invalid-request"),
        ("POST", "preload", b"{}", {}, 415, "unsupported-media-type"),
        ("POST", "preload", b"{}", {"Content-Type": "text/plain"}, 415, "unsupported-media-type"),
        ("POST", "preload", b"{", JSON, 400, "bad-request"),
        ("POST", "preload", b"\xff", JSON, 400, "bad-request"),
        ("POST", "preload", b'{"alias":"x","alias":"y"}', JSON, 400, "bad-request"),
        ("POST", "preload", b'{"alias":NaN}', JSON, 400, "bad-request"),
        ("POST", "preload", b'{"alias":"\\ud800"}', JSON, 400, "bad-request"),
        ("POST", "preload", b"[" * 100_000, JSON, 400, "bad-request"),
        ("POST", "preload", b"[" * 200 + b"]" * 200, JSON, 400, "bad-request"),
        ("POST", "preload", b'{"alias":' + b"9" * 5000 + b"}", JSON, 400, "bad-request"),
        ("GET", "blame?at=2026-12-01", None, {}, 422, "invalid-request"),
        ("POST", "preload", b"[]", JSON, 422, "invalid-request"),
        ("POST", "preload", b'{"alias":1}', JSON, 422, "invalid-request"),
        ("POST", "preload", b'{"alias":"a\\u0000b"}', JSON, 422, "invalid-request"),
        ("POST", "preload", b'{"alias":"No alias"}', JSON, 422, "invalid-ref"),
        ("POST", "preload", b'{"aliases":"x"}', JSON, 422, "invalid-request"),
        ("POST", "preload", b'{"alias":"x","refs":[]}', JSON, 422, "invalid-request"),
        ("POST", "preload", b'{"refs":[' + b'"a",' * 1000 + b'"a"]}', JSON, 422, "invalid-request"),
        ("POST", "preload", b" " * (MAX_BODY + 1), JSON, 413, "too-large"),
        ("POST", "preload", b"{}", {**JSON, "Content-Length": "-1"}, 413, "too-large"),
    ],
    ids=lambda value: str(value)[:40],
)
@on_sqlite
def test_a_request_that_fails_gets_problem_details(
    api: TestClient, service: PromptService, method: str, path: str, body: bytes, headers: dict, status: int, code: str
) -> None:
    service.register_text("a/one", "Hello")
    url = f"http://127.0.0.1:8000/api/v1/{path}"  # as it is, since the client would resolve `..`
    answer = api.request(method, url, content=body, headers=headers)
    found = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert (found["code"], found["status"], found["type"]) == (code, status, f"urn:promptdb:{code}")
    assert found["title"]
    assert found["detail"]
    assert found["hint"]
    # Whoever asks over HTTP has no command line.
    assert "promptdb " not in found["hint"]
    assert answer.headers["cache-control"] == "no-store"


def test_a_move_that_is_refused_names_no_command(api: TestClient, service: PromptService) -> None:
    service.register_text("a/one", "Hello", alias="production")
    service.register_text("a/one", "Hello {name}")
    hints = [
        api.put("prompts/a/one/aliases/production", json={"selector": "rev:2", "expected": expected}).json()["hint"]
        for expected in (1, 2)
    ]
    hints.append(api.post("prompts/a/one/aliases/production/rollback", json={"expected": 1}).json()["hint"])
    assert [hint.partition(";")[0] for hint in hints] == [
        "compare rev:1 with rev:2",
        "its history shows who moved it",
        "its history has its moves",
    ]


@pytest.mark.parametrize(
    ("method", "path", "more", "place", "message"),
    [
        ("GET", "changes?since=abc", {}, "query.since", ""),
        ("GET", "events", {"headers": {"Last-Event-ID": "abc"}}, "header.Last-Event-ID", ""),
        ("GET", "versions?cursor=zzz", {}, "query.cursor", "not one of this list"),
        ("GET", "versions?limit=x", {}, "query.limit", "expected a whole number"),
        ("GET", "versions?limit=1&limit=2", {}, "query.limit", "is given twice"),
        ("GET", "prompts?archived=x", {}, "query.archived", "expected true or false"),
        ("GET", "changes?wait=x", {}, "query.wait", "expected a number"),
        ("POST", "webhooks", {"json": {}}, "body.url", "is required"),
        ("POST", "preload", {"json": {"refs": [], "alias": "x"}}, "body.refs", "cannot be combined with alias"),
        ("POST", "preload", {"json": {"alias": 1}}, "body.alias", "expected a text"),
        ("POST", "preload", {"json": {"alias": "a\nb"}}, "body.alias", "has characters that are not possible here"),
        ("POST", "webhooks", {"json": {"url": "ftp://x"}}, "body.url", "the address is not that of a web server"),
        ("POST", "webhooks", {"json": {"url": "https://x/", "namespace": "a b"}}, "body.namespace", "'a b' is not a"),
        (
            *("PUT", "prompts/a/one/aliases/x"),
            {"json": {"selector": "rev:1", "expected": 1}, "headers": {"If-Match": "*"}},
            *("body.expected", "cannot be combined with If-Match"),
        ),
    ],
    ids=lambda value: str(value)[:40],
)
@on_sqlite
def test_a_wrong_value_is_named_with_its_place_in_plain_words(
    api: TestClient, method: str, path: str, more: dict, place: str, message: str
) -> None:
    answer = api.request(method, path, **more)
    found = answer.json()
    assert (answer.status_code, found["code"]) == (422, "invalid-request")
    assert found["errors"][0]["place"] == place
    assert found["errors"][0]["message"].startswith(message)
    assert found["detail"].startswith(f"{place}: {message}")
    assert found["hint"]


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("exports/support/triage", "write support/triage/latest"),
        ("exports/support%2Ftriage", "lists the paths"),
    ],
)
@on_sqlite
def test_the_path_of_an_export_has_a_selector(api: TestClient, path: str, hint: str) -> None:
    assert hint in api.get(f"http://127.0.0.1:8000/api/v1/{path}").json()["hint"]


@on_sqlite
def test_a_body_of_unknown_length_has_the_same_limit(api: TestClient) -> None:
    answer = api.post("preload", content=iter([b" " * MAX_BODY, b" "]), headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")


@on_sqlite
def test_a_method_that_is_not_possible_is_answered_with_those_that_are(api: TestClient) -> None:
    assert api.delete("changes").headers["allow"] == "GET, HEAD"
    assert api.get("preload").headers["allow"] == "POST"


def test_every_error_of_the_tree_has_a_status() -> None:
    assert {status_of(kind) for kind in KINDS.values() if kind is not PromptDBError} == set(STATUSES.values())


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (StorageError("the database postgresql://secret-host/x failed"), 502, "storage-error"),
        (errors.Unreachable("no secret-host"), 502, "unreachable"),
        (IntegrityFailure("secret-host"), 500, "integrity-failure"),
        (ConfigError("secret-host"), 500, "config-error"),
        (MissingExtra("secret-host"), 500, "missing-extra"),
        (KeyError("secret-host"), 500, "internal-error"),
        (RecursionError("secret-host"), 500, "internal-error"),
    ],
    ids=lambda value: type(value).__name__,
)
@on_sqlite
def test_a_failure_of_the_server_is_in_its_log_only(
    api: TestClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    status: int,
    code: str,
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(Served, "changes", fail)
    with caplog.at_level(logging.ERROR, "promptdb.api"):
        answer = api.get("changes", headers={"X-Request-Id": "r-1"})
    assert (answer.status_code, answer.json()["code"], answer.json()["request_id"]) == (status, code, "r-1")
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret-host" not in answer.text
    assert "r-1" in caplog.text
    assert "secret-host" in caplog.text


@on_sqlite
def test_a_busy_registry_asks_to_come_again(api: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise LockTimeout("another writer held the database for too long", "try again")

    monkeypatch.setattr(Served, "changes", fail)
    answer = api.get("changes")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["hint"] == "try again"


@on_sqlite
def test_an_error_has_the_message_and_hint_of_the_library(api: TestClient, service: PromptService) -> None:
    service.register_text("support/triage", "Hello")
    with pytest.raises(errors.PromptNotFound) as caught:
        service.get("support/traige")
    found = api.get("prompts/support/traige/resolve").json()
    assert (found["detail"], found["hint"]) == (caught.value.message, caught.value.hint)


def test_a_registry_that_is_not_there_is_not_ready(tmp_path) -> None:
    with client_for(create_app(AppSettings(base=tmp_path))) as client:
        assert client.get("/healthz").json() == {"status": "ok"}
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert "retry-after" in answer.headers
        assert client.get("/api/v1/prompts/a/b/resolve").json()["code"] == "unavailable"
