"""Registers webhooks, lists and repeats their deliveries. `delivery` sends them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from secrets import token_bytes
from urllib.parse import SplitResult

import sqlalchemy as sa

from promptdb.db import webhooks as rows
from promptdb.db.engine import reading, writing
from promptdb.db.outbox import Claim, claim_one, promise
from promptdb.db.retry import retried
from promptdb.domain.namespace_glob import NamespaceGlob
from promptdb.domain.webhooks.addresses import Network, is_allowed
from promptdb.domain.webhooks.events import ping
from promptdb.domain.webhooks.signing import SECRET_BYTES, secret_text
from promptdb.domain.webhooks.subscriptions import (
    Delivery,
    Subscription,
    Webhook,
    parse_url,
    require_event_types,
)
from promptdb.errors import Conflict, InvalidRef, NotFound
from promptdb.registry.stores import Registry

ROTATION = timedelta(hours=24)
"""The time for which the old secret signs too."""


@dataclass(frozen=True, slots=True)
class WebhookSecret:
    """A webhook with its new secret, which is shown once. `previous_until` is the end of the old one."""

    webhook: Webhook
    secret: str = field(repr=False)
    previous_until: datetime | None = None


def add_webhook(
    registry: Registry,
    url: str,
    events: Sequence[str] = (),
    namespace: str = "*",
    private: Sequence[Network] = (),
) -> WebhookSecret:
    """Register a receiver of events.

    Args:
        url: where they are sent, with https. Plain http is for `private` networks.
        events: the types that it gets, by default all.
        namespace: a pattern of the namespaces whose prompts it gets events of.
        private: networks that are not public, to which webhooks may be sent.

    Raises:
        InvalidRef: an argument is malformed, or the address is not allowed.
    """
    _require_allowed(parse_url(url), private)
    types, glob, secret = (
        require_event_types(events),
        NamespaceGlob.parse(namespace),
        secret_text(token_bytes(SECRET_BYTES)),
    )
    row = {
        "url": url,
        "events": ",".join(types),
        "namespace": glob.text,
        "secret": secret,
        "created_by": registry.actor,
        "created_at": datetime.now(UTC),
    }
    return WebhookSecret(_insert(registry, row), secret)


@retried
def list_webhooks(registry: Registry) -> list[Webhook]:
    """List the webhooks, the oldest first."""
    with reading(registry.engine) as connection:
        return rows.read_webhooks(connection)


@retried
def remove_webhook(registry: Registry, key: int) -> Webhook:
    """Remove a webhook with its deliveries. Raise `NotFound` if it does not exist."""
    with writing(registry.engine) as connection:
        found = _existing(connection, key)
        rows.delete_webhook(connection, key)
    return found


def rotate_secret(registry: Registry, key: int) -> WebhookSecret:
    """Give a webhook a new secret. For a day, the old one signs too, so that no event is lost in the change.

    Raises:
        NotFound: the webhook does not exist.
    """
    secret, until = secret_text(token_bytes(SECRET_BYTES)), datetime.now(UTC) + ROTATION
    return WebhookSecret(_rotate(registry, key, secret, until), secret, until)


@retried
def enable_webhook(registry: Registry, key: int) -> Webhook:
    """Send events to a disabled webhook again, from now on. Raise `NotFound` if it does not exist."""
    with writing(registry.engine) as connection:
        rows.update_webhook(connection, key, rests_until=None, disabled_at=None, disabled_reason=None)
        return _existing(connection, key)


@retried
def list_deliveries(
    registry: Registry,
    webhook: int | None = None,
    state: str | None = None,
    before: int | None = None,
    limit: int | None = None,
) -> list[Delivery]:
    """List the deliveries of one webhook or of all, the newest first, from before the one with the id `before`.

    Raises:
        NotFound: the webhook does not exist.
    """
    with reading(registry.engine) as connection:
        if webhook is not None:
            _existing(connection, webhook)
        return rows.read_deliveries(connection, webhook, state, before, limit)


@retried
def replay(registry: Registry, webhook: int, deliveries: Sequence[int] | None = None) -> int:
    """Send deliveries of a webhook again, by default all that failed. They keep their message ids. Return their number.

    Raises:
        NotFound: the webhook, or one of the deliveries, does not exist.
        Conflict: the webhook is disabled.
    """
    with writing(registry.engine) as connection:
        _require_enabled(_existing(connection, webhook))
        count = rows.repeat_deliveries(connection, webhook, deliveries, datetime.now(UTC))
        if deliveries is not None and count < len(set(deliveries)):
            message = f"webhook {webhook} has not all of these deliveries; nothing is sent"
            raise NotFound(message, f"'promptdb webhook deliveries {webhook}' lists them")
    return count


@retried
def claim_ping(registry: Registry, webhook: int, lease: timedelta) -> Claim:
    """Write a ping for a webhook, and claim it, so that only the caller sends it.

    Raises:
        NotFound: the webhook does not exist.
        Conflict: the webhook is disabled.
    """
    now = datetime.now(UTC)
    with writing(registry.engine) as connection:
        _require_enabled(_existing(connection, webhook))
        promise(connection, [Subscription(webhook)], [ping(webhook)], now)
        newest = rows.read_deliveries(connection, webhook, limit=1)[0]
        return claim_one(connection, newest.id, now, now + lease)


@retried
def _insert(registry: Registry, row: dict[str, object]) -> Webhook:
    with writing(registry.engine) as connection:
        return _existing(connection, rows.insert_webhook(connection, row))


@retried
def _rotate(registry: Registry, key: int, secret: str, until: datetime) -> Webhook:
    with writing(registry.engine) as connection:
        rows.replace_secret(connection, key, secret, until)
        return _existing(connection, key)


def _existing(connection: sa.Connection, key: int) -> Webhook:
    found = rows.read_webhooks(connection, key)
    if not found:
        raise NotFound(f"there is no webhook {key}", "'promptdb webhook list' lists them")
    return found[0]


def _require_enabled(webhook: Webhook) -> None:
    if webhook.disabled_at is not None:
        message = f"webhook {webhook.id} is disabled: {webhook.disabled_reason}"
        raise Conflict(message, f"'promptdb webhook enable {webhook.id}' enables it")


def _require_allowed(url: SplitResult, private: Sequence[Network]) -> None:
    """Refuse early what no delivery would be allowed to do. Host names are looked up when something is sent."""
    hint = "PROMPTDB_WEBHOOK_PRIVATE_NETWORKS names the private networks that webhooks may be sent to"
    if url.scheme == "http" and not private:
        raise InvalidRef("webhooks need https://", hint)
    try:
        peer = ip_address(url.hostname or "")
    except ValueError:
        return
    if not is_allowed(peer, private):
        raise InvalidRef(f"{peer} is not a public address", hint)
