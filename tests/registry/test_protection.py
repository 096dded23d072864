"""Protected aliases: not moved over a breaking change, unless that is allowed, and then on record."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from registries import Fill, rows

from promptdb.domain.changes import ContractChange
from promptdb.errors import Conflict, Guard
from promptdb.registry import aliases
from promptdb.service import PromptService

TRIAGE = "support/triage"
TEXTS = ("{a} {b}", "{a} {b}!", "{a}", "{a} {c} {d} {e} {f}")
"""The second fits callers of the first; the third lacks a variable; the fourth wants four more than the third."""


def four_contracts(service: PromptService) -> None:
    for text in TEXTS:
        service.register_text(TRIAGE, text)
    service.promote(f"{TRIAGE}:rev:1", "production")
    service.promote(f"{TRIAGE}:rev:1", "staging")


@pytest.fixture
def guarded(recorded: Callable[[Fill], PromptService]) -> PromptService:
    """`production` (protected) and `staging` (not) at the first of four revisions."""
    return recorded(four_contracts)


def at(service: PromptService, alias: str = "production") -> int:
    return next(view.revision for view in service.aliases(TRIAGE) if view.alias == alias)


def messages(changes: tuple[ContractChange, ...]) -> list[str]:
    return [change.message for change in changes]


def test_a_move_that_breaks_nobody_is_made(guarded: PromptService) -> None:
    assert guarded.promote(f"{TRIAGE}:rev:2", "production").breaking == ()
    assert at(guarded) == 2


def test_a_move_that_breaks_callers_is_refused_and_says_what(guarded: PromptService) -> None:
    with pytest.raises(Guard) as caught:
        guarded.promote(f"{TRIAGE}:rev:3", "production")
    assert caught.value.message == "this would break callers of support/triage:production: variable 'b' removed"
    assert caught.value.hint == (
        "compare with 'promptdb diff support/triage:rev:1 :rev:3'; if the callers are ready, pass --allow-breaking"
    )
    assert at(guarded) == 1


def test_a_refusal_names_the_first_changes_and_counts_the_others(guarded: PromptService) -> None:
    with pytest.raises(Guard, match=r"removed, new required variable 'c', new required variable 'd' and 2 more"):
        guarded.promote(f"{TRIAGE}:rev:4", "production")


def test_a_refusal_writes_nothing(guarded: PromptService) -> None:
    before = rows(guarded.engine, "alias_events"), rows(guarded.engine, "prompt_aliases")
    with pytest.raises(Guard):
        guarded.promote(TRIAGE, "production")
    assert (rows(guarded.engine, "alias_events"), rows(guarded.engine, "prompt_aliases")) == before


def test_an_alias_that_is_not_protected_moves(guarded: PromptService) -> None:
    assert guarded.promote(f"{TRIAGE}:rev:3", "staging").breaking == ()
    assert guarded.alias_log(TRIAGE, "staging")[0].breaking == ()


def test_what_is_allowed_is_on_record(guarded: PromptService) -> None:
    move = guarded.promote(f"{TRIAGE}:rev:3", "production", allow_breaking=True, reason="callers are ready")
    event = guarded.alias_log(TRIAGE, "production")[0]
    assert messages(move.breaking) == messages(event.breaking) == ["variable 'b' removed"]
    assert (event.to_revision, event.reason, at(guarded)) == (3, "callers are ready", 3)
    assert event.breaking[0] == ContractChange("variable_removed", "b", "variable 'b' removed", is_breaking=True)


def test_permission_that_nothing_needs_leaves_no_record(guarded: PromptService) -> None:
    guarded.promote(f"{TRIAGE}:rev:2", "production", allow_breaking=True)
    assert rows(guarded.engine, "alias_events")[-1]["breaking_json"] is None


def test_a_new_alias_has_no_callers(service: PromptService) -> None:
    service.register_text(TRIAGE, "{a}")
    service.register_text(TRIAGE, "{b}")
    assert service.promote(TRIAGE, "production").breaking == ()


def test_deleting_and_setting_a_protected_alias_again_is_guarded_like_a_move(guarded: PromptService) -> None:
    guarded.delete_alias(TRIAGE, "production")
    with pytest.raises(Guard) as caught:
        guarded.promote(f"{TRIAGE}:rev:3", "production")
    assert caught.value.message == "this would break callers of support/triage:production: variable 'b' removed"
    assert caught.value.hint == "if the callers are ready, pass --allow-breaking"
    assert guarded.promote(f"{TRIAGE}:rev:2", "production").breaking == ()
    guarded.delete_alias(TRIAGE, "production")
    move = guarded.promote(f"{TRIAGE}:rev:3", "production", allow_breaking=True)
    event = guarded.alias_log(TRIAGE, "production")[0]
    assert messages(move.breaking) == messages(event.breaking) == ["variable 'b' removed"]


def test_a_rollback_is_never_refused_and_says_what_it_breaks(guarded: PromptService) -> None:
    guarded.promote(f"{TRIAGE}:rev:3", "production", allow_breaking=True)
    move = guarded.rollback(TRIAGE, "production")
    assert (at(guarded), messages(move.breaking)) == (1, ["new required variable 'b'"])
    assert messages(guarded.alias_log(TRIAGE, "production")[0].breaking) == ["new required variable 'b'"]


@pytest.mark.parametrize("allow_breaking", [False, True])
def test_a_dry_run_refuses_what_the_move_would(guarded: PromptService, allow_breaking: bool) -> None:
    options: dict[str, Any] = {"dry_run": True, "allow_breaking": allow_breaking}
    if allow_breaking:
        assert messages(guarded.promote(f"{TRIAGE}:rev:3", "production", **options).breaking) == [
            "variable 'b' removed"
        ]
    else:
        with pytest.raises(Guard):
            guarded.promote(f"{TRIAGE}:rev:3", "production", **options)
    assert at(guarded) == 1


def test_a_lost_race_is_told_before_what_would_break(guarded: PromptService) -> None:
    """What breaks depends on where the alias points, and that is not what was looked at."""
    stale = guarded.promote(f"{TRIAGE}:rev:3", "production", dry_run=True, allow_breaking=True)
    guarded.promote(f"{TRIAGE}:rev:2", "production")
    with pytest.raises(Conflict, match="was moved in the meantime"):
        aliases.perform(guarded.registry, [stale])


def three_prompts(service: PromptService) -> None:
    for name in ("a", "b", "c"):
        service.register_text(name, "{x}")
    service.promote_all("latest", "production")
    for name in ("a", "b"):
        service.register_text(name, "{y}!")
    service.register_text("c", "{x}!")


def test_promote_all_moves_none_if_one_breaks(recorded: Callable[[Fill], PromptService]) -> None:
    service = recorded(three_prompts)
    with pytest.raises(Guard) as caught:
        service.promote_all("latest", "production")
    told = "variable 'x' removed, new required variable 'y'"
    expected = f"this would break callers of default/a:production: {told}; default/b:production: {told}"
    assert caught.value.message == expected
    assert {view.revision for view in service.aliases()} == {1}


def test_promote_all_records_for_each_prompt_what_it_breaks(recorded: Callable[[Fill], PromptService]) -> None:
    service = recorded(three_prompts)
    moves = service.promote_all("latest", "production", allow_breaking=True)
    assert [(str(move.prompt), len(move.breaking)) for move in moves] == [
        ("default/a", 2),
        ("default/b", 2),
        ("default/c", 0),
    ]
    assert len(service.alias_log("b", "production")[0].breaking) == 2
    assert service.alias_log("c", "production")[0].breaking == ()


def test_promote_all_reads_the_specs_with_few_statements(recorded: Callable[[Fill], PromptService]) -> None:
    service = recorded(three_prompts)
    seen: list[str] = []
    sa.event.listen(service.engine, "before_cursor_execute", lambda *arguments: seen.append(arguments[2]))
    service.promote_all("latest", "production", allow_breaking=True)
    assert sum("SELECT prompt_versions.id, prompt_versions.spec_json" in statement for statement in seen) == 1
