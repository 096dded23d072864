"""Webhooks of tests, and ways to look at what was promised to them."""

import json
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

import sqlalchemy as sa
from registries import rows

from promptdb.db.access_columns import deliveries, webhooks
from promptdb.delivery.worker import WebhookWorker
from promptdb.domain.webhooks.schedule import PENDING
from promptdb.registry.stores import Registry
from promptdb.registry.webhooks import WebhookSecret, add_webhook
from promptdb.service import PromptService

LOOPBACK = [ip_network("127.0.0.0/8")]
NOWHERE = "https://hooks.example.com/promptdb"


def hook(service: PromptService, url: str = NOWHERE, *events: str, namespace: str = "*") -> WebhookSecret:
    return add_webhook(service.registry, url, events, namespace, LOOPBACK)


def worker_of(registry: Registry, **options: Any) -> WebhookWorker:
    return WebhookWorker(registry, LOOPBACK, **options)


def promised(service: PromptService) -> list[dict[str, Any]]:
    """The bodies of all deliveries, the oldest first, without their times."""
    found = [json.loads(row["body"]) for row in rows(service.engine, "webhook_deliveries")]
    return [{"type": body["type"], **body["data"]} for body in found]


def make_due(service: PromptService) -> None:
    """Let all waits of pending deliveries and of webhooks be over."""
    with service.engine.begin() as connection:
        pending = deliveries.c.state == PENDING
        connection.execute(sa.update(deliveries).where(pending).values(due_at=datetime.now(UTC)))
        connection.execute(sa.update(webhooks).values(rests_until=None))
