"""Webhooks in the registry, and the deliveries that each change promises in its own transaction."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hooks import LOOPBACK, NOWHERE, hook, promised
from registries import NewRegistry, dump, on_sqlite, rows, write

from promptdb.domain.webhooks.schedule import FAILED, PENDING
from promptdb.errors import Conflict, Guard, InvalidRef, NotFound
from promptdb.registry.webhooks import (
    add_webhook,
    enable_webhook,
    list_deliveries,
    list_webhooks,
    remove_webhook,
    replay,
    rotate_secret,
)
from promptdb.service import PromptService
from promptdb.sync.apply import Applied
from promptdb.transfer.copy import copy_registry, import_file
from promptdb.transfer.export import export_registry

TRIAGE = "support/triage"


def types(service: PromptService) -> list[str]:
    return [found["type"] for found in promised(service)]


def test_a_registration_and_each_move_promise_one_event(service: PromptService) -> None:
    hook(service)
    service.register_text(TRIAGE, "one")
    service.register_text(TRIAGE, "two", alias="staging")
    service.promote(f"{TRIAGE}:rev:1", "staging", reason="back")
    service.promote(f"{TRIAGE}:rev:1", "staging")  # it is there already
    service.rollback(TRIAGE, "staging")
    service.delete_alias(TRIAGE, "staging")
    found = promised(service)
    assert [
        (event["type"], event.get("action"), event.get("revision", event.get("to_revision"))) for event in found
    ] == [
        ("version.created", None, 1),
        ("version.created", None, 2),
        ("alias.moved", "register", 2),
        ("alias.moved", "promote", 1),
        ("alias.moved", "rollback", 2),
        ("alias.deleted", "delete", None),
    ]
    views = {view.revision: view for view in service.list_versions(TRIAGE)}
    assert found[1] == {
        "type": "version.created",
        "prompt": TRIAGE,
        "revision": 2,
        "version_id": str(views[2].id),
        "digest": views[2].spec_hash,
        "user_version": None,
        "created_by": "tester",
        "commit_id": None,
        "run_id": None,
    }
    assert found[3] == {
        "type": "alias.moved",
        "prompt": TRIAGE,
        "alias": "staging",
        "action": "promote",
        "from_revision": 2,
        "from_version_id": str(views[2].id),
        "to_revision": 1,
        "to_version_id": str(views[1].id),
        "actor": "tester",
        "reason": "back",
        "breaking": False,
        "run_id": None,
        "from_split": None,
        "to_split": None,
    }


def test_a_sync_promises_its_run_its_versions_and_its_moves(
    service: PromptService, tree: Path, sync: Callable[..., Applied]
) -> None:
    hook(service)
    write(tree, {"a/one.txt": "One", "a/two.txt": "Two", "_aliases.yaml": "staging: {a/one: latest}\n"})
    run = sync().run_id
    found = promised(service)
    assert [event["type"] for event in found] == ["sync.finished", "version.created", "version.created", "alias.moved"]
    assert {event["run_id"] for event in found} == {run}
    assert (found[0]["counts"]["create"], found[0]["outcome"], found[3]["action"]) == (2, "applied", "sync")
    sync()
    assert len(promised(service)) == 4


def test_only_what_a_webhook_wants_is_promised_to_it(service: PromptService) -> None:
    hook(service, NOWHERE, "alias.moved", namespace="support")
    everything, gone = hook(service), hook(service)
    remove_webhook(service.registry, gone.webhook.id)
    for name in (TRIAGE, "support/eu/triage", "sales/offer"):
        service.register_text(name, "text", alias="staging")
    by_hook = [(row["webhook_id"], row["event"], row["prompt"]) for row in rows(service.engine, "webhook_deliveries")]
    assert [found for found in by_hook if found[0] == 1] == [
        (1, "alias.moved", TRIAGE),
        (1, "alias.moved", "support/eu/triage"),
    ]
    assert len([found for found in by_hook if found[0] == everything.webhook.id]) == 6
    assert {found[0] for found in by_hook} == {1, 2}


def test_the_same_event_has_the_same_id_for_each_webhook(service: PromptService) -> None:
    hook(service)
    hook(service)
    service.register_text(TRIAGE, "one")
    [one, two] = rows(service.engine, "webhook_deliveries")
    assert (one["message_id"], one["body"]) == (two["message_id"], two["body"])
    assert one["webhook_id"] != two["webhook_id"]


def test_what_is_refused_promises_nothing(service: PromptService, tree: Path, sync: Callable[..., Applied]) -> None:
    write(tree, {"a/one.txt": "One {x}", "a/two.txt": "Two", "a/three.txt": "Three"})
    sync()
    service.promote("a/one", "production")
    hook(service)
    service.register_text("a/one", "One {x} {y}")
    before = dump(service.engine)
    with pytest.raises(Guard):
        service.promote("a/one", "production")
    with pytest.raises(Conflict):
        service.promote("a/one", "staging", expected=7)
    service.promote("a/one", "staging", dry_run=True)
    (tree / "a/two.txt").unlink()
    with pytest.raises(Guard):
        sync(prune=True)
    assert dump(service.engine) == before


def queries(service: PromptService, work: Callable[[], Any]) -> list[str]:
    """The statements of the work that name webhooks."""
    seen: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        if "webhook" in statement:
            seen.append(statement)

    sa.event.listen(service.engine, "before_cursor_execute", note)
    work()
    sa.event.remove(service.engine, "before_cursor_execute", note)
    return seen


@pytest.mark.parametrize("more", [0, 1], ids=["no webhook", "a webhook"])
def test_a_transaction_asks_for_webhooks_once(
    service: PromptService, tree: Path, sync: Callable[..., Applied], more: int
) -> None:
    if more:
        hook(service)
    write(tree, {**{f"a/n{number}.txt": "text" for number in range(20)}, "_aliases.yaml": "staging: {a/n1: latest}\n"})
    found = queries(service, sync)
    assert [statement.split()[0] for statement in found if "FROM webhooks" in statement] == ["SELECT"]
    assert ("secret" in "".join(found)) is False
    assert len(found) == 1 + 3 * more


# Whole registries


@on_sqlite
def test_an_imported_version_is_an_event_and_a_copied_registry_is_none(
    service: PromptService, new_registry: NewRegistry, tmp_path: Path
) -> None:
    secret = hook(service).secret
    service.register_text(TRIAGE, "one", alias="staging")
    service.export_to_file(TRIAGE, tmp_path / "triage.zip")
    export_registry(service.registry, tmp_path / "all.zip")
    single, whole = new_registry(), new_registry()
    for target in (single, whole):
        hook(target)
    import_file(single.registry, tmp_path / "triage.zip")
    import_file(single.registry, tmp_path / "triage.zip")
    copy_registry(service.registry, whole.registry)
    assert (types(single), types(whole)) == (["version.created"], [])
    assert secret.encode() not in (tmp_path / "all.zip").read_bytes() + (tmp_path / "triage.zip").read_bytes()
    assert [view.url for view in list_webhooks(whole.registry)] == [NOWHERE]


# Webhooks


def test_a_webhook_is_listed_without_its_secret(service: PromptService) -> None:
    made = hook(service, NOWHERE, "sync.finished", "alias.moved", namespace="support")
    [found] = list_webhooks(service.registry)
    assert found == made.webhook
    assert (found.url, found.events, found.namespace) == (NOWHERE, ("alias.moved", "sync.finished"), "support")
    assert (found.created_by, found.disabled_at, found.pending, found.failed) == ("tester", None, 0, 0)
    assert made.secret not in repr((found, made))


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://hooks.example.com/", "webhooks need https://"),
        ("https://127.0.0.1/", "127.0.0.1 is not a public address"),
        ("https://[::ffff:169.254.169.254]/", "::ffff:a9fe:a9fe is not a public address"),
        ("ftp://hooks.example.com/", "the address is not that of a web server"),
    ],
)
@on_sqlite
def test_an_address_that_no_delivery_could_use_is_refused_at_once(
    service: PromptService, url: str, message: str
) -> None:
    with pytest.raises(InvalidRef) as raised:
        add_webhook(service.registry, url)
    assert raised.value.message == message
    assert list_webhooks(service.registry) == []


@on_sqlite
def test_http_and_private_addresses_are_for_named_networks(service: PromptService) -> None:
    assert add_webhook(service.registry, "http://127.0.0.1:8000/", private=LOOPBACK).webhook.id == 1
    with pytest.raises(InvalidRef, match="not a public address"):
        add_webhook(service.registry, "https://10.0.0.1/", private=LOOPBACK)


@on_sqlite
@pytest.mark.parametrize(
    "options", [{"events": ["alias.promoted"]}, {"namespace": "a/**"}, {"events": ["webhook.ping"]}]
)
def test_a_type_or_pattern_that_does_not_exist_is_refused(service: PromptService, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidRef):
        add_webhook(service.registry, NOWHERE, **options)


def test_a_rotation_keeps_the_old_secret_beside_the_new_one(service: PromptService) -> None:
    first = hook(service)
    second = rotate_secret(service.registry, first.webhook.id)
    [row] = rows(service.engine, "webhooks")
    assert (row["secret"], row["previous_secret"]) == (second.secret, first.secret)
    assert row["previous_until"] == second.previous_until
    assert first.secret != second.secret


def test_a_removed_webhook_takes_its_deliveries_with_it_and_its_id_does_not_return(service: PromptService) -> None:
    hook(service)
    service.register_text(TRIAGE, "one")
    assert remove_webhook(service.registry, 1).pending == 1
    assert (list_webhooks(service.registry), rows(service.engine, "webhook_deliveries")) == ([], [])
    assert hook(service).webhook.id == 2


@on_sqlite
@pytest.mark.parametrize("verb", [remove_webhook, rotate_secret, enable_webhook, list_deliveries, replay])
def test_a_webhook_that_does_not_exist_is_not_found(service: PromptService, verb: Callable[..., Any]) -> None:
    with pytest.raises(NotFound, match="there is no webhook 7"):
        verb(service.registry, 7)


# Deliveries


def test_deliveries_are_listed_by_webhook_and_state_newest_first(service: PromptService) -> None:
    for _ in range(2):
        hook(service)
    for text in ("one", "two"):
        service.register_text(TRIAGE, text)
    registry = service.registry
    assert [found.id for found in list_deliveries(registry)] == [4, 3, 2, 1]
    assert [found.id for found in list_deliveries(registry, 1)] == [3, 1]
    assert [found.id for found in list_deliveries(registry, before=4, limit=2)] == [3, 2]
    assert list_deliveries(registry, state=FAILED) == []
    assert {found.state for found in list_deliveries(registry)} == {PENDING}


def test_a_replay_makes_deliveries_due_again(service: PromptService) -> None:
    hook(service)
    for text in ("one", "two", "three"):
        service.register_text(TRIAGE, text)
    with service.engine.begin() as connection:
        done = {"due_at": None, "attempts": 10}
        table = sa.table("webhook_deliveries", *map(sa.column, ("id", "state", *done)))
        connection.execute(sa.update(table).values(state="delivered", **done))
        connection.execute(sa.update(table).where(table.c.id == 2).values(state=FAILED))
    before = [found.message_id for found in list_deliveries(service.registry)]
    assert replay(service.registry, 1) == 1
    assert replay(service.registry, 1, [3]) == 1
    with pytest.raises(NotFound, match="has not all of these deliveries"):
        replay(service.registry, 1, [1, 99])
    found = list_deliveries(service.registry)
    assert [(each.id, each.state, each.attempts) for each in found] == [
        (3, PENDING, 0),
        (2, PENDING, 0),
        (1, "delivered", 10),
    ]
    assert [each.message_id for each in found] == before


def test_a_body_that_is_sent_is_json_of_the_standard(service: PromptService) -> None:
    hook(service)
    service.register_text(TRIAGE, "one")
    [row] = rows(service.engine, "webhook_deliveries")
    body = json.loads(row["body"])
    assert list(body) == ["type", "timestamp", "data"]
    assert body["timestamp"] == row["created_at"].isoformat()
