"""The provider of OpenFeature, through the real SDK: evaluations, error codes, events, and the code of the page."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import EventDetails, ProviderEvent
from openfeature.exception import ErrorCode, ProviderFatalError, ProviderNotReadyError
from openfeature.flag_evaluation import FlagEvaluationDetails
from openfeature.provider import ProviderStatus
from registries import on_sqlite
from snapshots import packed, record
from steered import Steered, until

from promptdb import PromptService
from promptdb.client import health
from promptdb.client.client import PromptClient
from promptdb.client.sources.database import DatabaseSource
from promptdb.client.sources.snapshot import SnapshotSource
from promptdb.errors import ConfigError, StorageError
from promptdb.integrations.openfeature import PromptProvider
from promptdb.settings import AppSettings

PAGE = Path(__file__).parents[2] / "docs" / "openfeature.md"
CHAT = {"messages": [{"role": "system", "template": "For {company}."}, {"role": "human", "template": "{message}"}]}
GIVEN = {"company": "Acme", "message": "Hello", "unknown": 1}


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """The SDK has one registry of providers for the whole process."""
    yield
    api.shutdown()
    api.clear_providers()


@pytest.fixture
def filled(service: PromptService) -> PromptService:
    service.register_spec("support/greeting", CHAT, alias="production")
    service.register_text("support/subject", "{company}: we got your message", alias="production")
    service.register_text("support/subject", "{company}: thank you")
    service.register_text("support/key", "You are {targetingKey}", alias="production")
    return service


def flags_of(source: Any) -> OpenFeatureClient:
    api.set_provider_and_wait(PromptProvider(PromptClient(source)))
    return api.get_client()


@pytest.fixture
def flags(filled: PromptService) -> OpenFeatureClient:
    return flags_of(DatabaseSource(filled.settings))


def evaluated(
    flags: OpenFeatureClient, method: str, key: str, default: Any, context: EvaluationContext, *, is_async: bool
) -> FlagEvaluationDetails[Any]:
    if is_async:
        return asyncio.run(getattr(flags, f"get_{method}_details_async")(key, default, context))
    found: FlagEvaluationDetails[Any] = getattr(flags, f"get_{method}_details")(key, default, context)
    return found


SYNC_AND_ASYNC = pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])


@on_sqlite
@SYNC_AND_ASYNC
@pytest.mark.parametrize("key", ["support/greeting", "support/greeting:production", "support/greeting:rev:1"])
def test_a_prompt_is_an_object_with_messages(
    flags: OpenFeatureClient, filled: PromptService, key: str, is_async: bool
) -> None:
    found = evaluated(flags, "object", key, {}, EvaluationContext(None, GIVEN), is_async=is_async)
    assert found.value == {
        "messages": [{"role": "system", "content": "For Acme."}, {"role": "human", "content": "Hello"}]
    }
    version = filled.resolve("support/greeting:production")
    assert (found.variant, found.reason, found.error_code) == ("rev:1", "STATIC", None)
    alias = {} if ":rev:" in key else {"alias": "production"}
    assert found.flag_metadata == {"prompt": "support/greeting", "digest": version.spec_hash, **alias}
    again = evaluated(flags, "object", key, {}, EvaluationContext(None, GIVEN), is_async=is_async)
    assert (again.value, again.reason) == (found.value, "CACHED")


@on_sqlite
@SYNC_AND_ASYNC
def test_a_string_prompt_is_a_string_and_an_object(flags: OpenFeatureClient, is_async: bool) -> None:
    context = EvaluationContext("ann", GIVEN)
    text = evaluated(flags, "string", "support/key", "", context, is_async=is_async)
    assert text.value == "You are ann"
    chat = evaluated(flags, "object", "support/key", {}, context, is_async=is_async)
    assert chat.value == {"messages": [{"role": "human", "content": "You are ann"}]}


@on_sqlite
@SYNC_AND_ASYNC
@pytest.mark.parametrize(
    ("method", "key", "default", "attributes", "code", "message"),
    [
        ("object", "support/nothing", {"a": 1}, GIVEN, ErrorCode.FLAG_NOT_FOUND, "no prompt support/nothing"),
        ("object", "support/greeting:staging", {}, GIVEN, ErrorCode.FLAG_NOT_FOUND, "staging"),
        ("object", "../greeting", {}, GIVEN, ErrorCode.FLAG_NOT_FOUND, "'..'"),
        ("object", "support/greeting", {}, {"company": "A"}, ErrorCode.INVALID_CONTEXT, "missing variable: message"),
        ("string", "support/greeting", "x", GIVEN, ErrorCode.TYPE_MISMATCH, "support/greeting is a chat"),
        ("boolean", "support/subject", True, GIVEN, ErrorCode.TYPE_MISMATCH, "is a prompt"),
        ("integer", "support/subject", 1, GIVEN, ErrorCode.TYPE_MISMATCH, "is a prompt"),
        ("float", "support/subject", 1.5, GIVEN, ErrorCode.TYPE_MISMATCH, "is a prompt"),
        ("string", "support/typed", "x", {"company": ["a"]}, ErrorCode.GENERAL, "company"),
    ],
)  # fmt: skip
def test_a_wrong_evaluation_gives_the_default_and_says_why(
    flags: OpenFeatureClient, filled: PromptService, method: str, key: str, default: Any,
    attributes: dict[str, Any], code: ErrorCode, message: str, is_async: bool,
) -> None:  # fmt: skip
    filled.register_spec(
        "support/typed", {"template": "{company}", "variables": {"company": {"type": "string"}}}, alias="production"
    )
    found = evaluated(flags, method, key, default, EvaluationContext(None, attributes), is_async=is_async)
    assert (found.value, found.reason, found.error_code) == (default, "ERROR", code)
    assert message in (found.error_message or "")


@on_sqlite
@SYNC_AND_ASYNC
def test_the_targeting_key_chooses_the_arm_of_a_split(filled: PromptService, tmp_path: Path, is_async: bool) -> None:
    filled.split("support/subject", "production", [("rev:1", 1), ("rev:2", 1)])
    flags = flags_of(DatabaseSource(filled.settings))
    expected = {key: filled.get("support/subject:production", key=key).version.revision for key in map(str, range(40))}
    assert set(expected.values()) == {1, 2}
    for key, revision in expected.items():
        found = evaluated(flags, "string", "support/subject", "", EvaluationContext(key, GIVEN), is_async=is_async)
        assert found.variant == f"rev:{revision}"
        assert found.reason in ("STATIC", "SPLIT")
    for nobody in (None, ""):
        control = evaluated(flags, "string", "support/subject", "", EvaluationContext(nobody, GIVEN), is_async=is_async)
        assert (control.variant, control.reason) == ("rev:1", "CACHED")


def test_a_snapshot_answers_without_a_registry(tmp_path: Path) -> None:
    file = tmp_path / "prompts.snapshot"
    file.write_bytes(packed([record("a/one", text="Hello {company}")]))
    settings = AppSettings(base=tmp_path, snapshot=file.name)
    found = flags_of(SnapshotSource(settings)).get_string_details("a/one", "", EvaluationContext("a", GIVEN))
    assert (found.value, found.variant, found.reason) == ("Hello Acme", "rev:1", "STATIC")


# States and events


@pytest.fixture
def heard() -> list[tuple[ProviderEvent, EventDetails]]:
    events: list[tuple[ProviderEvent, EventDetails]] = []
    for event in ProviderEvent:
        api.add_handler(event, lambda details, event=event: events.append((event, details)))
    return events


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "FIRST_RETRY", 0.01)
    monkeypatch.setattr(health, "LAST_RETRY", 0.02)


def kinds(heard: list[tuple[ProviderEvent, EventDetails]]) -> list[ProviderEvent]:
    return [event for event, _ in heard]


@pytest.mark.usefixtures("quick")
def test_an_outage_is_stale_and_a_promotion_a_changed_configuration(
    heard: list[tuple[ProviderEvent, EventDetails]],
) -> None:
    source = Steered()
    flags = flags_of(source)
    assert flags.get_string_value("a/one", "") == "1"
    source.move("production", 2)
    until(lambda: ProviderEvent.PROVIDER_CONFIGURATION_CHANGED in kinds(heard))
    assert heard[-1][1].flags_changed == ["a/one:production", "a/one"]
    assert flags.get_string_value("a/one", "") == "2"
    source.error = StorageError("gone")
    until(lambda: kinds(heard)[-1] is ProviderEvent.PROVIDER_STALE)
    assert flags.get_provider_status() is ProviderStatus.STALE
    assert flags.get_string_value("a/one", "") == "2"
    source.error = None
    until(lambda: kinds(heard)[-1] is ProviderEvent.PROVIDER_READY)
    assert flags.get_provider_status() is ProviderStatus.READY


@pytest.mark.usefixtures("quick")
def test_a_registry_that_is_away_at_the_start_makes_it_ready_later() -> None:
    source = Steered(error=StorageError("no database", "start it"))
    with pytest.raises(ProviderNotReadyError, match="no database: start it"):
        flags_of(source)
    found = api.get_client().get_string_details("a/one", "mine")
    assert (found.value, found.error_code) == ("mine", ErrorCode.PROVIDER_NOT_READY)
    source.error = None
    until(lambda: api.get_client().get_provider_status() is ProviderStatus.READY)
    assert api.get_client().get_string_value("a/one", "mine") == "1"


def test_a_wrong_setting_is_fatal() -> None:
    class Wrong(Steered):
        def changes(self, since: Any) -> Any:
            raise ConfigError("the setting is wrong", "correct it")

    with pytest.raises(ProviderFatalError, match="the setting is wrong: correct it"):
        flags_of(Wrong())
    assert api.get_client().get_provider_status() is ProviderStatus.FATAL


@on_sqlite
def test_the_code_of_the_page_prints_what_it_says(
    filled: PromptService, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PROMPTDB_DATABASE_URL", filled.settings.database_url.get_secret_value())
    page = PAGE.read_text(encoding="utf-8")
    [code] = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    [printed] = re.findall(r"^It prints:\n\n```\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    exec(code, {})
    assert capsys.readouterr().out == printed
