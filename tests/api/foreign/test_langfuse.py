"""Langfuse as docs/api.md has it: its own SDK reads prompts from the real app over TCP."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from apis import bearer, client_for, token_of
from langfuse import Langfuse
from langfuse.api import NotFoundError, UnauthorizedError
from langfuse.api.core import ApiError
from registries import Fill, on_sqlite
from servers import in_thread
from waiting import until

from promptdb import PromptService, create_app

pytestmark = on_sqlite
PATH = "api/public/v2/prompts/"


@pytest.fixture
def service(recorded: Callable[[Fill], PromptService]) -> PromptService:
    return recorded(fill)


def fill(service: PromptService) -> None:
    service.register_text("support/greeting", "Hello {name}", alias="production", metadata={"tags": ["a", "b"]})
    service.register_text("support/greeting", "Hi {name}", alias="staging")
    service.register_text("legal/terms", "{% if x %}a{% endif %}", alias="production", template_format="jinja2")
    service.register_spec(
        "support/eu/triage",
        {
            "messages": [
                {"role": "system", "template": "You help {team}."},
                {"variable_name": "history"},
                {"role": "human", "template": "{ticket}"},
            ],
            "model": {"provider": "openai", "name": "gpt-x", "temperature": 0.5},
        },
        alias="production",
    )


@pytest.fixture
def app(service: PromptService) -> Any:
    return create_app(service.settings.model_copy(update={"langfuse_api": True}))


@pytest.fixture
def langfuse(service: PromptService, app: Any) -> Iterator[Callable[[str], Langfuse]]:
    """Make the client for a token. It has no tracing, so nothing goes anywhere else."""
    made: list[Langfuse] = []
    with in_thread(app) as port:

        def client(token: str) -> Langfuse:
            found = Langfuse(
                public_key=f"promptdb-{len(made)}-{port}",
                secret_key=token,
                base_url=f"http://127.0.0.1:{port}",
                tracing_enabled=False,
            )
            made.append(found)
            return found

        yield client
        for one in made:
            one.shutdown()


def test_the_sdk_reads_and_compiles_text_and_chats(service: PromptService, langfuse: Callable[[str], Langfuse]) -> None:
    client = langfuse(token_of(service, "read"))
    found = client.get_prompt("support/greeting")
    assert (found.name, found.version, found.labels, found.tags) == ("support/greeting", 1, ["production"], ["a", "b"])
    assert (found.prompt, found.variables, found.compile(name="Ann")) == ("Hello {{name}}", ["name"], "Hello Ann")
    for arguments in ({"label": "staging"}, {"label": "latest"}, {"version": 2}):
        other = client.get_prompt("support/greeting", **arguments)
        assert (other.version, other.labels, other.compile(name="Ann")) == (2, ["staging", "latest"], "Hi Ann")
    chat = client.get_prompt("support/eu/triage", type="chat")
    assert chat.config == {"provider": "openai", "model": "gpt-x", "temperature": 0.5}
    assert chat.compile(team="us", ticket="late", history=[{"role": "user", "content": "hello"}]) == [
        {"role": "system", "content": "You help us."},
        {"role": "user", "content": "hello"},
        {"role": "user", "content": "late"},
    ]


def test_the_sdk_keeps_prompts_and_gets_a_promotion_afterwards(
    service: PromptService, langfuse: Callable[[str], Langfuse]
) -> None:
    client = langfuse(token_of(service, "read"))
    assert client.get_prompt("support/greeting").version == 1
    service.promote("support/greeting:staging", "production")
    assert client.get_prompt("support/greeting").version == 1
    until(lambda: client.get_prompt("support/greeting", cache_ttl_seconds=0).version == 2)


def test_the_sdk_understands_errors(service: PromptService, langfuse: Callable[[str], Langfuse]) -> None:
    client = langfuse(token_of(service, "read@support", name="support"))
    for name, arguments in (
        ("support/none", {}),
        ("support/greeting", {"version": 9}),
        ("support/greeting", {"label": "canary"}),
    ):
        with pytest.raises(NotFoundError) as missing:
            client.get_prompt(name, max_retries=0, **arguments)
        assert missing.value.body["error"] == "LangfuseNotFoundError"
    assert client.get_prompt("support/none", fallback="Hello", max_retries=0).prompt == "Hello"
    with pytest.raises(ApiError) as refused:
        client.get_prompt("legal/terms", max_retries=0)
    assert refused.value.status_code == 403
    with pytest.raises(ApiError) as formless:
        langfuse(token_of(service, "read", name="all")).get_prompt("legal/terms", max_retries=0)
    assert formless.value.status_code == 422
    assert "no form in Langfuse: template, line 1" in formless.value.body["message"]
    with pytest.raises(UnauthorizedError):
        langfuse("pdb_" + "x" * 36).get_prompt("support/greeting", max_retries=0)


@pytest.mark.parametrize(
    "query",
    [
        "version=0",
        "version=-1",
        "version=1e3",
        "version=" + "9" * 30,
        "version=1&label=production",
        "label=rev:1",
        "label=sha256:aaaaaaaa",
        "label=git:main",
    ],
)
def test_wrong_versions_and_labels_are_refused(app: Any, query: str) -> None:
    with client_for(app) as client:
        answer = client.get(f"{PATH}support/greeting?{query}")
        assert (answer.status_code, answer.json()["error"]) == (400, "InvalidRequestError")


def test_names_may_be_encoded_and_tokens_may_be_bearers(service: PromptService, app: Any) -> None:
    token = token_of(service, "read")
    with client_for(app) as client:
        for name in ("support/eu/triage", "support%2Feu%2Ftriage"):
            for access in ({"auth": ("pk", token)}, {"headers": bearer(token)}):
                assert client.get(PATH + name, **access).json()["version"] == 1
        refused = client.get(f"{PATH}support/greeting")
        assert (refused.status_code, "as the secret key: HTTP Basic" in refused.json()["hint"]) == (401, True)
        # Basic is for these clients only.
        assert client.get("api/v1/prompts/support/greeting/resolve", auth=("pk", token)).status_code == 401


def test_without_the_setting_there_is_no_such_path(service: PromptService) -> None:
    with client_for(create_app(service.settings)) as client:
        assert client.get(f"{PATH}support/greeting").status_code == 404


def test_a_hint_names_no_prompt_outside_of_the_scopes(service: PromptService, app: Any) -> None:
    service.register_text("legal/greeting-of-the-board", "Hello", alias="production")
    some, all_of_them = token_of(service, "read@support", name="some"), token_of(service, "read", name="all")
    with client_for(app) as client:
        for token, has_hint in ((some, False), (all_of_them, True)):
            answer = client.get(f"{PATH}support/greeting-of-the-bord", headers=bearer(token))
            assert answer.status_code == 404
            assert ("hint" in answer.text) is has_hint
