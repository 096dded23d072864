"""The app itself: its headers, its path, its document, and the extra that it needs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from apis import API, bearer, client_for, token_of
from fastapi.routing import APIRoute
from registries import on_sqlite
from starlette.testclient import TestClient

import promptdb
from promptdb import AppSettings, PromptService, create_app
from promptdb.api.routes import ROUTERS
from promptdb.errors import MissingExtra

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("path", ["healthz", "nothing", "changes?wait=x"])
@on_sqlite
def test_every_answer_has_headers_for_browsers_and_logs(api: TestClient, path: str) -> None:
    answer = api.get(path, headers={"Origin": "https://example.com", "X-Request-Id": "abc-1"})
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert answer.headers["x-request-id"] == "abc-1"
    assert [name for name in answer.headers if name.startswith("access-control")] == []


@pytest.mark.parametrize("given", ["", "a b", "x" * 200, "<script>"])
@on_sqlite
def test_a_request_gets_an_id_if_it_has_no_sound_one(api: TestClient, given: str) -> None:
    answer = api.get("healthz", headers={"X-Request-Id": given})
    assert len(answer.headers["x-request-id"]) == 32


@on_sqlite
def test_head_is_get_without_a_body(api: TestClient, service: PromptService) -> None:
    service.register_text("a/one", "Hello")
    got, head = (api.request(method, "prompts/a/one/resolve") for method in ("GET", "HEAD"))
    assert (head.status_code, head.content) == (200, b"")
    assert (head.headers["etag"], head.headers["content-length"]) == (
        got.headers["etag"],
        got.headers["content-length"],
    )


@on_sqlite
def test_the_path_of_the_api_is_a_setting(service: PromptService) -> None:
    service.register_text("a/b/c", "Hello")
    settings = service.settings.model_copy(update={"api_prefix": "/prompt-api"})
    with client_for(create_app(settings)) as client:
        assert client.get("/prompt-api/prompts/a%2Fb%2Fc/resolve").json()["prompt"] == "a/b/c"
        assert client.get("/prompt-api/prompts/a/b/c/resolve").json()["prompt"] == "a/b/c"
        assert client.get("/api/v1/prompts/a/b/c/resolve").status_code == 404


@on_sqlite
def test_an_app_starts_again_after_its_end(service: PromptService) -> None:
    service.register_text("a/one", "1", alias="production")
    app = create_app(service.settings)
    for text in ("1", "2"):
        service.register_text("a/one", text, alias="production")
        with client_for(app) as client:
            found = client.get("/api/v1/prompts/a/one/resolve?selector=production").json()
            assert found["spec"]["template"] == text


@on_sqlite
def test_pages_of_other_origins_are_let_in_by_a_setting(service: PromptService) -> None:
    token = bearer(token_of(service, "read"))
    settings = service.settings.model_copy(update={"cors_origins": ["https://app.example"]})
    with client_for(create_app(settings), API) as client:
        for origin, allowed in [
            ("https://app.example", "https://app.example"),
            ("https://app.example.evil.example", None),
            ("http://app.example", None),
            ("null", None),
        ]:
            asked = {
                "Origin": origin,
                "Access-Control-Request-Method": "PUT",
                "Access-Control-Request-Headers": "if-match",
            }
            before = client.options("changes", headers=asked)
            assert before.status_code == (200 if allowed else 400)
            assert before.headers.get("access-control-allow-origin") == allowed
            assert allowed or before.headers["content-type"] == "application/problem+json"
            for headers, status in ((token, 200), ({}, 401)):
                answer = client.get("changes", headers={"Origin": origin, **headers})
                assert (answer.status_code, answer.headers.get("access-control-allow-origin")) == (status, allowed)
                assert "access-control-allow-credentials" not in answer.headers


def test_without_fastapi_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastapi", None)
    with pytest.raises(MissingExtra, match="needs FastAPI") as caught:
        promptdb.create_app(AppSettings())
    assert caught.value.hint == "pip install 'promptdb-git[api]'"


def test_the_document_is_what_the_app_makes() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "openapi.py")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert (ROOT / "docs" / "openapi.json").read_text() == printed, "run: python scripts/openapi.py > docs/openapi.json"


def test_every_route_declares_its_answer_and_its_problems() -> None:
    document = json.loads((ROOT / "docs" / "openapi.json").read_text())
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    assert len(operations) == len({operation["operationId"] for operation in operations}) == len(routes)
    for operation in operations:
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                assert set(answer["content"]) == {"application/problem+json"}, operation["operationId"]
            elif int(status) < 300 and status != "204":
                assert all(content.get("schema") for content in answer["content"].values()), operation["operationId"]
        assert operation["description"]
