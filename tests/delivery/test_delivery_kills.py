"""Processes that are killed (SIGKILL) while they change a registry, or while they send: no promise is lost."""

from pathlib import Path
from typing import Any

import pytest
from hooks import hook, make_due, promised, worker_of
from points import LOCK, Point, paused_at
from receiver import Handler, Receiver
from registries import rows

from promptdb.registry.webhooks import list_deliveries
from promptdb.service import PromptService
from promptdb.settings import AppSettings

pytestmark = pytest.mark.slow

TRIAGE = "support/triage"


def promote(base: Path, url: str) -> str:
    with PromptService(AppSettings(base=base, database_url=url)) as service:
        service.promote(TRIAGE, "production")
    return "moved"


def deliver(base: Path, url: str) -> int:
    """In the thread that `paused_at` watches."""
    with PromptService(AppSettings(base=base, database_url=url)) as service:
        return len(worker_of(service.registry)._series(1))


def arguments(service: PromptService) -> tuple[Path, str]:
    return service.settings.base, service.settings.database_url.get_secret_value()


@pytest.mark.parametrize(
    ("point", "is_moved"),
    [
        (Point("with the lock", "sql done", LOCK), False),
        (Point("after the row of the alias", "return", "RegistryWriter.insert_aliases"), False),
        (Point("after the promise", "return", "RegistryWriter.promise"), False),
        (Point("before COMMIT", "return", "raise_generation"), False),
        (Point("after COMMIT", "return", "perform"), True),
    ],
    ids=str,
)
def test_a_killed_move_has_promised_its_event_or_did_not_happen(
    service: PromptService, receiver: Receiver, point: Point, is_moved: bool
) -> None:
    hook(service, receiver.url, "alias.moved")
    service.register_text(TRIAGE, "one")
    with paused_at(point, promote, *arguments(service)) as paused:
        paused.kill()
    assert [event["action"] for event in rows(service.engine, "alias_events")] == ["promote"] * is_moved
    assert len(promised(service)) == is_moved
    worker_of(service.registry).deliver_due()
    assert receiver.types == ["alias.moved"] * is_moved


@pytest.mark.parametrize(
    ("point", "requests"),
    [
        (Point("after the claim", "return", "WebhookWorker._claim"), 1),
        (Point("before the answer is read", "call", "HTTPResponse.begin"), 2),
        (Point("before the result is written", "call", "settle"), 2),
        (Point("after the result is written", "return", "WebhookWorker._settle"), 1),
    ],
    ids=str,
)
def test_a_killed_worker_loses_nothing_and_may_send_twice_with_one_id(
    service: PromptService, receiver: Receiver, point: Point, requests: int
) -> None:
    hook(service, receiver.url)
    service.register_text(TRIAGE, "one")
    with paused_at(point, deliver, *arguments(service)) as paused:
        paused.kill()
    make_due(service)  # the lease is over
    worker_of(service.registry).deliver_due()
    assert len(receiver.requests) == requests
    assert len({request.id for request in receiver.requests}) == 1
    [found] = list_deliveries(service.registry)
    assert found.state == "delivered"


def test_a_worker_that_is_killed_while_a_receiver_hangs_loses_nothing(
    service: PromptService, receiver: Receiver
) -> None:
    hook(service, receiver.url)
    service.register_text(TRIAGE, "one")

    def kill(_: Handler) -> None:
        killed.append(None)

    killed: list[Any] = []
    receiver.answers.append(kill)
    point = Point("while it waits for the answer", "call", "HTTPResponse._read_status")
    with paused_at(point, deliver, *arguments(service)) as paused:
        receiver.wait_for(1)
        paused.kill()
    assert killed == [None]
    make_due(service)
    worker_of(service.registry).deliver_due()
    assert len(receiver.requests) == 2
