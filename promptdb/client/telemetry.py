"""Reports lookups, requests and renders to OpenTelemetry. Loaded only if the setting `enable_otel` is on.

docs/client.md lists the names. Values of variables and texts of prompts are never reported.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from math import isfinite
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

from promptdb.client.source import Source, TakenOver
from promptdb.client.sources.code import Fallback
from promptdb.domain.delivery import Changes, Generation, Reason, Status
from promptdb.domain.refs import PromptRef
from promptdb.domain.views import PromptVersionView, StoredVersion
from promptdb.errors import MissingExtra, PromptDBError
from promptdb.render.messages import RenderedMessage
from promptdb.render.resolved import ResolvedPrompt
from promptdb.version import VERSION

try:
    from opentelemetry import metrics, trace
    from opentelemetry.metrics import CallbackOptions, Histogram, Observation
except ModuleNotFoundError as error:
    raise MissingExtra("OpenTelemetry is not installed", "pip install 'promptdb-git[otel]'") from error

if TYPE_CHECKING:
    from langchain_core.prompts import ChatPromptTemplate, FewShotPromptTemplate, PromptTemplate

    from promptdb.client.client import PromptClient
    from promptdb.client.lookups import Lookups

_T = TypeVar("_T")

ERROR = "ERROR"
"""The reason of a lookup that raised an error, as in OpenFeature."""

_counts: dict[tuple[str, ...], list[int]] = {}
"""Lookups of this process, by source, reason and kind of error."""


def _count(*key: str) -> list[int]:
    return _counts.setdefault(key, [0])


@dataclass(frozen=True, kw_only=True, repr=False)
class TracedPrompt(ResolvedPrompt):
    """A prompt whose renders put its name and version on the current span."""

    # A number to add to: a counter of OpenTelemetry would take longer than the lookup that it counts. Without a lock, since at
    # worst a count is lost.
    lookups: list[int] = field(default_factory=lambda: [0], compare=False)

    def render_text(self, variables: Mapping[str, Any] | None = None, /, **more: Any) -> str:
        self._note()
        return super().render_text(variables, **more)

    def render_messages(self, variables: Mapping[str, Any] | None = None, /, **more: Any) -> list[RenderedMessage]:
        self._note()
        return super().render_messages(variables, **more)

    def as_langchain(self) -> "PromptTemplate | FewShotPromptTemplate | ChatPromptTemplate":
        self._note()
        return super().as_langchain()

    def _note(self) -> None:
        span = trace.get_current_span()
        if span.is_recording():
            span.set_attributes(span_attributes(self))
            if self.split is not None and self.reason in (Reason.SPLIT, Reason.STALE):
                span.add_event("feature_flag.evaluation", evaluation_attributes(self))


def span_attributes(prompt: ResolvedPrompt) -> dict[str, str | bool]:
    """Name a prompt and its version in the words of the GenAI conventions, and its origin in our own."""
    version = prompt.version
    found = {
        "gen_ai.prompt.name": str(prompt.prompt),
        # A version that is not recorded has no revision.
        "gen_ai.prompt.version": str(version.revision) if version.is_recorded else version.spec_hash,
        "promptdb.digest": version.spec_hash,
        "promptdb.alias": prompt.alias,
        "promptdb.commit": prompt.commit_id,
        "promptdb.source": prompt.source,
        "promptdb.reason": prompt.reason.value,
        "promptdb.stale": prompt.reason is Reason.STALE,
    }
    return {name: value for name, value in found.items() if value is not None}


def evaluation_attributes(prompt: ResolvedPrompt) -> dict[str, str]:
    """Name the arm of a split in the words of the feature flag conventions.

    Without `feature_flag.context.id`: the key of a split may identify a person.
    """
    return {
        "feature_flag.key": prompt.ref,
        "feature_flag.result.variant": f"rev:{prompt.version.revision}",
        "feature_flag.result.reason": prompt.reason.value.lower(),
        "feature_flag.version": prompt.version.spec_hash,
        "feature_flag.provider.name": "promptdb",
    }


def traced(**fields: Any) -> ResolvedPrompt:
    """Make the prompt of an answer. Takes the fields of `ResolvedPrompt`."""
    return TracedPrompt(**fields, lookups=_count(fields["source"], fields["reason"].value, ""))


class MeasuredSource:
    """A source whose requests are timed."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.name, self.is_at_hand = source.name, source.is_at_hand
        self._durations = _durations()

    def find(self, ref: PromptRef) -> StoredVersion:
        return self._timed("find", lambda: self._source.find(ref))

    def find_many(self, refs: Sequence[PromptRef]) -> list[StoredVersion | PromptDBError]:
        return self._timed("find_many", lambda: self._source.find_many(refs))

    def find_all(self, alias: str, namespace: str | None) -> list[StoredVersion]:
        return self._timed("find_all", lambda: self._source.find_all(alias, namespace))

    def changes(self, since: Generation | None) -> Changes:
        return self._timed("changes", lambda: self._source.changes(since))

    def wait(self, since: Generation | None, seconds: float, stopped: Callable[[], bool]) -> None:
        self._source.wait(since, seconds, stopped)

    def list_versions(self, prompt: str, limit: int | None = None) -> list[PromptVersionView]:
        return self._source.list_versions(prompt, limit)

    def after_fork(self) -> None:
        self._source.after_fork()

    def close(self) -> None:
        self._source.close()

    def _timed(self, operation: str, ask: Callable[[], _T]) -> _T:
        attributes = {"promptdb.source": self.name, "promptdb.operation": operation}
        start = perf_counter()
        try:
            return ask()
        except (PromptDBError, TakenOver) as error:
            failure = error.failure if isinstance(error, TakenOver) else error
            attributes["error.type"] = type(failure).__name__
            raise
        finally:
            self._durations.record(perf_counter() - start, attributes)


def observe(client: "PromptClient", lookups: "Lookups") -> None:
    """Count the lookups of a client, and report its status until it is closed."""
    _durations()
    _observed.add(lookups)
    get, at_hand, close, fetch_many = client.get, client.at_hand, client.close, lookups.fetch_many

    def counted_get(ref: str, *, key: str | None = None, fallback: Fallback | None = None) -> ResolvedPrompt:
        try:
            found = get(ref, key=key, fallback=fallback)
        except PromptDBError as error:
            _count(lookups.health.source, ERROR, type(error).__name__)[0] += 1
            raise
        found.lookups[0] += 1  # type: ignore[attr-defined]  # `traced` made it
        return found

    def counted_at_hand(ref: str, key: str | None = None) -> ResolvedPrompt | None:
        found = at_hand(ref, key)
        if found is not None:
            found.lookups[0] += 1  # type: ignore[attr-defined]  # as above
        return found

    def counted_fetch_many(texts: list[str], key: str | None = None) -> dict[str, ResolvedPrompt]:
        found = fetch_many(texts, key)
        for prompt in found.values():
            prompt.lookups[0] += 1  # type: ignore[attr-defined]  # as above
        return found

    def observed_close() -> None:
        _observed.discard(lookups)
        close()

    # In these objects alone: other clients have nothing to check at each call.
    vars(client).update(get=counted_get, at_hand=counted_at_hand, close=observed_close)
    vars(lookups).update(fetch_many=counted_fetch_many)


# Instruments

_observed: "WeakSet[Lookups]" = WeakSet()


@cache
def _durations() -> Histogram:
    """Make the instruments of the process, at its first client."""
    meter = metrics.get_meter("promptdb", VERSION)
    meter.create_observable_counter(
        "promptdb.client.lookups", [_lookups_by_reason], "{lookup}", "Lookups by source and reason"
    )
    meter.create_observable_gauge("promptdb.client.age", [_ages], "s", "Time since the source confirmed the answers")
    meter.create_observable_up_down_counter("promptdb.client.status", [_statuses], "{client}", "Clients by status")
    return meter.create_histogram("promptdb.client.source.duration", "s", "Duration of requests to the source")


def _lookups_by_reason(_: CallbackOptions) -> Iterable[Observation]:
    for (source, reason, error), [number] in list(_counts.items()):
        attributes = {"promptdb.source": source, "promptdb.reason": reason}
        yield Observation(number, attributes | ({"error.type": error} if error else {}))


def _ages(_: CallbackOptions) -> Iterable[Observation]:
    ages: dict[str, float] = {}
    for lookups in list(_observed):
        if isfinite(age := lookups.age()):
            ages[lookups.health.source] = max(age, ages.get(lookups.health.source, 0))
    return [Observation(age, {"promptdb.source": source}) for source, age in ages.items()]


def _statuses(_: CallbackOptions) -> Iterable[Observation]:
    found = Counter((lookups.health.source, lookups.health.status) for lookups in list(_observed))
    for source in {source for source, _ in found}:
        for status in Status:
            yield Observation(found[source, status], {"promptdb.source": source, "promptdb.status": status.value})
