"""What a client reports to OpenTelemetry, and that it reports nothing else."""

import asyncio
import importlib
import pickle
import re
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from registries import on_sqlite
from steered import Steered, until

from promptdb.client import health
from promptdb.client.async_client import AsyncPromptClient
from promptdb.client.client import PromptClient
from promptdb.client.sources.database import DatabaseSource
from promptdb.errors import MissingExtra, NotFound, StorageError
from promptdb.service import PromptService
from promptdb.settings import AppSettings

REF = "a/one:production"
SECRET = "the value of a variable"
PAGE = Path(__file__).parents[2] / "docs" / "client.md"
_NUMBERS = count()


class Collected:
    """What OpenTelemetry has got in this process."""

    def __init__(self) -> None:
        self.reader, self.spans = InMemoryMetricReader(), InMemorySpanExporter()
        metrics.set_meter_provider(MeterProvider([self.reader]))
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self.spans))
        trace.set_tracer_provider(provider)

    def metrics(self) -> dict[str, Any]:
        data = self.reader.get_metrics_data()
        scopes = [scope for resource in data.resource_metrics for scope in resource.scope_metrics] if data else []
        return {metric.name: metric for scope in scopes for metric in scope.metrics if scope.scope.name == "promptdb"}

    def points(self, name: str, source: str) -> dict[tuple[str, ...], Any]:
        """The points of an instrument for one source, by their other attributes."""
        there = self.metrics()
        return {
            tuple(value for key, value in sorted(point.attributes.items()) if key != "promptdb.source"): _number(point)
            for point in (there[name].data.data_points if name in there else [])
            if point.attributes["promptdb.source"] == source
        }


def _number(point: Any) -> float:
    return point.count if isinstance(point, HistogramDataPoint) else point.value


@pytest.fixture(scope="session")
def collected() -> Collected:
    return Collected()


@pytest.fixture
def source() -> Steered:
    # The counts are those of the process, by source.
    return Steered(name=f"steered-{next(_NUMBERS)}")


@pytest.fixture
def client(collected: Collected, source: Steered) -> Iterator[PromptClient]:
    with PromptClient(source, ttl=60, enable_otel=True) as client:
        yield client


def test_lookups_are_counted_by_reason(client: PromptClient, source: Steered, collected: Collected) -> None:
    for _ in range(3):
        client.get(REF)
    client.get_many([REF, "a/one:rev:1", "a/one:rev:2"])
    assert client.at_hand("a/one:rev:3") is None
    with pytest.raises(NotFound):
        client.get("a/one:staging")
    asyncio.run(AsyncPromptClient(client).get(REF))
    found = collected.points("promptdb.client.lookups", source.name)
    assert found == {("STATIC",): 3, ("CACHED",): 4, ("VersionNotFound", "ERROR"): 1}


def test_stale_answers_and_fallbacks_are_counted(
    collected: Collected, source: Steered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "FIRST_RETRY", 0.01)
    with PromptClient(source, ttl=0.05, enable_otel=True) as client:
        client.get(REF)
        source.error = StorageError("the registry is down")
        until(lambda: client.get(REF).reason == "STALE")
        client.get("a/two:production", fallback="Hello")
        assert collected.points("promptdb.client.lookups", source.name)["STALE",] >= 1
        assert collected.points("promptdb.client.lookups", "code")["DEFAULT",] >= 1
        statuses = collected.points("promptdb.client.status", source.name)
        assert statuses == {("NOT_READY",): 0, ("READY",): 0, ("STALE",): 1, ("ERROR",): 0}
        assert collected.points("promptdb.client.age", source.name)[()] > 0.05
    assert collected.points("promptdb.client.status", source.name) == {}, "it is closed"


def test_requests_are_timed_and_failures_named(client: PromptClient, source: Steered, collected: Collected) -> None:
    client.get(REF)
    client.preload("production")
    with pytest.raises(NotFound):
        client.get("a/one:staging")
    found = collected.points("promptdb.client.source.duration", source.name)
    assert found == {("changes",): 1, ("find",): 1, ("find_all",): 1, ("VersionNotFound", "find"): 1}


@pytest.mark.parametrize("call", ["render_text", "render_messages", "to_openai", "as_langchain"])
def test_a_render_names_the_version_on_the_current_span(
    client: PromptClient, source: Steered, collected: Collected, call: str
) -> None:
    prompt = client.get(REF)
    collected.spans.clear()
    with trace.get_tracer("tests").start_as_current_span("chat"):
        getattr(prompt, call)()
    [span] = collected.spans.get_finished_spans()
    assert dict(span.attributes or {}) == {
        "gen_ai.prompt.name": "a/one",
        "gen_ai.prompt.version": "1",
        "promptdb.digest": prompt.version.spec_hash,
        "promptdb.source": source.name,
        "promptdb.reason": "STATIC",
        "promptdb.stale": False,
    }
    getattr(prompt, call)()  # without a span


def test_alias_and_commit_are_on_the_span_but_no_value(collected: Collected, tmp_path: Path) -> None:
    settings = AppSettings(base=tmp_path, enable_otel=True)
    with PromptService(settings) as service:
        service.register_text("a/two", "Hello {name}", alias="production")
    collected.spans.clear()
    with PromptClient.from_settings(settings) as client, trace.get_tracer("tests").start_as_current_span("chat"):
        client.render("a/two:production", name=SECRET)
    [span] = collected.spans.get_finished_spans()
    assert (span.attributes or {})["promptdb.alias"] == "production"
    assert SECRET not in span.to_json()
    assert SECRET not in str(collected.metrics())


@on_sqlite
def test_the_arm_of_a_split_is_an_event_of_a_feature_flag(collected: Collected, service: PromptService) -> None:
    for text in ("one", "two"):
        service.register_text("a/one", text)
    service.split("a/one", "production", [("rev:1", 1), ("rev:2", 1)])
    with PromptClient(DatabaseSource(service.settings), enable_otel=True) as client:
        collected.spans.clear()
        with trace.get_tracer("tests").start_as_current_span("chat"):
            arm = client.get(REF, key=SECRET)
            arm.render_text()
            client.get(REF).render_text()
    [span] = collected.spans.get_finished_spans()
    [event] = span.events
    assert (event.name, dict(event.attributes or {})) == (
        "feature_flag.evaluation",
        {
            "feature_flag.key": REF,
            "feature_flag.result.variant": arm.variant,
            "feature_flag.result.reason": "split",
            "feature_flag.version": arm.version.spec_hash,
            "feature_flag.provider.name": "promptdb",
        },
    )
    table = PAGE.read_text(encoding="utf-8")
    assert set(re.findall(r"`(feature_flag\.[\w.]+)` \|", table)) == set(event.attributes or {})


def test_a_traced_prompt_is_as_any_other(client: PromptClient) -> None:
    prompt = client.get(REF)
    assert pickle.loads(pickle.dumps(prompt)) == prompt
    assert repr(prompt) == f"ResolvedPrompt({REF!r}, {prompt.version!r})"
    assert prompt.ignoring_extra().render_text(more="ignored") == "1"


def test_a_client_without_it_is_as_it_was(source: Steered) -> None:
    with PromptClient(source) as client:
        assert type(client.get(REF)).__name__ == "ResolvedPrompt"
        assert not {"get", "at_hand", "close"} & vars(client).keys()


def test_without_the_package_the_error_names_the_extra(source: Steered, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    monkeypatch.delitem(sys.modules, "promptdb.client.telemetry", raising=False)
    with pytest.raises(MissingExtra) as caught:
        importlib.import_module("promptdb.client.telemetry")
    assert caught.value.hint == "pip install 'promptdb-git[otel]'"


def test_the_page_lists_every_instrument_with_its_unit(
    client: PromptClient, source: Steered, collected: Collected
) -> None:
    client.get(REF)
    listed = dict(re.findall(r"^\| `(promptdb\.client\.[a-z.]+)` \| [a-z -]+ \| `([^`]+)` \|", PAGE.read_text(), re.M))
    assert {name: metric.unit for name, metric in collected.metrics().items()} == listed
