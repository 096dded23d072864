"""Moves for requests: the condition holds under the lock, and a request that is repeated moves an alias once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from registries import Fill, dump, on_sqlite, rows, take_name, write
from workers import killed_at, move_for_request

from promptdb.db.access_columns import idempotency_keys
from promptdb.db.engine import writing
from promptdb.domain.alias_condition import Condition, alias_state
from promptdb.domain.kept_answer import KEPT_FOR, KeptAnswer, RequestKey
from promptdb.domain.prompt_id import PromptId
from promptdb.errors import AliasMoved, Conflict, NotFound
from promptdb.registry.requested_moves import Moved, RequestedMove, move_alias
from promptdb.service import PromptService
from promptdb.sync.apply import Applied

TRIAGE = PromptId("support", "triage")
KEY = RequestKey(0, "key", "f" * 64)
ANY = Condition()


def four_revisions(service: PromptService) -> None:
    for text in ("one", "two", "three", "four"):
        service.register_text(str(TRIAGE), text)
    service.promote(f"{TRIAGE}:rev:2", "production", reason="first")


@pytest.fixture
def triage(recorded: Callable[[Fill], PromptService]) -> PromptService:
    """Four revisions, and `production` at the second."""
    return recorded(four_revisions)


def wish(selector: str = "rev:3", condition: Condition = ANY, alias: str = "production") -> RequestedMove:
    return RequestedMove(TRIAGE, alias, "promote", condition, selector)


def answer(moved: Moved) -> KeptAnswer:
    return KeptAnswer(200, moved.after and alias_state(moved.after), f"to {moved.move.to_revision}")


def moves(service: PromptService) -> list[tuple[str, int | None]]:
    """The oldest first."""
    return [(event.action, event.to_revision) for event in reversed(service.alias_log(str(TRIAGE)))]


def state(service: PromptService) -> str:
    return alias_state(service.aliases(str(TRIAGE))[0])


# Conditions


@pytest.mark.parametrize(
    ("alias", "condition", "moves_it"),
    [
        ("production", Condition(), True),
        ("production", Condition(2), True),
        ("production", Condition(1), False),
        ("production", Condition(None), False),
        ("production", Condition(states=frozenset(("*",))), True),
        ("production", Condition(states=frozenset(("STATE",))), True),
        ("production", Condition(states=frozenset(("1-other", "STATE"))), True),
        ("production", Condition(states=frozenset(("1-other",))), False),
        ("production", Condition(states=frozenset()), False),
        ("production", Condition(absent=True), False),
        ("staging", Condition(), True),
        ("staging", Condition(None), True),
        ("staging", Condition(2), False),
        ("staging", Condition(states=frozenset(("*",))), False),
        ("staging", Condition(states=frozenset(("STATE",))), False),
        ("staging", Condition(absent=True), True),
    ],
)
def test_an_alias_moves_only_if_the_condition_holds(
    triage: PromptService, alias: str, condition: Condition, moves_it: bool
) -> None:
    if condition.states:
        names = (state(triage) if name == "STATE" else name for name in condition.states)
        condition = replace(condition, states=frozenset(names))
    before = dump(triage.engine)
    if moves_it:
        assert move_alias(triage.registry, wish(condition=condition, alias=alias), None, answer).body == "to 3"
        return
    with pytest.raises(AliasMoved) as caught:
        move_alias(triage.registry, wish(condition=condition, alias=alias), KEY, answer)
    last = caught.value.last_move
    assert (last and (last.actor, last.reason)) == (("tester", "first") if alias == "production" else None)
    assert dump(triage.engine) == before


def test_the_state_differs_after_each_move_even_back_to_the_same_revision(triage: PromptService) -> None:
    states = [state(triage)]
    for selector in ("rev:3", "rev:2", "rev:3", "rev:2"):
        triage.promote(f"{TRIAGE}:{selector}", "production")
        states.append(state(triage))
    triage.delete_alias(str(TRIAGE), "production")
    triage.promote(f"{TRIAGE}:rev:2", "production")
    assert len({*states, state(triage)}) == 6


@on_sqlite
def test_the_alias_of_another_prompt_that_took_the_name_has_another_state(
    service: PromptService, sync: Callable[..., Applied]
) -> None:
    root = service.settings.prompts_path
    write(root, {"support/triage.txt": "one"})
    sync()
    service.promote(str(TRIAGE), "production")
    before = state(service)
    (root / "support/triage.txt").unlink()
    write(root, {"support/sorting.yaml": "template: one\nrenamed_from: [support/triage]\n"})
    sync()
    take_name(service, str(TRIAGE), "one")
    service.promote(str(TRIAGE), "production")
    after = state(service)
    assert (before[:2], after[:2]) == ("1-", "1-")
    assert before != after


@on_sqlite
def test_a_name_from_before_a_rename_moves_nothing(service: PromptService, sync: Callable[..., Applied]) -> None:
    root = service.settings.prompts_path
    write(root, {"support/triage.txt": "one"})
    sync()
    (root / "support/triage.txt").unlink()
    write(root, {"secret/sorting.yaml": "template: one\nrenamed_from: [support/triage]\n"})
    sync()
    with pytest.raises(Conflict, match="was renamed") as caught:
        move_alias(service.registry, wish("latest"), KEY, answer)
    assert "secret" not in f"{caught.value.message}{caught.value.hint}"
    assert service.aliases() == []


# Repetitions


def test_a_repeated_request_gets_the_first_answer_and_moves_nothing(triage: PromptService) -> None:
    wanted = wish(condition=Condition(2))
    first = move_alias(triage.registry, wanted, KEY, answer)
    triage.promote(f"{TRIAGE}:rev:4", "production")
    again = move_alias(triage.registry, wanted, KEY, answer)
    assert again == replace(first, fingerprint=KEY.fingerprint)
    assert moves(triage) == [("promote", 2), ("promote", 3), ("promote", 4)]


def test_a_key_belongs_to_one_token_and_its_answer_names_the_request(triage: PromptService) -> None:
    move_alias(triage.registry, wish("rev:3"), KEY, answer)
    other = replace(KEY, fingerprint="e" * 64)
    assert move_alias(triage.registry, wish("rev:4"), other, answer).fingerprint == KEY.fingerprint
    assert move_alias(triage.registry, wish("rev:4"), replace(other, token_id=7), answer).fingerprint is None
    assert moves(triage) == [("promote", 2), ("promote", 3), ("promote", 4)]


def test_an_answer_is_kept_for_a_day_and_dropped_by_the_next_one(triage: PromptService) -> None:
    move_alias(triage.registry, wish("rev:3"), KEY, answer)
    old = datetime.now(UTC) - KEPT_FOR - timedelta(seconds=1)
    with writing(triage.engine) as connection:
        connection.execute(sa.update(idempotency_keys).values(created_at=old))
    assert move_alias(triage.registry, wish("rev:4"), KEY, answer).body == "to 4"
    move_alias(triage.registry, wish("rev:1"), replace(KEY, key="another"), answer)
    assert {row["key"] for row in rows(triage.engine, "idempotency_keys")} == {"another", "key"}
    with writing(triage.engine) as connection:
        connection.execute(sa.update(idempotency_keys).values(created_at=old))
    move_alias(triage.registry, wish("rev:2"), replace(KEY, key="third"), answer)
    assert [row["key"] for row in rows(triage.engine, "idempotency_keys")] == ["third"]


def test_a_request_that_failed_may_be_sent_again(triage: PromptService) -> None:
    with pytest.raises(NotFound):
        move_alias(triage.registry, wish("rev:9"), KEY, answer)
    assert rows(triage.engine, "idempotency_keys") == []
    for text in ("5", "6", "7", "8", "9"):
        triage.register_text(str(TRIAGE), text)
    assert move_alias(triage.registry, wish("rev:9"), KEY, answer).body == "to 9"


def test_an_answer_without_a_move_is_kept_too(triage: PromptService) -> None:
    move_alias(triage.registry, wish("rev:2"), KEY, answer)
    triage.promote(f"{TRIAGE}:rev:4", "production")
    assert move_alias(triage.registry, wish("rev:2"), KEY, answer).body == "to 2"
    assert moves(triage) == [("promote", 2), ("promote", 4)]


@pytest.mark.slow
def test_a_request_whose_process_is_killed_anywhere_moves_once_when_it_is_repeated(
    triage: PromptService, tmp_path: Path
) -> None:
    url = triage.settings.database_url.get_secret_value()
    step, was_killed = 0, True
    while was_killed:
        step += 1
        selector, key = f"rev:{step % 2 + 3}", f"key-{step}"
        call = (url, tmp_path, str(TRIAGE), "production", selector, key)
        before = len(moves(triage))
        was_killed = killed_at(step, move_for_request, *call)
        answers = {move_for_request(*call) for _ in range(2)}
        assert answers == {f"to {step % 2 + 3}"}
        assert len(moves(triage)) == before + 1
    assert step > 8
