"""Tokens at the door of the HTTP API: one answer for all that are not valid, and nothing outside of a scope."""

import asyncio
import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from apis import API, bearer, client_for, token_of
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from registries import Fill, Rows, dump, rows, write
from starlette.testclient import TestClient
from starlette.types import Message, Scope

from promptdb import PromptService, create_app
from promptdb.api import gate
from promptdb.api.auth import Need
from promptdb.api.foreign import langfuse, ofrep
from promptdb.api.gate import Gate
from promptdb.api.routes import ROUTERS
from promptdb.domain.access import UNLIMITED, Grant
from promptdb.domain.plan import Policy
from promptdb.domain.scopes import Scope as TokenScope
from promptdb.domain.tokens import token_text
from promptdb.errors import StorageError
from promptdb.project.load import load_tree
from promptdb.registry import tokens
from promptdb.registry.tokens import list_tokens, revoke_token
from promptdb.sync.sync_tree import sync_tree

RESOLVE = "prompts/support/triage/resolve"
NO_TOKEN = token_text("0123456789" * 3)
PUBLIC = {"/healthz", "/readyz"}


@pytest.fixture
def backend() -> str:
    return "sqlite"


@pytest.fixture
def service(recorded: Callable[[Fill], PromptService]) -> PromptService:
    return recorded(fill)


def fill(service: PromptService) -> None:
    service.register_text("support/triage", "Triage", alias="production")
    service.register_text("support/eu/triage", "Triage in the EU", alias="production")
    service.register_text("legal/terms", "Terms", alias="production")


# Who gets in


def test_without_tokens_everyone_on_this_machine_may_read(api: TestClient) -> None:
    assert api.get(RESOLVE).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "attacker.example"},
        {"Origin": "https://attacker.example"},
        {"X-Forwarded-For": "203.0.113.9"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_without_tokens_a_web_page_or_proxy_gets_nothing(api: TestClient, headers: dict[str, str]) -> None:
    for method, path in (("GET", RESOLVE), ("POST", "preload"), ("GET", "nothing")):
        answer = api.request(method, path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "not-local")
        assert "Triage" not in answer.text
    assert api.get("healthz", headers=headers).status_code == 200


def test_without_tokens_another_machine_gets_nothing_however_the_server_was_started(service: PromptService) -> None:
    app = create_app(service.settings)
    with TestClient(app, base_url="http://127.0.0.1:8000", client=("192.168.1.9", 1)) as client:
        assert client.get(f"{API}/{RESOLVE}").json()["detail"].endswith("it did not come from this machine")
    with TestClient(app, base_url="http://192.168.1.2:8000", client=("127.0.0.1", 1)) as client:
        assert client.get(f"{API}/{RESOLVE}").status_code == 403


def test_the_first_token_closes_a_server_that_runs(
    api: TestClient, service: PromptService, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert api.get(RESOLVE).status_code == 200
    token = token_of(service, "read")
    monkeypatch.setattr("promptdb.api.remembered.FRESH", 0)
    monkeypatch.setattr("promptdb.api.remembered.IDLE", 0)
    assert api.get(RESOLVE).status_code == 401
    assert api.get(RESOLVE, headers=bearer(token)).status_code == 200
    revoke_token(service.registry, "test")
    assert api.get(RESOLVE).status_code == 401


def not_valid(service: PromptService) -> dict[str, list[str]]:
    """Values of `Authorization`, by their faults."""
    valid = token_of(service, "admin", name="valid")
    expired, revoked = token_of(service, "admin", name="expired"), token_of(service, "admin", name="revoked")
    revoke_token(service.registry, "revoked")
    with service.engine.begin() as connection:
        past = datetime.now(UTC) - timedelta(days=1)
        connection.exec_driver_sql(
            "UPDATE api_tokens SET expires_at = ? WHERE name = 'expired'", (past.isoformat(" "),)
        )
    basic = base64.b64encode(f"pk:{valid}".encode()).decode()
    return {
        "none": [],
        "unknown": [f"Bearer {NO_TOKEN}"],
        "expired": [f"Bearer {expired}"],
        "revoked": [f"Bearer {revoked}"],
        "cut off": [f"Bearer {valid[:-1]}"],
        "longer": [f"Bearer {valid}x"],
        "other case": [f"Bearer {valid.swapcase()}"],
        "wrong character": [f"Bearer {valid[:-1]}-"],
        "empty": ["Bearer ", "Bearer", ""][:1],
        "no scheme": [valid],
        "other scheme": [f"Token {valid}"],
        "basic": [f"Basic {basic}"],
        "twice": [f"Bearer {valid}", f"Bearer {valid}"],
        "two in one": [f"Bearer {valid}, Bearer {valid}"],
        "quoted": [f'Bearer "{valid}"'],
        "sql": ["Bearer ' OR 1=1 --"],
        "long": ["Bearer " + "pdb_" * 10_000],
        "not ascii": ["Bearer pdb_\xff"],
    }


def test_every_token_that_is_not_valid_gets_the_same_bytes(api: TestClient, service: PromptService) -> None:
    answers = {}
    for fault, values in not_valid(service).items():
        for path in (RESOLVE, "prompts/no/such/resolve", "nothing", "changes"):
            answer = api.get(path, headers=[("Authorization", value.encode("latin-1")) for value in values])
            plain = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
            answers[fault, path] = (answer.status_code, answer.content, tuple(plain.items()))
    [(status, body, headers)] = set(answers.values())
    assert status == 401
    assert b'"code": "unauthenticated"' in body
    assert ("www-authenticate", "Bearer") in headers
    assert list_tokens(service.registry)[0].last_used_at is None


def test_a_malformed_token_is_not_looked_up_and_any_other_by_its_hash_only(
    api: TestClient, service: PromptService, monkeypatch: pytest.MonkeyPatch
) -> None:
    valid = token_of(service, "read")
    looked_up: list[str] = []
    found = tokens.find_token
    monkeypatch.setattr(tokens, "find_token", lambda registry, key: looked_up.append(key) or found(registry, key))
    for text in (valid, NO_TOKEN, valid[:-1], "pdb_"):
        api.get(RESOLVE, headers=bearer(text))
    assert looked_up == [tokens.token_hash(valid), tokens.token_hash(NO_TOKEN)]


def test_no_answer_or_log_has_the_token(
    api: TestClient, service: PromptService, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("DEBUG")
    valid = token_of(service, "read@legal")
    answers = [api.get(path, headers=bearer(valid)).text for path in (RESOLVE, "nothing", f"changes?since={NO_TOKEN}")]

    def fail(*_: object) -> None:
        raise StorageError("the database failed", "start it")

    monkeypatch.setattr(tokens, "find_token", fail)
    refused = api.get(RESOLVE, headers=bearer(NO_TOKEN))
    assert (refused.status_code, refused.json()["code"], "start it" in refused.text) == (503, "unavailable", False)
    assert valid[4:20] not in "".join(answers) + caplog.text
    assert NO_TOKEN[4:20] not in refused.text + caplog.text.replace(f"since={NO_TOKEN}", "")


def test_a_body_is_not_read_before_the_token(api: TestClient, service: PromptService) -> None:
    token_of(service, "read")
    answer = api.post("preload", content=b"{" * 1000, headers={"Content-Type": "application/json"})
    assert answer.status_code == 401


# What a token may do


@pytest.mark.parametrize(
    ("scope", "path", "status"),
    [
        ("read", RESOLVE, 200),
        ("write", RESOLVE, 200),
        ("promote:canary", RESOLVE, 200),
        ("admin", RESOLVE, 200),
        ("read@support", RESOLVE, 200),
        ("read@support", "prompts/support%2Ftriage/resolve", 200),
        ("read@support", "prompts/support/eu/triage/resolve", 200),
        ("read@support/eu", "prompts/support/eu/triage/resolve", 200),
        ("read@support/eu", RESOLVE, 403),
        ("read@support/*", RESOLVE, 403),
        ("read@supp", RESOLVE, 403),
        ("read@Support", RESOLVE, 403),
        ("read@legal", RESOLVE, 403),
        ("read@support", "prompts/legal/terms/resolve", 403),
        ("read@support", "prompts/legal/no-such/resolve", 403),
        ("read@support", "prompts/support/no-such/resolve", 404),
        ("read@support", "prompts/Support/triage/resolve", 403),
        ("read@support", "prompts/support/%2e%2e/legal/terms/resolve", 422),
        ("read@support", "prompts/support%2F..%2Flegal%2Fterms/resolve", 422),
        ("read@support", "prompts/support%252Ftriage/resolve", 422),
        ("read@support", "prompts/support%5C..%5Clegal/terms/resolve", 422),
        ("read@support", "prompts//support/triage/resolve", 422),
        ("read@support", "prompts/support%00/triage/resolve", 422),
        ("read@default", "prompts/triage/resolve", 422),
    ],
)
def test_a_scope_opens_its_own_namespaces_only(
    api: TestClient, service: PromptService, scope: str, path: str, status: int
) -> None:
    # As it is, since the client would resolve `..`.
    answer = api.get(f"http://127.0.0.1:8000{API}/{path}", headers=bearer(token_of(service, scope)))
    assert answer.status_code == status, answer.text
    assert "Terms" not in answer.text


def test_a_refusal_names_the_scope_that_is_needed_and_says_nothing_about_the_prompt(
    api: TestClient, service: PromptService
) -> None:
    token = bearer(token_of(service, "read@support"))
    there, absent = (api.get(f"prompts/legal/{name}/resolve", headers=token) for name in ("terms", "no-such"))
    assert there.json() == absent.json()
    assert (there.json()["scope"], there.json()["code"]) == ("read@legal", "forbidden")
    assert "promptdb token create NAME --scope read@legal" in there.json()["hint"]


def test_a_hint_lists_no_name_from_outside_the_scope(api: TestClient, service: PromptService) -> None:
    service.register_text("secret/triaged", "x")
    limited, whole = token_of(service, "read@support"), token_of(service, "read", name="whole")
    path = "prompts/support/triaged/resolve"
    assert "secret/triaged" in api.get(path, headers=bearer(whole)).text
    refused = api.get(path, headers=bearer(limited))
    assert (refused.status_code, "hint" in refused.json()) == (404, False)
    [answer] = api.post("preload", json={"refs": ["support/triaged"]}, headers=bearer(limited)).json()["answers"]
    assert "secret" not in str(answer)


def renamed(service: PromptService) -> None:
    """Rename `support/old` to `secret/new`, which the scope of `support` does not cover."""
    root = service.settings.prompts_path
    write(root, {"support/old.txt": "Old"})
    sync_tree(service.registry, load_tree(service.settings), Policy())
    (root / "support/old.txt").unlink()
    write(root, {"secret/new.yaml": "template: New\nrenamed_from: [support/old]\n"})
    sync_tree(service.registry, load_tree(service.settings), Policy())


@pytest.mark.parametrize("selector", ["latest", "rev:1", "no-such", "production"])
def test_a_prompt_that_was_renamed_out_of_the_scope_looks_as_if_it_was_never_there(
    api: TestClient, service: PromptService, selector: str
) -> None:
    renamed(service)
    limited = bearer(token_of(service, "read@support"))
    gone, absent = (
        api.get(f"prompts/support/{name}/resolve?selector={selector}", headers=limited) for name in ("old", "neo")
    )
    assert (gone.status_code, gone.text.replace("old", "neo")) == (404, absent.text)
    refs = {"refs": [f"support/old:{selector}", f"support/neo:{selector}"]}
    answers = api.post("preload", json=refs, headers=limited).json()["answers"]
    assert answers[0]["problem"] == {**answers[1]["problem"], "detail": "there is no prompt support/old"}
    both = bearer(token_of(service, "read@support", "read@secret", name="both"))
    assert api.get("prompts/support/old/resolve", headers=both).json()["prompt"] == "secret/new"


def test_lists_and_changes_have_the_prompts_of_the_scope_only(api: TestClient, service: PromptService) -> None:
    limited = bearer(token_of(service, "read@support"))
    loaded = api.post("preload", json={"alias": "production"}, headers=limited).json()["versions"]
    assert sorted(version["prompt"] for version in loaded) == ["support/eu/triage", "support/triage"]
    refs = {"refs": ["legal/terms", "support/triage", "support/triage:" + loaded[0]["id"]]}
    answers = api.post("preload", json=refs, headers=limited).json()["answers"]
    assert [answer.get("problem", {}).get("code") for answer in answers][:2] == ["forbidden", None]
    since = api.get("changes", headers=limited).json()["generation"]
    service.register_text("legal/terms", "Other terms")
    service.register_text("support/triage", "Other triage")
    assert api.get(f"changes?since={since}", headers=limited).json()["prompts"] == ["support/triage"]


def test_the_version_of_another_prompt_is_not_found_by_its_id(api: TestClient, service: PromptService) -> None:
    other = service.resolve("legal/terms").id
    answer = api.get(f"{RESOLVE}?selector={other}", headers=bearer(token_of(service, "read@support")))
    assert (answer.status_code, answer.json()["code"]) == (404, "version-not-found")


def test_a_write_names_its_token(service: PromptService) -> None:
    with client_for(create_app(service.settings)) as client:
        served = client.app.state.served  # type: ignore[attr-defined]
        grant = Grant((TokenScope.parse("admin"),), "token:ci", 7)
        own = served.service_for(grant)
        own.register_text("support/triage", "By a token", alias="staging")
        assert own.resolve("support/triage").created_by == "token:ci"
        assert served.service_for(grant) is own
        assert served.service_for(UNLIMITED) is served.service
        assert own.blobs is served.service.blobs
    assert [row["actor"] for row in rows(service.engine, "alias_events") if row["alias"] == "staging"] == ["token:ci"]


# The routes


def needs_of(dependant: Dependant) -> list[Need]:
    found = [dependant.call] if isinstance(dependant.call, Need) else []
    return [*found, *(need for inner in dependant.dependencies for need in needs_of(inner))]


def test_every_route_needs_a_scope_and_says_so_in_the_document(api: TestClient) -> None:
    routes = [route for router in ROUTERS for route in router.routes]
    assert all(isinstance(route, APIRoute) for route in routes)
    needs: dict[tuple[str, str], list[str]] = {}
    for route in routes:
        if isinstance(route, APIRoute):
            actions = [str(need.action) for need in needs_of(route.dependant)]
            needs.update(((method, route.path_format), actions) for method in route.methods or ())
    needs["GET", "/prompts/{prompt}/resolve"] += ["read"]  # which it asks for without FastAPI
    assert {path for (_, path), actions in needs.items() if len(actions) != 1} == PUBLIC
    document = api.get("openapi.json").json()
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    shown = {
        (method.upper(), path.removeprefix(API)): [
            scope for way in operation.get("security", []) for scope in way["token"]
        ]
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    assert shown == needs


def test_no_route_answers_without_a_token_foreign_ones_neither(service: PromptService) -> None:
    token_of(service, "admin")
    routes = [route for router in (*ROUTERS, ofrep.router, langfuse.router) for route in router.routes]
    paths = {(method, r.path_format) for r in routes if isinstance(r, APIRoute) for method in r.methods or ()}
    with client_for(create_app(service.settings.model_copy(update={"ofrep": True, "langfuse_api": True}))) as client:
        answered = {
            (method, path)
            for method, path in paths
            for prefix in ("", API)
            if client.request(method, prefix + path.replace("{", "").replace("}", "")).status_code != 401
        }
    assert answered == {("GET", path) for path in PUBLIC}


def recorded(service: PromptService) -> Rows:
    """All rows but the last uses of tokens."""
    return {name: found for name, found in dump(service.engine).items() if name != "api_tokens"}


def operations_on_prompts(api: TestClient) -> list[tuple[str, str]]:
    """Methods and paths of all routes with a prompt in their path, other parts filled in."""
    found = []
    for path, operations in api.get("openapi.json").json()["paths"].items():
        filled = path.replace("{alias}", "production").replace("{selector}", "latest").replace("{path}", "_a.csv")
        if "{prompt}" in path:
            assert filled.count("{") == 1, "fill in the new parameter above"
            found += [(method.upper(), filled.removeprefix(f"{API}/")) for method in operations]
    return found


def test_no_route_shows_or_changes_a_prompt_outside_of_the_scope(api: TestClient, service: PromptService) -> None:
    renamed(service)
    scopes = [f"{action}@support" for action in ("read", "write", "promote:*", "admin")]
    limited = bearer(token_of(service, *scopes))
    before = recorded(service)
    operations = operations_on_prompts(api)
    assert len(operations) > 0
    for method, path in operations:
        send = partial(api.request, method, headers={**limited, "If-Match": "*"}, json=None if method == "GET" else {})
        for outside in ("legal/terms", "legal%2Fterms", "secret/new"):
            refused = send(path.replace("{prompt}", outside))
            assert (refused.status_code, refused.json()["code"]) == (403, "forbidden"), (method, path)
        gone, absent = (send(path.replace("{prompt}", f"support/{name}")) for name in ("old", "neo"))
        if gone.status_code != 404 or absent.status_code != 404:
            assert (gone.status_code, absent.status_code) == (404, 422), (method, path)
        assert gone.json()["detail"] == "there is no prompt support/old", (method, path)
        assert "secret" not in gone.text
    assert recorded(service) == before


@pytest.mark.parametrize(("scope", "allowed"), [("read@support", "GET"), ("promote:canary@support", "GET")])
def test_a_route_that_changes_something_needs_more_than_to_read(
    api: TestClient, service: PromptService, scope: str, allowed: str
) -> None:
    token = bearer(token_of(service, scope))
    before = recorded(service)
    for method, path in operations_on_prompts(api):
        is_reading = method == allowed or path.endswith("/render") or path.startswith("exports/")
        answer = api.request(method, path.replace("{prompt}", "support/triage"), headers=token, json={})
        assert (answer.status_code == 403) != is_reading, (method, path, answer.text)
    assert recorded(service) == before


# Long answers, and last uses


@pytest.mark.parametrize("end", ["revoked", "fails", None])
def test_a_stream_ends_with_its_token(end: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "AGAIN", 0)
    grants: list[Grant | None] = [UNLIMITED, UNLIMITED, None if end else UNLIMITED, UNLIMITED]

    async def grant_of(_: str) -> Grant | None:
        if end == "fails" and len(grants) == 2:
            raise StorageError("gone")
        return grants.pop(0)

    async def stream(_: Scope, __: Any, send: Callable[[Message], Any]) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for part in (b"1", b"2", b"3"):
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    state = SimpleNamespace(served=SimpleNamespace(doorkeeper=SimpleNamespace(grant_of=grant_of)))
    headers = [(b"authorization", f"Bearer {NO_TOKEN}".encode())]
    scope = {"type": "http", "path": "/", "headers": headers, "app": SimpleNamespace(state=state), "state": {}}
    asyncio.run(Gate(stream, frozenset())(scope, None, send))  # type: ignore[arg-type]
    assert b"".join(message.get("body", b"") for message in sent) == (b"1" if end else b"123")
    assert [message.get("more_body", True) for message in sent].count(False) == 1


@pytest.mark.parametrize(("path", "status"), [("/api/public/v2/prompts/x", 404), (f"{API}/{RESOLVE}", 401)])
def test_basic_is_for_the_path_of_langfuse_only(service: PromptService, path: str, status: int) -> None:
    secret = base64.b64encode(f"pk-any:{token_of(service, 'read')}".encode()).decode()
    app = create_app(service.settings)
    [langfuse] = [layer for layer in app.user_middleware if layer.cls is Gate]
    langfuse.kwargs["basic"] = "/api/public/"
    with client_for(app) as client:
        assert client.get(path, headers={"Authorization": f"Basic {secret}"}).status_code == status
        for broken in ("Basic", "Basic !", "Basic cGs=", f"Basic {base64.b64encode(b'x').decode()}"):
            assert client.get(path, headers={"Authorization": broken}).status_code == 401


def test_uses_are_noted_when_the_server_ends_and_a_failure_refuses_no_one(
    service: PromptService, monkeypatch: pytest.MonkeyPatch
) -> None:
    used, unused = token_of(service, "read", name="used"), token_of(service, "read", name="unused")
    assert used != unused
    before = datetime.now(UTC).replace(second=0, microsecond=0)
    with client_for(create_app(service.settings), API) as client:
        assert client.get(RESOLVE, headers=bearer(used)).status_code == 200
    noted = [token.last_used_at for token in list_tokens(service.registry)]
    assert noted[0] is not None
    assert noted[0] >= before
    assert (noted[0].second, noted[0].microsecond, noted[1]) == (0, 0, None)

    def fail(*_: object) -> None:
        raise StorageError("read-only")

    monkeypatch.setattr(tokens, "note_uses", fail)
    with client_for(create_app(service.settings), API) as client:
        assert client.get(RESOLVE, headers=bearer(used)).status_code == 200
