"""Hostile writes: each is refused with its status, and changes no row."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from apis import API, bearer, client_for, token_of
from registries import Fill, Rows, dump, on_sqlite, settings_for
from starlette.testclient import TestClient

from promptdb import PromptService, create_app
from promptdb.api.front import MAX_BODY

JSON = {"Content-Type": "application/json"}
A, STAGING = "prompts/a/one", "prompts/a/one/aliases/staging"
REGISTER = "prompts/register"
TO_2: dict[str, Any] = {"selector": "rev:2"}


def two_prompts(service: PromptService) -> None:
    for name in ("a/one", "b/two"):
        for text in ("1", "2"):
            service.register_text(name, f"{text} of {name}")
        for alias in ("staging", "production"):
            service.promote(f"{name}:rev:1", alias)


@pytest.fixture(scope="module")
def registry(
    migrated_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PromptService]:
    """One for all refusals, which change nothing in it."""
    folder = tmp_path_factory.mktemp("attacked")
    with PromptService(settings_for(migrated_database("sqlite", folder), folder)) as service:
        two_prompts(service)
        yield service


@pytest.fixture(scope="module")
def api(registry: PromptService) -> Iterator[TestClient]:
    with client_for(create_app(registry.settings), API) as client:
        yield client


@pytest.fixture
def own(recorded: Callable[[Fill], PromptService]) -> PromptService:
    """A registry for a test that changes it."""
    return recorded(two_prompts)


def written(service: PromptService) -> Rows:
    """Everything but the tokens, whose last use is noted."""
    return {name: found for name, found in dump(service.engine).items() if name != "api_tokens"}


def send(api: TestClient, method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
    """Send a request with the path as it is. Only `..` would be resolved before."""
    raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    more = {**JSON, **headers} if raw is not None else headers
    return api.request(method, f"http://127.0.0.1:8000{API}/{path}", content=raw, headers=more)


PATHS = {
    "an alias named latest": ("PUT", f"{A}/aliases/latest", TO_2, 422),
    "an alias that is a revision": ("PUT", f"{A}/aliases/rev:1", TO_2, 422),
    "an alias that is a version": ("PUT", f"{A}/aliases/{uuid4()}", TO_2, 422),
    "an alias in capitals": ("PUT", f"{A}/aliases/Staging", TO_2, 422),
    "a long alias": ("PUT", f"{A}/aliases/{'x' * 200}", TO_2, 422),
    "a very long alias": ("PUT", f"{A}/aliases/{'x' * 20_000}", TO_2, 422),
    "no alias": ("PUT", f"{A}/aliases/", TO_2, 404),
    "an alias with a slash": ("PUT", f"{A}/aliases/sta%2Fging", TO_2, 422),
    "an alias with a route inside": ("POST", f"{A}/aliases/staging%2Frollback", {}, 405),
    "a rollback of an alias with a slash": ("POST", f"{A}/aliases/..%2Fproduction/rollback", None, 422),
    "encoded dots for an alias": ("DELETE", f"{A}/aliases/%2e%2e", None, 422),
    "dots to another prompt": ("PUT", f"{A}/%2e%2e/%2e%2e/b/two/aliases/staging", TO_2, 422),
    "encoded slashes to another prompt": ("PUT", "prompts/a%2F..%2Fb%2Ftwo/aliases/staging", TO_2, 422),
    "a double encoding": ("PUT", "prompts/b%252Ftwo/one/aliases/staging", TO_2, 422),
    "an empty segment": ("PUT", "prompts/a//one/aliases/staging", TO_2, 422),
    "a null in the name": ("PUT", "prompts/a/one%00/aliases/staging", TO_2, 422),
    "a null in the alias": ("PUT", f"{A}/aliases/stag%00ing", TO_2, 422),
    "a line end in the alias": ("PUT", f"{A}/aliases/staging%0d%0aX-Evil:1", TO_2, 422),
    "bytes that are not UTF-8": ("PUT", f"{A}/aliases/%ff%fe", TO_2, 422),
    "another script": ("PUT", f"{A}/aliases/%D1%95taging", TO_2, 422),
    "a prompt that is not there": ("PUT", "prompts/a/none/aliases/staging", TO_2, 404),
    "an alias of another prompt": ("POST", "prompts/a/none/aliases/staging/rollback", None, 404),
    "an alias that is not there": ("DELETE", f"{A}/aliases/canary", None, 404),
    "another method": ("POST", STAGING, TO_2, 405),
    "a patch": ("PATCH", STAGING, TO_2, 405),
}


@pytest.mark.parametrize(("method", "path", "body", "status"), PATHS.values(), ids=PATHS)
def test_a_hostile_path_is_refused(
    api: TestClient, registry: PromptService, method: str, path: str, body: Any, status: int
) -> None:
    before = written(registry)
    answer = send(api, method, path, body, {"X-HTTP-Method-Override": "PUT", "X-Rewrite-URL": f"{API}/{STAGING}"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert "x-evil" not in answer.headers
    assert written(registry) == before


BODIES: dict[str, tuple[Any, dict[str, str], int]] = {
    "none": (None, {}, 422),
    "empty": (b"", {}, 422),
    "half": (b'{"selector":"rev:2"', {}, 400),
    "not UTF-8": (b'{"selector":"\xff"}', {}, 400),
    "UTF-16": ('{"selector":"rev:2"}'.encode("utf-16"), {}, 400),
    "a key twice": (b'{"selector":"rev:1","selector":"rev:2"}', {}, 400),
    "a key twice, escaped": (b'{"selector":"rev:1","sel\\u0065ctor":"rev:2"}', {}, 400),
    "NaN": (b'{"selector":"rev:2","expected":NaN}', {}, 400),
    "Infinity": (b'{"selector":"rev:2","expected":Infinity}', {}, 400),
    "a number that overflows": (b'{"selector":"rev:2","expected":1e400}', {}, 422),
    "thousands of digits": (b'{"selector":"rev:2","expected":' + b"9" * 5000 + b"}", {}, 400),
    "a large number": ({**TO_2, "expected": 10**18}, {}, 422),
    "a negative number": ({**TO_2, "expected": -1}, {}, 422),
    "a fraction": ({**TO_2, "expected": 1.0}, {}, 422),
    "half a surrogate pair": (b'{"selector":"rev:2","reason":"\\ud800"}', {}, 400),
    "deep": (b'{"selector":' + b"[" * 50_000 + b"]" * 50_000 + b"}", {}, 400),
    "large": (b'{"selector":"rev:2","reason":"' + b"x" * MAX_BODY + b'"}', {}, 413),
    "a long reason": ({**TO_2, "reason": "x" * 1025}, {}, 422),
    "a header in the reason": ({**TO_2, "reason": "x\r\nSet-Cookie: evil=1"}, {}, 422),
    "a null in the reason": ({**TO_2, "reason": "x\0"}, {}, 422),
    "an escape of terminals in the reason": ({**TO_2, "reason": "\x1b[2J"}, {}, 422),
    "a reason that is a list": ({**TO_2, "reason": ["x"]}, {}, 422),
    "a field of ours": ({**TO_2, "actor": "admin"}, {}, 422),
    "a prototype": ({**TO_2, "__proto__": {"allow_breaking": True}}, {}, 422),
    "text for a boolean": ({**TO_2, "allow_breaking": "true"}, {}, 422),
    "a list": ([TO_2], {}, 422),
    "text": (b'"rev:2"', {}, 422),
    "the version of another prompt": ({"selector": "UUID_OF_B"}, {}, 404),
    "the digest of another prompt": ({"selector": "DIGEST_OF_B"}, {}, 404),
    "another prompt": ({"selector": "b/two:rev:2"}, {}, 404),
    "a prompt in the selector": ({"selector": "rev:1:production"}, {}, 422),
    "a revision that is not there": ({"selector": "rev:99"}, {}, 404),
    "an empty selector": ({"selector": ""}, {}, 422),
    "a pattern in the selector": ({"selector": "sha256:%%%%%%%%"}, {}, 422),
    "SQL in the selector": ({"selector": "x'or'1'='1"}, {}, 404),
    "an option of git in the selector": ({"selector": "git:--upload-pack=x"}, {}, 422),
    "a form": (b"selector=rev:2", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
    "text/plain, as a web page may send it": (TO_2, {"Content-Type": "text/plain"}, 415),
    "another type in front": (TO_2, {"Content-Type": "text/plain, application/json"}, 415),
    "compressed": (b"\x1f\x8b\x08\0\0", {"Content-Encoding": "gzip"}, 415),
    "a length that is not a number": (TO_2, {"Content-Length": "1e3"}, 413),
    "a wrong condition": (TO_2, {"If-Match": "'1'"}, 400),
    "a key with a space": (TO_2, {"Idempotency-Key": "a b"}, 400),
    "a long key": (TO_2, {"Idempotency-Key": "k" * 10_000}, 400),
}


@pytest.mark.parametrize(("body", "headers", "status"), BODIES.values(), ids=BODIES)
def test_a_hostile_body_is_refused(
    api: TestClient, registry: PromptService, body: Any, headers: dict[str, str], status: int
) -> None:
    other, before = registry.resolve("b/two"), written(registry)
    if isinstance(body, dict):
        named = {"UUID_OF_B": str(other.id), "DIGEST_OF_B": other.spec_hash}
        body = {name: named.get(str(value), value) for name, value in body.items()}
    answer = send(api, "PUT", STAGING, body, headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert "set-cookie" not in answer.headers
    assert written(registry) == before


def test_a_body_of_unknown_length_has_the_same_limits(api: TestClient, registry: PromptService) -> None:
    before = written(registry)
    parts = [b'{"selector":"rev:2","reason":"', *[b"x" * 100_000] * 50, b'"}']
    for method, path in (("PUT", STAGING), ("DELETE", STAGING), ("POST", REGISTER)):
        answer = api.request(method, path, content=iter(parts), headers=JSON)
        assert (answer.status_code, answer.json()["code"]) == (413, "too-large")
    assert written(registry) == before


@on_sqlite
def test_a_small_body_of_unknown_length_is_read(own: PromptService) -> None:
    with client_for(create_app(own.settings), API) as client:
        answer = client.put(STAGING, content=iter([b'{"selector":', b'"rev:2"}']), headers=JSON)
    assert answer.status_code == 200


SPEC: dict[str, Any] = {"template": "new"}
REGISTRATIONS: dict[str, tuple[Any, int]] = {
    "no prompt": ({"spec": SPEC}, 422),
    "no spec": ({"prompt": "a/one"}, 422),
    "a spec of text": ({"prompt": "a/one", "spec": "new"}, 422),
    "a spec of another kind": ({"prompt": "a/one", "spec": [SPEC]}, 422),
    "dots in the name": ({"prompt": "a/../b/two", "spec": SPEC}, 422),
    "a path": ({"prompt": "/etc/passwd", "spec": SPEC}, 422),
    "a drive": ({"prompt": "a\\one", "spec": SPEC}, 422),
    "a reference": ({"prompt": "a/one:production", "spec": SPEC}, 422),
    "an empty name": ({"prompt": "", "spec": SPEC}, 422),
    "an encoded name": ({"prompt": "a%2Fone", "spec": SPEC}, 422),
    "a long name": ({"prompt": "a/" * 300 + "one", "spec": SPEC}, 422),
    "a name in another script": ({"prompt": "\u0430/one", "spec": SPEC}, 422),
    "a line end in the name": ({"prompt": "a/one\n", "spec": SPEC}, 422),
    "an alias named latest": ({"prompt": "a/one", "spec": SPEC, "alias": "latest"}, 422),
    "an alias with a slash": ({"prompt": "a/one", "spec": SPEC, "alias": "../production"}, 422),
    "an author": ({"prompt": "a/one", "spec": SPEC, "created_by": "admin"}, 422),
    "a time": ({"prompt": "a/one", "spec": SPEC, "created_at": "2020-01-01T00:00:00Z"}, 422),
    "a revision": ({"prompt": "a/one", "spec": SPEC, "revision": 1}, 422),
    "a null in the template": ({"prompt": "a/one", "spec": {"template": "\0"}}, 422),
    "a deep schema": ({"prompt": "a/one", "spec": {**SPEC, "response_schema": "DEEP"}}, 422),
    "an unknown field": ({"prompt": "a/one", "spec": {**SPEC, "__class__": "x"}}, 422),
    "100,000 messages": (
        {"prompt": "a/one", "spec": {"messages": [{"role": "human", "template": "x"}] * 100_000}},
        413,
    ),
    "100,000 unknown fields": (
        {"prompt": "a/one", "spec": {**SPEC, **dict.fromkeys(map(str, range(100_000)), 1)}},
        413,
    ),
    "an escape from the sandbox": (
        {"prompt": "a/one", "spec": {"template": "{% import 'os' as os %}", "template_format": "jinja2"}},
        422,
    ),
    "a protected alias": ({"prompt": "a/one", "spec": SPEC, "alias": "production"}, 428),
    "a revision that the alias does not have": (
        {"prompt": "a/one", "spec": SPEC, "alias": "production", "expected": 2},
        409,
    ),
}


@pytest.mark.parametrize(("body", "status"), REGISTRATIONS.values(), ids=REGISTRATIONS)
def test_a_hostile_registration_is_refused(api: TestClient, registry: PromptService, body: Any, status: int) -> None:
    before = written(registry)
    raw = json.dumps(body).replace('"DEEP"', '{"a":' * 80 + "1" + "}" * 80)
    answer = send(api, "POST", REGISTER, raw.encode(), {})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert written(registry) == before


SCOPES: dict[str, tuple[str, str, Any, int]] = {
    "another namespace": ("PUT", "prompts/b/two/aliases/staging", TO_2, 403),
    "another alias": ("PUT", f"{A}/aliases/production", {**TO_2, "expected": 1}, 403),
    "a new alias": ("PUT", f"{A}/aliases/staging2", TO_2, 403),
    "the scope's star": ("PUT", f"{A}/aliases/*", TO_2, 403),
    "a rollback of another alias": ("POST", f"{A}/aliases/production/rollback", {"expected": 1}, 403),
    "a deletion of another alias": ("DELETE", f"{A}/aliases/production?expected=1", None, 403),
    "a release of another alias": ("POST", f"{A}/aliases/production/release", None, 403),
    "a namespace that begins like its own": ("PUT", "prompts/ab/two/aliases/staging", TO_2, 403),
    "a namespace in capitals": ("PUT", "prompts/A/one/aliases/staging", TO_2, 403),
    "dots out of the namespace": ("PUT", "prompts/a/..%2Fb%2Ftwo/aliases/staging", TO_2, 422),
    "a registration elsewhere": ("POST", REGISTER, {"prompt": "b/two", "spec": SPEC}, 403),
    "a registration without a namespace": ("POST", REGISTER, {"prompt": "one", "spec": SPEC}, 403),
    "an alias by a registration": ("POST", REGISTER, {"prompt": "a/one", "spec": SPEC, "alias": "canary"}, 403),
    "a protected alias by a registration": (
        "POST",
        REGISTER,
        {"prompt": "a/one", "spec": SPEC, "alias": "production", "expected": 1},
        403,
    ),
    "an export of another prompt": ("POST", "exports/b/two/latest", None, 403),
}


@on_sqlite
def test_no_scope_can_be_escaped(own: PromptService) -> None:
    headers = bearer(token_of(own, "write@a", "promote:staging@a"))
    before = written(own)
    with client_for(create_app(own.settings), API) as client:
        for attack, (method, path, body, status) in SCOPES.items():
            more = {"X-Actor": "admin", "X-Forwarded-User": "admin"}
            answer = send(client, method, path, body, {**headers, **more})
            assert answer.status_code == status, attack
            assert answer.headers["content-type"] == "application/problem+json", attack
            assert written(own) == before, attack


@on_sqlite
def test_no_header_names_the_author_of_a_write(own: PromptService) -> None:
    headers = bearer(token_of(own, "write@a", "promote:staging@a", name="ci"))
    more = dict.fromkeys(("X-Actor", "X-User", "X-Forwarded-User", "From", "Remote-User", "Actor"), "boss")
    with client_for(create_app(own.settings), API) as client:
        assert send(client, "PUT", STAGING, TO_2, {**headers, **more}).status_code == 200
        body = {"prompt": "a/one", "spec": SPEC}
        assert send(client, "POST", REGISTER, body, {**headers, **more}).status_code == 201
    assert own.alias_log("a/one", "staging")[0].actor == "token:ci"
    assert own.resolve("a/one").created_by == "token:ci"
