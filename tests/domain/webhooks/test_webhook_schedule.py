"""What follows from each answer of a receiver."""

from datetime import UTC, datetime, timedelta

import pytest

from promptdb.domain.webhooks.schedule import DELIVERED, FAILED, JITTER, PENDING, SCHEDULE, Answer, Outcome, outcome

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(200), Outcome(DELIVERED)),
        (Answer(204), Outcome(DELIVERED)),
        (Answer(299, retry_after="60"), Outcome(DELIVERED)),
        (Answer(300), Outcome(PENDING, after(5))),
        (Answer(302), Outcome(PENDING, after(5))),
        (Answer(400), Outcome(PENDING, after(5))),
        (Answer(404), Outcome(PENDING, after(5))),
        (Answer(410), Outcome(FAILED, disables=True)),
        (Answer(429), Outcome(PENDING, after(5), after(5))),
        (Answer(429, retry_after="60"), Outcome(PENDING, after(60), after(60))),
        (Answer(400, retry_after="2"), Outcome(PENDING, after(5), after(2))),
        (Answer(500), Outcome(PENDING, after(5), after(5))),
        (Answer(503, retry_after="Tue, 01 Dec 2026 12:02:00 GMT"), Outcome(PENDING, after(120), after(120))),
        (Answer(503, retry_after="Tue, 01 Dec 2026 11:00:00 GMT"), Outcome(PENDING, after(5), after(5))),
        (Answer(error="timeout"), Outcome(PENDING, after(5), after(5))),
    ],
    ids=str,
)
def test_only_2xx_is_a_success_and_410_the_end(answer: Answer, expected: Outcome) -> None:
    assert outcome(answer, 1, NOW, 0) == expected


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 5),
        ("86400", 86_400),
        ("99999999999999999999", 86_400),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400),
        ("-5", 5),
        ("1.5", 5),
        ("soon", 5),
        ("", 5),
        ("\u0665\u0660", 5),
        ("Tue, 99 Dec 2026 12:02:00 GMT", 5),
    ],
)
def test_a_retry_after_is_obeyed_for_a_day_at_the_most(text: str, seconds: int) -> None:
    found = outcome(Answer(503, retry_after=text), 1, NOW, 0)
    assert (found.due_at, found.rests_until) == (after(seconds), after(seconds))


def test_the_attempts_are_those_of_the_standard() -> None:
    waits = []
    for attempts in range(1, len(SCHEDULE)):
        due = outcome(Answer(500), attempts, NOW, 0).due_at
        assert due is not None
        waits.append((due - NOW).total_seconds())
    hours = 3600
    assert waits == [5, 300, 1800, 2 * hours, 5 * hours, 10 * hours, 14 * hours, 20 * hours, 24 * hours]
    assert outcome(Answer(500), len(SCHEDULE), NOW, 0) == Outcome(FAILED, rests_until=after(5))


def test_chance_makes_a_wait_longer_and_never_shorter() -> None:
    assert outcome(Answer(400), 2, NOW, 1).due_at == after(300 * (1 + JITTER))
