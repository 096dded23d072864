"""Spans of requests, which the app reports to OpenTelemetry."""

import pytest
from apis import API, client_for
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from registries import on_sqlite

from promptdb import PromptService, create_app


@pytest.mark.parametrize("enabled", [True, False])
@on_sqlite
def test_each_request_is_a_span_without_secrets(
    service: PromptService, monkeypatch: pytest.MonkeyPatch, enabled: bool
) -> None:
    service.register_text("a/one", "the text")
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    app = create_app(service.settings.model_copy(update={"enable_otel": enabled}))
    with client_for(app) as client:
        for _ in range(2):
            client.get(f"{API}/prompts/a/one/resolve?selector=latest", headers={"X-Private": "hidden"})
    spans = exporter.get_finished_spans()
    assert len(spans) == (2 if enabled else 0)
    for span in spans:
        assert span.name == f"GET {API}/prompts/{{prompt}}/resolve"
        assert not any(secret in span.to_json() for secret in ("hidden", "the text"))
