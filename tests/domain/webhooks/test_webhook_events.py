"""The bodies of events, and who gets them."""

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest

from promptdb.domain.aliases import AliasMove
from promptdb.domain.namespace_glob import NamespaceGlob
from promptdb.domain.prompt_id import MAX_IDENTITY, PromptId
from promptdb.domain.refs import MAX_LABEL
from promptdb.domain.webhooks.events import (
    EVENT_TYPES,
    MAX_BODY,
    Event,
    alias_changed,
    ping,
    sync_finished,
    version_created,
)
from promptdb.domain.webhooks.subscriptions import MAX_URL, Subscription, parse_url, require_event_types
from promptdb.errors import InvalidRef

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
TRIAGE = PromptId("support", "triage")
ID = UUID(int=1)
WIDEST = "\x01"
"""Takes six bytes in JSON, more than any other character."""


def test_a_body_has_type_timestamp_and_data() -> None:
    body = json.loads(alias_changed(AliasMove(TRIAGE, "production", "promote", 3, 4, ID, ID), "ann").body(NOW))
    assert body.keys() == {"type", "timestamp", "data"}
    assert (body["type"], body["timestamp"]) == ("alias.moved", "2026-12-01T12:00:00+00:00")
    assert (body["data"]["prompt"], body["data"]["from_revision"], body["data"]["to_revision"]) == (
        "support/triage",
        3,
        4,
    )


def test_a_deletion_has_a_type_of_its_own() -> None:
    assert alias_changed(AliasMove(TRIAGE, "production", "delete", 3, None, None, ID), "ann").type == "alias.deleted"


def test_the_largest_body_is_smaller_than_the_standard_advises() -> None:
    prompt = PromptId("/".join(["n" * 127] * 3), "n" * 127)
    row = {"revision": 2**31, "id": ID, "spec_hash": "sha256:" + "0" * 64, "user_version": WIDEST * MAX_LABEL}
    move = AliasMove(prompt, "a" * MAX_LABEL, "promote", 1, 2, ID, ID, reason=WIDEST * 100_000)
    root = (WIDEST * 1024, WIDEST * 255, "0" * 64)
    events = [
        version_created(prompt, {**row, "created_by": WIDEST * 255}, "0" * 64, 2**31),
        alias_changed(move, WIDEST * 255, 2**31),
        sync_finished(2**31, "superseded", *root, dict.fromkeys("abcdefghij", 2**31), WIDEST * 255, is_dirty=True),
        ping(2**31),
    ]
    assert {event.type for event in events} >= EVENT_TYPES.keys() - {"alias.deleted"}
    assert len(str(prompt)) == MAX_IDENTITY - 1
    assert max(len(event.body(NOW).encode()) for event in events) < MAX_BODY


@pytest.mark.parametrize(
    ("subscription", "wanted"),
    [
        (Subscription(1), True),
        (Subscription(1, ("version.created",)), True),
        (Subscription(1, ("alias.moved", "sync.finished")), False),
        (Subscription(1, (), NamespaceGlob("support")), True),
        (Subscription(1, (), NamespaceGlob("sales")), False),
    ],
)
def test_a_subscription_is_to_types_and_namespaces(subscription: Subscription, wanted: bool) -> None:
    assert subscription.wants(Event("version.created", {}, TRIAGE)) == wanted


def test_what_concerns_no_single_prompt_comes_to_each_namespace() -> None:
    assert Subscription(1, (), NamespaceGlob("sales")).wants(Event("sync.finished", {}))


def test_an_unknown_type_is_refused_with_those_that_exist() -> None:
    assert require_event_types(("sync.finished", "alias.moved", "alias.moved")) == ("alias.moved", "sync.finished")
    with pytest.raises(InvalidRef) as raised:
        require_event_types(("alias.promoted",))
    assert raised.value.hint == "events are " + ", ".join(EVENT_TYPES)


@pytest.mark.parametrize(
    "url", ["https://hooks.example.com/promptdb?team=a", "http://[::1]:8000", "https://a.example:443/"]
)
def test_an_address_is_that_of_a_web_server(url: str) -> None:
    assert parse_url(url).geturl() == url


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "hooks.example.com",
            "//hooks.example.com/x",
            "ftp://example.com",
            "file:///etc/passwd",
            "https://",
            "https:///x",
        ),
        *(
            "https://ann:secret@example.com",
            "https://ann@example.com",
            "https://example.com/#part",
            "https://example.com#",
        ),
        *(
            "https://exa mple.com",
            "https://example.com/\r\nX: y",
            "https://example.com:0/",
            "https://example.com:99999/",
        ),
        *(
            "https://[::1",
            "https://bücher.example",
            "https://example.com\\@evil.example/",
            "https://example.com/" + "a" * MAX_URL,
        ),
        *("gopher://example.com", "javascript:alert(1)", "https://example.com:x/"),
    ],
)
def test_anything_else_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(InvalidRef) as raised:
        parse_url(url)
    assert "secret" not in f"{raised.value.message}{raised.value.hint}"
