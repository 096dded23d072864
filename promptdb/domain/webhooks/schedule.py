"""The decision that follows the answer to a delivery: it has ended, or there is another attempt later."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

SCHEDULE = (0, 5, 5 * 60, 30 * 60, *(hours * 3600 for hours in (2, 5, 10, 14, 20, 24)))
"""Seconds before each attempt, from the one before it. The first comes at once. As Standard Webhooks 1.0.0 proposes."""

JITTER = 0.2
"""The most that a wait grows by chance, as a share of it, so that not all deliveries return at once."""

MAX_RETRY_AFTER = timedelta(hours=24)

DELIVERED, PENDING, FAILED = "delivered", "pending", "failed"
"""States of a delivery. A pending one has a time at which it is due."""

GONE = 410
"""The status by which a receiver ends its webhook."""

TOO_MANY = 429


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a receiver. Without one, `status` is None. `error` says what was wrong, and is None for a success."""

    status: int | None = None
    error: str | None = None
    retry_after: str | None = None

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Outcome:
    """The future of a delivery, and of its webhook.

    `due_at` is the time of the next attempt of a pending delivery. Until `rests_until` the webhook gets nothing at all, and if
    the answer `disables` it, nothing from now on.
    """

    state: str
    due_at: datetime | None = None
    rests_until: datetime | None = None
    disables: bool = False


def outcome(answer: Answer, attempts: int, now: datetime, chance: float) -> Outcome:
    """Decide what becomes of a delivery after an attempt.

    Args:
        attempts: the number of attempts so far, with this one.
        chance: a random number from 0 to 1.
    """
    if answer.is_success:
        return Outcome(DELIVERED)
    if answer.status == GONE:
        return Outcome(FAILED, disables=True)
    asked = _asked(answer.retry_after, now)
    # A receiver that is down or busy fails the other deliveries too. A refusal may concern this one alone.
    is_down = answer.status is None or answer.status >= 500 or answer.status == TOO_MANY
    rest = max(asked, timedelta(seconds=SCHEDULE[1] if is_down else 0))
    rests_until = now + rest if rest else None
    if attempts >= len(SCHEDULE):
        return Outcome(FAILED, rests_until=rests_until)
    wait = timedelta(seconds=SCHEDULE[attempts] * (1 + JITTER * chance))
    return Outcome(PENDING, now + max(wait, asked), rests_until)


def _asked(retry_after: str | None, now: datetime) -> timedelta:
    """Read a `Retry-After` (RFC 9110, 10.2.3): seconds, or a date. Anything else asks for nothing."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text[:9])), MAX_RETRY_AFTER)
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return timedelta()
    # A date without a zone is in UTC.
    date = date if date.tzinfo is not None else date.replace(tzinfo=UTC)
    return min(max(date - now, timedelta()), MAX_RETRY_AFTER)
