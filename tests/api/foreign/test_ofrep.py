"""OpenFeature as docs/api.md has it: its own SDK for Python against the real app, and the answers of the protocol."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from apis import bearer, client_for, token_of
from openfeature import api as openfeature
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason
from registries import Fill, on_sqlite
from servers import in_thread
from starlette.testclient import TestClient

from promptdb import PromptService, create_app
from promptdb.api.foreign import ofrep

pytestmark = on_sqlite

CHAT = {
    "messages": [
        {"role": "system", "template": "You help {team}."},
        {"variable_name": "history", "optional": True},
        {"role": "human", "template": "{ticket}"},
    ]
}


@pytest.fixture
def service(recorded: Callable[[Fill], PromptService]) -> PromptService:
    return recorded(fill)


def fill(service: PromptService) -> None:
    service.register_text("support/greeting", "Hello {name}", alias="production")
    service.register_text("support/greeting", "Hi {name}")
    service.register_spec("support/eu/triage", CHAT, alias="production")
    service.register_text("legal/terms", "Terms", alias="production")
    service.register_text("legal/draft", "Draft")


@pytest.fixture
def app(service: PromptService) -> Any:
    return create_app(service.settings.model_copy(update={"ofrep": True}))


@pytest.fixture
def flags(service: PromptService, app: Any) -> Iterator[OpenFeatureClient]:
    token = token_of(service, "read@support", name="sdk")
    with in_thread(app) as port:
        openfeature.set_provider_and_wait(
            OFREPProvider(f"http://127.0.0.1:{port}", headers_factory=lambda: bearer(token))
        )
        yield openfeature.get_client()
        openfeature.shutdown()
        openfeature.clear_providers()


@pytest.fixture
def http(app: Any) -> Iterator[TestClient]:
    with client_for(app, "/ofrep/v1/evaluate") as client:
        yield client


def test_the_sdk_evaluates_string_prompts_and_chats(service: PromptService, flags: OpenFeatureClient) -> None:
    context = EvaluationContext("user-1", {"name": "Ann", "team": "us", "ticket": "{late}", "of others": 1})
    details = flags.get_string_details("support/greeting", "default", context)
    assert (details.value, details.variant, details.reason) == ("Hello Ann", "rev:1", Reason.STATIC)
    stored = service.resolve("support/greeting:production")
    expected = {"prompt": "support/greeting", "digest": stored.spec_hash, "alias": "production"}
    assert dict(details.flag_metadata) == expected
    assert flags.get_string_value("support/greeting:rev:2", "default", context) == "Hi Ann"
    assert flags.get_string_value("support/greeting:latest", "default", context) == "Hi Ann"
    found: Any = flags.get_object_value("support/eu/triage", {}, context)
    assert found == {
        "messages": [{"role": "system", "content": "You help us."}, {"role": "human", "content": "{late}"}]
    }


@pytest.mark.parametrize(
    ("key", "code", "details"),
    [
        ("support/none", ErrorCode.FLAG_NOT_FOUND, "there is no prompt support/none"),
        ("not a key", ErrorCode.FLAG_NOT_FOUND, ""),
        ("support/greeting", ErrorCode.INVALID_CONTEXT, "name"),
        ("legal/terms", ErrorCode.GENERAL, "forbidden"),
    ],
)
def test_the_sdk_gives_the_default_with_the_reason(
    flags: OpenFeatureClient, key: str, code: ErrorCode, details: str
) -> None:
    found = flags.get_string_details(key, "default", EvaluationContext("user-1"))
    assert (found.value, found.reason, found.error_code) == ("default", Reason.ERROR, code)
    assert details in str(found.error_message)


def test_the_sdk_reports_a_wrong_type(flags: OpenFeatureClient) -> None:
    context = EvaluationContext(attributes={"name": "Ann"})
    assert flags.get_object_details("support/greeting", {}, context).error_code is ErrorCode.TYPE_MISMATCH


def test_a_bulk_evaluation_has_every_live_prompt_and_an_etag(service: PromptService, http: TestClient) -> None:
    body = {"context": {"targetingKey": "u", "name": "Ann"}}
    answer = http.post("flags", json=body)
    found = {flag["key"]: flag for flag in answer.json()["flags"]}
    assert sorted(found) == ["legal/terms", "support/eu/triage", "support/greeting"]
    assert found["support/greeting"]["value"] == "Hello Ann"
    assert found["support/eu/triage"]["errorCode"] == "INVALID_CONTEXT"
    etag = answer.headers["etag"]
    same = http.post("flags", json=body, headers={"If-None-Match": etag})
    assert (same.status_code, same.content) == (304, b"")
    service.promote("support/greeting", "production")
    assert http.post("flags", json=body, headers={"If-None-Match": etag}).status_code == 200
    assert http.post("flags", json={"context": {}}, headers={"If-None-Match": etag}).status_code == 200


def test_a_bulk_evaluation_shows_only_the_prompts_of_its_token(service: PromptService, app: Any) -> None:
    token = token_of(service, "read@legal")
    with client_for(app) as client:
        flags = client.post("ofrep/v1/evaluate/flags", json={}, headers=bearer(token)).json()["flags"]
        assert [flag["key"] for flag in flags] == ["legal/terms"]
        assert client.post("ofrep/v1/evaluate/flags", json={}).status_code == 401


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"context": 1}', b'{"context": {}, "context": {}}', b"[" * 200])
def test_a_body_that_cannot_be_read_is_a_parse_error(http: TestClient, body: bytes) -> None:
    for path in ("flags/support/greeting", "flags"):
        answer = http.post(path, content=body)
        assert (answer.status_code, answer.json()["errorCode"]) == (400, "PARSE_ERROR")


def test_keys_may_be_encoded(http: TestClient) -> None:
    for key in (
        "support/greeting",
        "support%2Fgreeting",
        "support%2Fgreeting%3Aproduction",
        "support/greeting:production",
    ):
        assert http.post(f"flags/{key}", json={"context": {"name": "Ann"}}).json()["value"] == "Hello Ann"


def test_a_render_that_is_too_large_is_an_error_of_its_flag(
    service: PromptService, http: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ofrep, "REQUEST_CHARACTERS", 1000)
    answer = http.post("flags/support/greeting", json={"context": {"name": "x" * 5000}})
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "GENERAL")


def test_without_the_setting_there_is_no_such_path(service: PromptService) -> None:
    with client_for(create_app(service.settings)) as client:
        assert client.post("ofrep/v1/evaluate/flags", json={}).status_code == 404


def test_a_hint_names_no_prompt_outside_of_the_scopes(service: PromptService, app: Any) -> None:
    some, all_of_them = token_of(service, "read@support", name="some"), token_of(service, "read", name="all")
    with client_for(app) as client:
        for token, has_hint in ((some, False), (all_of_them, True)):
            answer = client.post("ofrep/v1/evaluate/flags/support/greting", json={}, headers=bearer(token))
            assert answer.json()["errorCode"] == "FLAG_NOT_FOUND"
            assert ("did you mean" in answer.text) is has_hint
