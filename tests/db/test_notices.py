"""What a listener hears of syncs, registrations and moves of aliases, on a real PostgreSQL."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from registries import on_postgresql, on_sqlite, write

from promptdb.db import notices
from promptdb.db.engine import writing
from promptdb.db.notices import CHANNEL, MOST, Listener, Notice, listening, send
from promptdb.domain.prompt_id import PromptId
from promptdb.errors import ConfigError, Guard, StorageError
from promptdb.service import PromptService
from promptdb.sync.apply import Applied

WAIT = 120.0
"""Seconds; nobody waits so long for what comes."""

ONE, TWO = PromptId("a", "one"), PromptId("a", "two")


@pytest.fixture
def listener(service: PromptService) -> Iterator[Listener]:
    with listening(service.engine) as listener:
        yield listener


def heard(listener: Listener, count: int) -> list[Notice]:
    """The next notices, and none after them."""
    coming = listener.notices(WAIT)
    found = [next(coming) for _ in range(count)]
    coming.close()
    return found + list(listener.notices(0))


@on_postgresql
def test_a_registration_and_each_move_are_told(service: PromptService, listener: Listener) -> None:
    for text in ("one", "two"):
        service.register_text("a/one", text)
    service.promote("a/one:rev:1", "staging")
    service.promote("a/one", "staging")
    service.rollback("a/one", "staging")
    service.delete_alias("a/one", "staging")
    assert heard(listener, 6) == [Notice(ONE, 1), Notice(ONE, 2), *([Notice(ONE, None, ("staging",))] * 4)]


@on_postgresql
def test_a_promotion_of_all_is_told_for_each_prompt(service: PromptService, listener: Listener) -> None:
    for name in ("a/one", "a/two"):
        service.register_text(name, "text")
    service.promote_all("latest", "staging")
    assert heard(listener, 4)[2:] == [Notice(ONE, None, ("staging",)), Notice(TWO, None, ("staging",))]


@on_postgresql
def test_a_sync_tells_of_versions_archived_prompts_and_old_names(
    service: PromptService, tree: Path, sync: Callable[..., Applied], listener: Listener
) -> None:
    write(tree, {"a/one.txt": "One", "a/two.txt": "Two", "a/three.txt": "Three"})
    sync()
    assert heard(listener, 3) == [Notice(ONE, 1), Notice(PromptId("a", "three"), 1), Notice(TWO, 1)]
    sync()
    assert heard(listener, 0) == []
    (tree / "a/two.txt").unlink()
    (tree / "a/three.txt").unlink()
    write(tree, {"a/one.txt": "One, again", "a/new.yaml": "template: Three\nrenamed_from: [a/three]\n"})
    sync(prune=True, max_prune=100)
    assert heard(listener, 4) == [
        Notice(PromptId("a", "new")),
        Notice(ONE, 2),
        Notice(PromptId("a", "three")),
        Notice(TWO),
    ]


@on_postgresql
def test_what_is_not_committed_is_not_told(
    service: PromptService, tree: Path, sync: Callable[..., Applied], listener: Listener
) -> None:
    write(tree, {"a/one.txt": "One"})
    sync()
    heard(listener, 1)
    (tree / "a/one.txt").unlink()
    with pytest.raises(Guard):
        sync(prune=True)
    with service.engine.begin() as connection:
        send(connection, [Notice(ONE, 5)])
        connection.rollback()
    assert heard(listener, 0) == []


@on_postgresql
@pytest.mark.parametrize(("prompts", "expected"), [(MOST, MOST), (MOST + 1, 1)])
def test_many_prompts_are_told_at_once(
    tree: Path, sync: Callable[..., Applied], listener: Listener, prompts: int, expected: int
) -> None:
    write(tree, {f"a/p{number}.txt": "text" for number in range(prompts)})
    sync()
    found = heard(listener, expected)
    assert len(found) == expected
    assert (found == [Notice()]) == (expected == 1)


@on_postgresql
def test_a_notice_that_postgresql_has_no_room_for_is_told_as_many(service: PromptService, listener: Listener) -> None:
    with writing(service.engine) as connection:
        send(connection, [Notice(ONE, 1, tuple(f"{'a' * 100}{number}" for number in range(100)))])
    assert heard(listener, 1) == [Notice()]


@on_postgresql
@pytest.mark.parametrize("payload", ["", "no json", "[]", "3", '{"prompt": "a/one"}', '{"prompt": "A", "revision": 1}'])
def test_what_others_send_on_the_channel_is_passed_over(
    service: PromptService, listener: Listener, payload: str
) -> None:
    with writing(service.engine) as connection:
        connection.execute(sa.select(sa.func.pg_notify(CHANNEL, payload)))
        send(connection, [Notice(ONE, 1)])
    assert heard(listener, 1) == [Notice(ONE, 1)]


@on_postgresql
def test_the_payload_is_what_the_documentation_says(service: PromptService) -> None:
    with listening(service.engine) as listener:
        service.register_text("a/one", "One")
        [received] = listener.connection.notifies(timeout=WAIT, stop_after=1)
    assert received.payload == '{"prompt":"a/one","revision":1,"aliases":[]}'
    documented = (Path(__file__).resolve().parents[2] / "docs" / "storage.md").read_text()
    assert received.payload in documented
    assert notices._MANY in documented


@on_postgresql
def test_a_connection_that_is_lost_is_told(service: PromptService, listener: Listener) -> None:
    with writing(service.engine) as connection:
        connection.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": listener.connection.info.backend_pid})
    with pytest.raises(StorageError, match=r"terminating connection|closed"):
        list(listener.notices(WAIT))


@on_postgresql
def test_a_listener_takes_no_connection_from_the_pool(service: PromptService) -> None:
    pool: Any = service.engine.pool
    with listening(service.engine):
        assert pool.checkedout() == 0


@on_sqlite
def test_sqlite_tells_nothing(service: PromptService) -> None:
    service.register_text("a/one", "One")
    with pytest.raises(ConfigError, match="only PostgreSQL") as caught, listening(service.engine):
        pytest.fail("listened to a file")
    assert caught.value.hint
