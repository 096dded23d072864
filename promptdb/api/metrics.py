"""Metrics in the form of Prometheus.

Several workers add theirs up in files, in the folder that `PROMETHEUS_MULTIPROC_DIR` names. `promptdb serve` makes that folder.
"""

import asyncio
import os

from prometheus_client import CollectorRegistry, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from promptdb.api.logs import Exchange
from promptdb.api.metrics_folder import FOLDER
from promptdb.api.served import Served
from promptdb.registry.webhooks import list_webhooks

LOOK = 5.0
"""Seconds between two looks at what changes without a request. A worker that has none reports it too."""

_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

_ENDLESS = frozenset({"/events", "/changes"})
"""Routes that wait for changes, so that their time says nothing."""


class Metrics:
    """The metrics of one app."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Histogram(
            "promptdb_http_request_duration_seconds",
            "Requests by the template of their path, and the time until their last byte.",
            ("method", "route", "status"),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._streams = Gauge(
            "promptdb_event_streams", "Open event streams.", registry=self._registry, multiprocess_mode="livesum"
        )
        self._generation = Gauge(
            "promptdb_generation",
            "The generation that is served.",
            registry=self._registry,
            multiprocess_mode="livemin",
        )
        self._waiting = Gauge(
            "promptdb_webhook_deliveries_waiting",
            "Deliveries of webhooks that are not done.",
            registry=self._registry,
            multiprocess_mode="livemax",
        )
        if FOLDER not in os.environ:
            ProcessCollector(registry=self._registry)

    def count(self, exchange: Exchange) -> None:
        route = exchange.route or "none"
        # Other methods than these get 405. Without this, each one that a client invents would be kept for good.
        method = exchange.method if exchange.method in _METHODS else "other"
        seconds = 0.0 if route in _ENDLESS else exchange.seconds
        self._requests.labels(method, route, str(exchange.status)).observe(seconds)

    def look(self, served: Served) -> None:
        """Read what changes without a request."""
        self._streams.set(served.streams.count)
        if served.hub.generation is not None:
            self._generation.set(served.hub.generation.number)

    async def look_often(self, served: Served) -> None:
        while True:
            self.look(served)
            await asyncio.sleep(LOOK)

    def text(self, served: Served) -> bytes:
        """Write the metrics of all workers. Raise StorageError if the database fails. For a thread."""
        self._waiting.set(sum(webhook.pending for webhook in list_webhooks(served.reader.registry)))
        if FOLDER not in os.environ:
            return generate_latest(self._registry)
        whole = CollectorRegistry()
        MultiProcessCollector(whole)  # type: ignore[no-untyped-call]
        return generate_latest(whole)


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})
