"""The events that were promised to webhooks: written with the change, then claimed and sent by a worker, at least once.

A worker claims one row by moving its `due_at` into the future, so the row of a killed worker is due again later. The result is
only written if `due_at` is still the time of the claim: otherwise another worker has claimed the row.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

import sqlalchemy as sa

from promptdb.db.access_columns import deliveries, webhooks
from promptdb.db.inserts import Row, insert_rows
from promptdb.domain.webhooks.events import Event
from promptdb.domain.webhooks.schedule import PENDING, Answer, Outcome
from promptdb.domain.webhooks.subscriptions import Subscription


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that this process alone may send until `until`. `attempts` counts the earlier ones."""

    id: int
    webhook_id: int
    message_id: str
    body: str
    attempts: int
    until: datetime
    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)


def promise(
    connection: sa.Connection,
    subscriptions: Sequence[Subscription],
    events: Iterable[Event],
    now: datetime,
    due_at: datetime | None = None,
) -> None:
    """Write a delivery of each event for each webhook that gets it, in the transaction of the change. They are due at once."""
    rows = list[Row]()
    for event in events:
        getting = [found.webhook_id for found in subscriptions if found.wants(event)]
        if not getting:
            continue
        common = {
            "message_id": f"msg_{uuid4().hex}",
            "event": event.type,
            "body": event.body(now),
            "created_at": now,
            "prompt": str(event.prompt) if event.prompt else None,
            "state": PENDING,
            "attempts": 0,
            "due_at": due_at or now,
        }
        rows += [{"webhook_id": key, **common} for key in getting]
    insert_rows(connection, deliveries, rows)


def due_webhooks(connection: sa.Connection, now: datetime) -> list[int]:
    """Find the enabled webhooks with deliveries that are due, the one that has waited longest first."""
    due = sa.select(deliveries.c.webhook_id).join(webhooks).where(deliveries.c.due_at <= now, _is_open(now))
    grouped = due.group_by(deliveries.c.webhook_id).order_by(sa.func.min(deliveries.c.due_at), deliveries.c.webhook_id)
    return list(connection.execute(grouped).scalars())


def claim(connection: sa.Connection, webhook: int, due_by: datetime, now: datetime, until: datetime) -> Claim | None:
    """Claim the oldest delivery of a webhook that was due at a time, and that no other worker is claiming.

    On PostgreSQL, rows that others have locked are skipped; the transaction needs no other lock.
    """
    due = sa.select(deliveries.c.id).join(webhooks).where(deliveries.c.webhook_id == webhook)
    due = due.where(deliveries.c.due_at <= due_by, _is_open(now))
    oldest = due.order_by(deliveries.c.id).limit(1).with_for_update(skip_locked=True, of=deliveries)
    # Apart from the update: PostgreSQL may run a subquery with a limit more than once.
    key = connection.execute(oldest).scalar()
    return None if key is None else claim_one(connection, key, now, until)


def claim_one(connection: sa.Connection, key: int, now: datetime, until: datetime) -> Claim:
    """Claim a delivery that is locked, or that no other worker can see yet."""
    connection.execute(sa.update(deliveries).where(deliveries.c.id == key).values(due_at=until))
    own = (deliveries.c.id, deliveries.c.webhook_id, deliveries.c.message_id, deliveries.c.body, deliveries.c.attempts)
    signing = (webhooks.c.url, webhooks.c.secret, webhooks.c.previous_secret, webhooks.c.previous_until)
    row = connection.execute(sa.select(*own, *signing).join(webhooks).where(deliveries.c.id == key)).one()
    is_rotating = row.previous_until is not None and now < row.previous_until
    secrets = (row.secret, row.previous_secret) if is_rotating else (row.secret,)
    return Claim(row.id, row.webhook_id, row.message_id, row.body, row.attempts, until, row.url, secrets)


def settle(connection: sa.Connection, claimed: Claim, answer: Answer, result: Outcome, now: datetime) -> bool:
    """Write the result of a claimed delivery. Return False if another worker has claimed it since."""
    values = {"state": result.state, "due_at": result.due_at, "attempts": claimed.attempts + 1, "attempted_at": now}
    found = {"status": answer.status, "error": answer.error[:255] if answer.error else None}
    mine = (deliveries.c.id == claimed.id, deliveries.c.due_at == claimed.until)
    if result.rests_until is not None:
        rests = sa.update(webhooks).where(webhooks.c.id == claimed.webhook_id)
        connection.execute(rests.values(rests_until=result.rests_until))
    return connection.execute(sa.update(deliveries).where(*mine).values(**values, **found)).rowcount > 0


def forget(connection: sa.Connection, before: datetime) -> int:
    """Delete deliveries that ended before a time, and return their number."""
    # A delivery of a webhook that was disabled may have ended without an attempt.
    ended_at = sa.func.coalesce(deliveries.c.attempted_at, deliveries.c.created_at)
    return connection.execute(sa.delete(deliveries).where(deliveries.c.due_at.is_(None), ended_at < before)).rowcount


def _is_open(now: datetime) -> sa.ColumnElement[bool]:
    """State that a webhook is enabled, and does not rest."""
    return webhooks.c.disabled_at.is_(None) & sa.func.coalesce(webhooks.c.rests_until <= now, sa.true())
