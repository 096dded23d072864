"""The worker against a real receiver: what is sent, again and again, until it has arrived or has failed."""

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import sqlalchemy as sa
from hooks import hook, make_due, promised, worker_of
from receiver import WAIT, Handler, Receiver, answer, receiving
from registries import on_sqlite, rows, settings_for, write
from standardwebhooks.webhooks import Webhook

from promptdb.db.access_columns import webhooks
from promptdb.delivery.worker import KEPT, Sent, WebhookWorker
from promptdb.domain.webhooks.schedule import SCHEDULE
from promptdb.errors import Conflict
from promptdb.registry.webhooks import enable_webhook, list_deliveries, list_webhooks, replay, rotate_secret
from promptdb.service import PromptService
from promptdb.sync.apply import Applied

TRIAGE = "support/triage"


@pytest.fixture
def worker(service: PromptService) -> WebhookWorker:
    return worker_of(service.registry)


@contextmanager
def running(worker: WebhookWorker) -> Iterator[WebhookWorker]:
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()


def states(service: PromptService) -> list[tuple[str, int, int | None]]:
    """The oldest first."""
    return [(found.state, found.attempts, found.status) for found in reversed(list_deliveries(service.registry))]


def test_each_event_arrives_and_the_verifier_of_the_standard_accepts_it(
    service: PromptService, worker: WebhookWorker, receiver: Receiver, tree: Path, sync: Callable[..., Applied]
) -> None:
    secret = hook(service, receiver.url).secret
    write(tree, {"a/one.txt": "One", "_aliases.yaml": "staging: {a/one: latest}\n"})
    sync()
    service.promote("a/one", "production", reason="größer")
    service.delete_alias("a/one", "production")
    sent = worker.deliver_due()
    assert len(sent) == len(receiver.requests) == 5
    for request in receiver.requests:
        assert Webhook(secret).verify(request.body, dict(request.headers)) == request.json
        assert request.headers["content-type"] == "application/json"
        assert request.headers["user-agent"].startswith("promptdb/")
    assert [{"type": each.json["type"], **each.json["data"]} for each in receiver.requests] == promised(service)
    assert states(service) == [("delivered", 1, 204)] * 5
    assert worker.deliver_due() == []


def test_a_change_is_sent_soon_while_a_worker_runs(
    service: PromptService, worker: WebhookWorker, receiver: Receiver
) -> None:
    hook(service, receiver.url)
    with running(worker):
        service.register_text(TRIAGE, "one")
        receiver.wait_for(1)
        service.promote(TRIAGE, "production")
        receiver.wait_for(2)
    assert receiver.types == ["version.created", "alias.moved"]
    service.register_text(TRIAGE, "two")
    assert len(receiver.requests) == 2
    with running(worker):
        receiver.wait_for(3)


def test_an_attempt_is_repeated_with_the_same_id_and_a_new_time(
    service: PromptService, worker: WebhookWorker, receiver: Receiver
) -> None:
    secret = hook(service, receiver.url).secret
    receiver.answers += [answer(500), answer(404)]
    service.register_text(TRIAGE, "one")
    for expected in [("pending", 1, 500), ("pending", 2, 404), ("delivered", 3, 204)]:
        worker.deliver_due()
        assert states(service) == [expected]
        worker.deliver_due()  # it waits for its time
        assert states(service) == [expected]
        make_due(service)
    assert len({request.id for request in receiver.requests}) == 1
    assert len({request.body for request in receiver.requests}) == 1
    Webhook(secret).verify(receiver.requests[2].body, dict(receiver.requests[2].headers))


def test_after_the_last_attempt_a_delivery_has_failed_and_a_replay_sends_it(
    service: PromptService, worker: WebhookWorker, receiver: Receiver
) -> None:
    hook(service, receiver.url)
    service.register_text(TRIAGE, "one")
    receiver.answers += [answer(500, b"no disk")] * len(SCHEDULE)
    for _ in range(len(SCHEDULE) + 2):
        worker.deliver_due()
        make_due(service)
    [found] = list_deliveries(service.registry)
    assert (found.state, found.attempts, found.status, found.due_at) == ("failed", len(SCHEDULE), 500, None)
    assert found.error == "status 500: no disk"
    assert len(receiver.requests) == len(SCHEDULE)
    assert replay(service.registry, 1) == 1
    worker.deliver_due()
    assert states(service) == [("delivered", 1, 204)]
    assert len({request.id for request in receiver.requests}) == 1


def test_410_disables_the_webhook_until_it_is_enabled(
    service: PromptService, worker: WebhookWorker, receiver: Receiver
) -> None:
    hook(service, receiver.url)
    for text in ("one", "two"):
        service.register_text(TRIAGE, text)
    receiver.answers.append(answer(410))
    worker.deliver_due()
    [found] = list_webhooks(service.registry)
    assert (found.disabled_reason, found.pending, found.failed) == ("the receiver answered 410 Gone", 0, 2)
    assert [each.error for each in list_deliveries(service.registry)] == ["the webhook was disabled", "status 410"]
    service.register_text(TRIAGE, "three")
    assert len(states(service)) == 2
    for verb in (replay, lambda _, key: worker.send_ping(key)):
        with pytest.raises(Conflict, match="webhook 1 is disabled: the receiver answered 410 Gone"):
            verb(service.registry, 1)
    enable_webhook(service.registry, 1)
    assert replay(service.registry, 1) == 2
    worker.deliver_due()
    assert receiver.types == ["version.created"] * 3
    assert states(service) == [("delivered", 1, 204)] * 2


def test_a_receiver_that_is_down_gets_one_attempt_and_then_rests(
    service: PromptService, worker: WebhookWorker, receiver: Receiver
) -> None:
    hook(service, receiver.url)
    receiver.answers += [answer(503, Retry_After="3600")]
    for number in range(5):
        service.register_text(TRIAGE, f"text {number}")
    assert len(worker.deliver_due()) == 1
    [found] = list_webhooks(service.registry)
    assert found.rests_until is not None
    assert found.rests_until - datetime.now(UTC) > timedelta(minutes=50)
    assert worker.deliver_due() == []
    make_due(service)
    assert len(worker.deliver_due()) == 5
    assert states(service)[0] == ("delivered", 2, 204)


def test_a_refusal_of_one_event_does_not_keep_the_others_waiting(
    service: PromptService, worker: WebhookWorker, receiver: Receiver
) -> None:
    hook(service, receiver.url)
    receiver.answers += [answer(422)]
    for number in range(3):
        service.register_text(TRIAGE, f"text {number}")
    worker.deliver_due()
    assert states(service) == [("pending", 1, 422), ("delivered", 1, 204), ("delivered", 1, 204)]


def test_a_receiver_that_hangs_keeps_no_other_waiting(service: PromptService, receiver: Receiver) -> None:
    released = Event()

    def hang(_: Handler) -> None:
        released.wait(WAIT)

    with receiving() as slow:
        slow.answers += [hang] * 10
        hook(service, slow.url)
        hook(service, receiver.url)
        with running(worker_of(service.registry, timeout=WAIT)):
            service.register_text(TRIAGE, "one")
            slow.wait_for(1)
            service.register_text(TRIAGE, "two")
            receiver.wait_for(2)
            assert len(slow.requests) == 1
            released.set()


def test_a_ping_is_sent_once_whatever_the_webhook_subscribes_to(
    service: PromptService, worker: WebhookWorker, receiver: Receiver
) -> None:
    hook(service, receiver.url, "sync.finished", namespace="elsewhere")
    receiver.answers.append(answer(500))
    assert worker.send_ping(1).outcome.state == "failed"
    assert worker.send_ping(1).outcome.state == "delivered"
    assert receiver.types == ["webhook.ping"] * 2
    assert worker.deliver_due() == []


def test_during_a_rotation_both_secrets_verify_and_later_only_the_new_one(
    service: PromptService, worker: WebhookWorker, receiver: Receiver
) -> None:
    old = hook(service, receiver.url).secret
    service.register_text(TRIAGE, "one")
    new = rotate_secret(service.registry, 1).secret
    worker.deliver_due()
    for secret in (old, new):
        Webhook(secret).verify(receiver.requests[0].body, dict(receiver.requests[0].headers))
    with service.engine.begin() as connection:
        connection.execute(sa.update(webhooks).values(previous_until=datetime.now(UTC)))
    service.register_text(TRIAGE, "two")
    worker.deliver_due()
    signatures = receiver.requests[1].headers["webhook-signature"].split(" ")
    assert len(signatures) == 1
    assert len(base64.b64decode(signatures[0].removeprefix("v1,"))) == 32
    Webhook(new).verify(receiver.requests[1].body, dict(receiver.requests[1].headers))


def test_workers_share_the_deliveries(service: PromptService, receiver: Receiver) -> None:
    hook(service, receiver.url)
    for number in range(10):
        service.register_text(TRIAGE, f"text {number}")
    with running(worker_of(service.registry)), running(worker_of(service.registry)):
        receiver.wait_for(10)
    assert len({request.id for request in receiver.requests}) == len(receiver.requests) == 10


def test_what_a_worker_has_claimed_is_sent_again_after_its_lease(service: PromptService, receiver: Receiver) -> None:
    hook(service, receiver.url)
    service.register_text(TRIAGE, "one")
    lost = worker_of(service.registry)
    assert lost._claim(1, datetime.now(UTC)) is not None
    assert worker_of(service.registry).deliver_due() == []
    make_due(service)  # as it is when the lease is over
    worker_of(service.registry).deliver_due()
    assert len(receiver.requests) == 1


def test_a_worker_that_is_late_does_not_write_over_the_one_that_came_after(
    service: PromptService, receiver: Receiver
) -> None:
    hook(service, receiver.url)
    service.register_text(TRIAGE, "one")
    late = worker_of(service.registry)
    claimed = late._claim(1, datetime.now(UTC))
    assert claimed is not None
    make_due(service)
    worker_of(service.registry).deliver_due()
    receiver.answers.append(answer(500))
    late._attempt(claimed)
    assert states(service) == [("delivered", 1, 204)]


def test_a_webhook_that_is_removed_during_an_attempt_leaves_nothing(
    service: PromptService, worker: WebhookWorker, receiver: Receiver
) -> None:
    from promptdb.registry.webhooks import remove_webhook

    hook(service, receiver.url)
    service.register_text(TRIAGE, "one")
    receiver.answers.append(lambda handler: (remove_webhook(service.registry, 1), answer(500)(handler))[1])
    [sent] = worker.deliver_due()
    assert sent.answer.status == 500
    assert rows(service.engine, "webhook_deliveries") == []


def test_the_log_forgets_what_ended_long_ago(service: PromptService, receiver: Receiver) -> None:
    hook(service, receiver.url)
    service.register_text(TRIAGE, "one")
    worker_of(service.registry).deliver_due()
    service.register_text(TRIAGE, "two")
    with service.engine.begin() as connection:
        long_ago = sa.text(
            "UPDATE webhook_deliveries SET created_at = :at, attempted_at = :at WHERE state = 'delivered'"
        )
        moment = sa.bindparam("at", datetime.now(UTC) - KEPT - timedelta(days=1), type_=webhooks.c.created_at.type)
        connection.execute(long_ago.bindparams(moment))
    worker_of(service.registry)._clean_up()
    assert [found.state for found in list_deliveries(service.registry)] == ["pending"]


def test_the_log_keeps_what_ended_lately_however_old_it_is(service: PromptService, receiver: Receiver) -> None:
    hook(service, receiver.url)
    service.register_text(TRIAGE, "one")
    with service.engine.begin() as connection:
        long_ago = sa.text("UPDATE webhook_deliveries SET created_at = :at")
        moment = sa.bindparam("at", datetime.now(UTC) - KEPT - timedelta(days=1), type_=webhooks.c.created_at.type)
        connection.execute(long_ago.bindparams(moment))
    worker_of(service.registry).deliver_due()
    worker_of(service.registry)._clean_up()
    assert [found.state for found in list_deliveries(service.registry)] == ["delivered"]


@on_sqlite
def test_a_private_address_gets_nothing_without_the_setting(service: PromptService, receiver: Receiver) -> None:
    hook(service, receiver.url)
    service.register_text(TRIAGE, "one")
    [sent] = WebhookWorker(service.registry).deliver_due()
    assert sent.answer.error == "127.0.0.1 is not a public address, nor in webhook_private_networks"
    assert receiver.requests == []


@on_sqlite
def test_no_log_has_a_secret_an_address_or_a_body(
    service: PromptService, worker: WebhookWorker, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    secret = hook(service, f"{receiver.url}/token-in-the-path").secret
    receiver.answers += [answer(200), answer(500)]
    reports: list[Sent] = []
    worker.report = reports.append
    with caplog.at_level("DEBUG"):
        for text in ("one", "two"):
            service.register_text(TRIAGE, text)
        worker.deliver_due()
    assert [record.getMessage() for record in caplog.records if record.name.startswith("promptdb")] == [
        "delivery 1 to webhook 1: 200",
        "delivery 2 to webhook 1: status 500",
    ]
    for private in (secret, "token-in-the-path", TRIAGE):
        assert private not in f"{caplog.text}{reports}"


@on_sqlite
def test_a_worker_goes_on_after_the_database_failed(
    service: PromptService, receiver: Receiver, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from promptdb.db import outbox
    from promptdb.errors import StorageError

    hook(service, receiver.url)
    service.register_text(TRIAGE, "one")
    due, claim = outbox.due_webhooks, outbox.claim

    def failing(work: Callable[..., Any], failures: list[str]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            if failures:
                raise StorageError(failures.pop())
            return work(*arguments)

        return call

    monkeypatch.setattr(outbox, "due_webhooks", failing(due, ["the server is down"] * 2))
    monkeypatch.setattr(outbox, "claim", failing(claim, ["the disk is full"]))
    with running(worker_of(service.registry)):
        receiver.wait_for(1)
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        "webhooks wait: the server is down",
        "webhook 1 waits: the disk is full",
    ]


def test_settings_name_the_networks(tmp_path: Path) -> None:
    settings = settings_for("sqlite:///x", tmp_path, webhook_private_networks=["10.0.0.0/8", "::1"])
    assert [str(network) for network in settings.webhook_networks] == ["10.0.0.0/8", "::1/128"]
