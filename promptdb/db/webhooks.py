"""Reads and writes the rows of webhooks on one connection."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from promptdb.db.access_columns import deliveries, webhooks
from promptdb.db.inserts import Row
from promptdb.db.lost_commit import note
from promptdb.domain.namespace_glob import NamespaceGlob
from promptdb.domain.webhooks.schedule import FAILED, PENDING
from promptdb.domain.webhooks.subscriptions import Delivery, Subscription, Webhook

_SHOWN = [deliveries.c[name] for name in Delivery.__dataclass_fields__]
_DISABLED = "the webhook was disabled"


def subscriptions(connection: sa.Connection) -> list[Subscription]:
    """Read what the enabled webhooks get. Needs no right to read secrets."""
    query = sa.select(webhooks.c.id, webhooks.c.events, webhooks.c.namespace)
    rows = connection.execute(query.where(webhooks.c.disabled_at.is_(None)).order_by(webhooks.c.id))
    return [Subscription(row.id, _types(row.events), NamespaceGlob(row.namespace)) for row in rows]


def read_webhooks(connection: sa.Connection, key: int | None = None) -> list[Webhook]:
    """Read one webhook or all, the oldest first, with the numbers of their deliveries."""

    def counted(state: str) -> sa.Label[int]:
        found = sa.select(sa.func.count()).where(deliveries.c.webhook_id == webhooks.c.id, deliveries.c.state == state)
        return found.scalar_subquery().label(state)

    query = sa.select(webhooks, counted(PENDING), counted(FAILED)).order_by(webhooks.c.id)
    rows = connection.execute(query if key is None else query.where(webhooks.c.id == key))
    return [_webhook(row) for row in rows.mappings()]


def insert_webhook(connection: sa.Connection, row: Row) -> int:
    """Insert a webhook, and return the id that the database gives it."""
    result = connection.execute(sa.insert(webhooks).values(**row))
    note(connection, webhooks, row)
    key: int = result.inserted_primary_key[0]  # type: ignore[index]
    return key


def update_webhook(connection: sa.Connection, key: int, **values: Any) -> bool:
    """Change columns of a webhook, and return whether it exists."""
    return connection.execute(sa.update(webhooks).where(webhooks.c.id == key).values(**values)).rowcount > 0


def replace_secret(connection: sa.Connection, key: int, secret: str, until: datetime) -> bool:
    """Give a webhook a new secret, and keep the present one until a time. Return whether the webhook exists."""
    return update_webhook(connection, key, previous_secret=webhooks.c.secret, previous_until=until, secret=secret)


def delete_webhook(connection: sa.Connection, key: int) -> bool:
    """Delete a webhook with its deliveries, and return whether it existed."""
    connection.execute(sa.delete(deliveries).where(deliveries.c.webhook_id == key))
    return connection.execute(sa.delete(webhooks).where(webhooks.c.id == key)).rowcount > 0


def disable_webhook(connection: sa.Connection, key: int, reason: str, now: datetime) -> None:
    """Disable a webhook. Its pending deliveries have failed; a replay sends them."""
    enabled = (webhooks.c.id == key, webhooks.c.disabled_at.is_(None))
    connection.execute(sa.update(webhooks).where(*enabled).values(disabled_at=now, disabled_reason=reason[:255]))
    waiting = (deliveries.c.webhook_id == key, deliveries.c.due_at.is_not(None))
    connection.execute(sa.update(deliveries).where(*waiting).values(state=FAILED, due_at=None, error=_DISABLED))


def read_deliveries(
    connection: sa.Connection,
    webhook: int | None = None,
    state: str | None = None,
    before: int | None = None,
    limit: int | None = None,
) -> list[Delivery]:
    """Read deliveries, the newest first, from before the one with the id `before`."""
    query = sa.select(*_SHOWN).order_by(deliveries.c.id.desc()).limit(limit)
    for column, value in ((deliveries.c.webhook_id, webhook), (deliveries.c.state, state)):
        query = query if value is None else query.where(column == value)
    rows = connection.execute(query if before is None else query.where(deliveries.c.id < before))
    return [Delivery(**row) for row in rows.mappings()]


def repeat_deliveries(connection: sa.Connection, webhook: int, ids: Sequence[int] | None, now: datetime) -> int:
    """Make deliveries of a webhook due again from the first attempt on, by default all that failed. Return their number."""
    chosen = deliveries.c.state == FAILED if ids is None else deliveries.c.id.in_(ids)
    again = sa.update(deliveries).where(deliveries.c.webhook_id == webhook, chosen)
    return connection.execute(again.values(state=PENDING, attempts=0, due_at=now)).rowcount


def _webhook(row: sa.RowMapping) -> Webhook:
    own = {name: row[name] for name in Webhook.__dataclass_fields__ if name != "events"}
    return Webhook(events=_types(row["events"]), **own)


def _types(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(",")))
