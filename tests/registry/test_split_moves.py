"""Splits of aliases: what is written, what ends one and brings it back, whom it would break, and races."""

import threading
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from registries import Fill, dump, on_sqlite

from promptdb.domain.delivery import Reason
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import PromptRef
from promptdb.domain.views import AliasView
from promptdb.errors import AliasMoved, Conflict, Guard, IntegrityFailure, InvalidRef, NotFound, PromptDBError
from promptdb.maintenance.verify import verify
from promptdb.service import PromptService

TRIAGE = "support/triage"
TEXTS = ("{a} {b}", "{a} {b}!", "{a}", "{a} {b}?", "{a}!")
"""The third and the fifth lack a variable."""


def five_revisions(service: PromptService) -> None:
    for text in TEXTS:
        service.register_text(TRIAGE, text)
    service.promote(f"{TRIAGE}:rev:1", "production")
    service.promote(f"{TRIAGE}:rev:1", "staging")


@pytest.fixture
def triage(recorded: Callable[[Fill], PromptService]) -> PromptService:
    """Five revisions, with `production` (protected) and `staging` (not) at the first."""
    return recorded(five_revisions)


def at(service: PromptService, alias: str = "staging") -> AliasView:
    return next(view for view in service.aliases(TRIAGE) if view.alias == alias)


def arms(service: PromptService, alias: str = "staging") -> str | None:
    split = at(service, alias).split
    return None if split is None else str(split)


def states(service: PromptService, alias: str = "staging") -> list[str]:
    """The oldest first."""
    return [
        f"{event.action} {event.split or event.to_revision}" for event in reversed(service.alias_log(TRIAGE, alias))
    ]


NINE_TO_ONE = [("rev:1", 90), ("rev:2", 10)]


def test_a_split_points_at_the_control_and_has_its_arms(triage: PromptService) -> None:
    move = triage.split(TRIAGE, "staging", NINE_TO_ONE, reason="a try")
    assert (move.action, move.from_revision, move.to_revision, move.from_split) == ("split", 1, 1, None)
    assert str(move.to_split) == "rev:1=90 rev:2=10"
    view = at(triage)
    assert (view.revision, str(view.split), view.generation) == (1, "rev:1=90 rev:2=10", 2)
    [event, _] = triage.alias_log(TRIAGE, "staging")
    assert (event.split, event.reason) == (view.split, "a try")
    [entry] = [entry for entry in triage.blame(prompt=TRIAGE) if entry.alias == "staging"]
    assert (entry.split, entry.revision) == (view.split, 1)
    [summary] = triage.list_prompts()
    assert (summary.aliases["staging"], summary.splits) == (1, {"staging": view.split})
    assert verify(triage.registry).findings == ()


def test_lookups_give_the_control_and_with_a_key_its_arm(triage: PromptService) -> None:
    triage.split(TRIAGE, "staging", [("rev:1", 1), ("rev:2", 1), ("rev:4", 1)])
    split = at(triage).split
    assert split is not None
    assert (triage.get(f"{TRIAGE}:staging").version.revision, triage.get(f"{TRIAGE}:staging").reason) == (1, "STATIC")
    for number in range(30):
        found = triage.get(f"{TRIAGE}:staging", key=f"user-{number}")
        revision = split.arm_of(PromptId.parse(TRIAGE), f"user-{number}")
        assert (found.version.revision, found.reason, found.alias) == (revision, Reason.SPLIT, "staging")
        assert found.spec.template == TEXTS[revision - 1]
        assert found.variant == f"rev:{revision}"
    for found in (
        triage.reader.find(PromptRef.parse(f"{TRIAGE}:staging")),
        triage.reader.find_many([PromptRef.parse(f"{TRIAGE}:staging")])[0],
        triage.reader.find_all("staging")[0],
    ):
        assert [arm.view.revision for arm in found.arms] == [2, 4]
    assert triage.get(f"{TRIAGE}:rev:2", key="user-1").reason is Reason.STATIC
    assert triage.get(TRIAGE, key="user-1").split is None
    with pytest.raises(TypeError, match="a key is text"):
        triage.get(TRIAGE, key=1)  # type: ignore[arg-type]


def test_selectors_of_any_kind_are_resolved_when_a_split_is_set(triage: PromptService) -> None:
    triage.promote(f"{TRIAGE}:rev:2", "canary")
    digest = triage.resolve(f"{TRIAGE}:rev:4").spec_hash
    triage.split(TRIAGE, "staging", [("production", 5), ("canary", 3), (digest, 2)])
    triage.promote(f"{TRIAGE}:rev:5", "canary")
    assert arms(triage) == "rev:1=5 rev:2=3 rev:4=2"


@pytest.mark.parametrize("alias", ["staging", "new"])
def test_the_same_split_again_writes_nothing(triage: PromptService, alias: str) -> None:
    triage.split(TRIAGE, alias, NINE_TO_ONE)
    before = dump(triage.engine)
    assert not triage.split(TRIAGE, alias, NINE_TO_ONE).is_needed
    assert dump(triage.engine) == before


def test_a_dry_run_writes_nothing(triage: PromptService) -> None:
    before = dump(triage.engine)
    assert triage.split(TRIAGE, "staging", NINE_TO_ONE, dry_run=True).is_needed
    assert dump(triage.engine) == before


MISTAKES = [
    ([("rev:1", 1)], InvalidRef, "2 to 10 arms"),
    ([(f"rev:{number}", 1) for number in range(1, 100)], InvalidRef, "2 to 10 arms, not 99"),
    ([("rev:1", 1), ("rev:2", 0)], InvalidRef, "not a whole number from 1"),
    ([("rev:1", 1), ("staging", 1)], InvalidRef, "rev:1 is in the split twice"),
    ([("rev:1", 1), ("rev:9", 1)], NotFound, "no version 'rev:9'"),
    ([("rev:1", 1), ("rev:x", 1)], InvalidRef, "not a revision"),
    ([("rev:1", 2**31 - 1), ("rev:2", 1)], InvalidRef, "the sum of the weights"),
]


@pytest.mark.parametrize(("wanted", "error", "message"), MISTAKES)
def test_what_is_no_split_changes_nothing(
    triage: PromptService, wanted: list[tuple[str, int]], error: type[PromptDBError], message: str
) -> None:
    before = dump(triage.engine)
    with pytest.raises(error, match=message):
        triage.split(TRIAGE, "staging", wanted)
    assert dump(triage.engine) == before


# Ends


def test_other_moves_end_a_split_and_a_rollback_brings_it_back(triage: PromptService) -> None:
    triage.split(TRIAGE, "staging", NINE_TO_ONE)
    triage.split(TRIAGE, "staging", [("rev:1", 80), ("rev:2", 20)])
    triage.promote(f"{TRIAGE}:rev:1", "staging")
    assert (arms(triage), at(triage).revision) == (None, 1)
    assert str(triage.rollback(TRIAGE, "staging").to_split) == "rev:1=80 rev:2=20"
    triage.rollback(TRIAGE, "staging")
    assert arms(triage) == "rev:1=90 rev:2=10"
    triage.rollback(TRIAGE, "staging")
    assert (arms(triage), at(triage).revision) == (None, 1)
    assert states(triage)[:4] == ["promote 1", "split rev:1=90 rev:2=10", "split rev:1=80 rev:2=20", "promote 1"]
    triage.split(TRIAGE, "staging", NINE_TO_ONE)
    triage.delete_alias(TRIAGE, "staging")
    assert verify(triage.registry).findings == ()


def test_a_rollback_gives_each_key_the_arm_that_it_had(triage: PromptService) -> None:
    triage.split(TRIAGE, "staging", [("rev:1", 80), ("rev:2", 10), ("rev:4", 10)])
    triage.split(TRIAGE, "staging", [("rev:1", 60), ("rev:2", 10), ("rev:4", 30)])
    cut = at(triage).split
    assert cut is not None
    assert len(cut.slices) > len(cut.arms)
    triage.promote(f"{TRIAGE}:rev:2", "staging")
    triage.rollback(TRIAGE, "staging")
    assert at(triage).split == cut


def test_the_end_of_a_split_promotes_one_arm(triage: PromptService) -> None:
    triage.split(TRIAGE, "staging", NINE_TO_ONE)
    for selector, message in (("rev:3", "rev:3 is not an arm"), ("latest", "rev:5 is not an arm")):
        with pytest.raises(Conflict, match=message):
            triage.end_split(TRIAGE, "staging", selector)
    assert triage.end_split(TRIAGE, "staging", "rev:2").to_revision == 2
    assert (arms(triage), at(triage).revision) == (None, 2)
    with pytest.raises(Conflict, match="has no split"):
        triage.end_split(TRIAGE, "staging", "rev:2")
    with pytest.raises(NotFound, match="no alias 'none'"):
        triage.end_split(TRIAGE, "none", "rev:2")


def test_another_alias_gets_the_control(triage: PromptService) -> None:
    triage.split(TRIAGE, "staging", [("rev:2", 1), ("rev:4", 1)])
    assert triage.promote(f"{TRIAGE}:staging", "canary").to_revision == 2
    triage.promote_all("staging", "other")
    assert [(at(triage, alias).revision, arms(triage, alias)) for alias in ("canary", "other")] == [(2, None)] * 2


# Protection


def test_each_arm_is_compared_with_what_callers_have(triage: PromptService) -> None:
    for wanted in (
        [("rev:1", 9), ("rev:3", 1)],
        [("rev:3", 9), ("rev:1", 1)],
        [("rev:1", 1), ("rev:2", 1), ("rev:5", 1)],
    ):
        with pytest.raises(Guard, match="variable 'b' removed") as refused:
            triage.split(TRIAGE, "production", wanted)
        # The versions that differ, if there are only two.
        assert ("promptdb diff support/triage:rev:1 :rev:3" in str(refused.value.hint)) == (len(wanted) == 2)
    assert triage.split(TRIAGE, "production", NINE_TO_ONE).breaking == ()


def test_callers_of_a_split_that_was_allowed_work_with_all_its_arms(triage: PromptService) -> None:
    move = triage.split(TRIAGE, "production", [("rev:1", 9), ("rev:3", 1)], allow_breaking=True)
    assert [change.message for change in move.breaking] == ["variable 'b' removed"]
    assert [event.breaking != () for event in triage.alias_log(TRIAGE, "production")] == [True, False]
    # It needs no permission again.
    assert triage.split(TRIAGE, "production", [("rev:1", 5), ("rev:3", 5)]).breaking == ()
    assert triage.end_split(TRIAGE, "production", "rev:3").breaking == ()


# Races


@pytest.mark.slow
@pytest.mark.parametrize("other", ["split", "promote"])
def test_of_two_moves_from_the_same_place_one_wins(triage: PromptService, other: str) -> None:
    barrier, results = threading.Barrier(2), []

    def race(verb: str) -> None:
        barrier.wait(120)
        try:
            if verb == "promote":
                triage.promote(f"{TRIAGE}:rev:4", "staging", expected=1)
            else:
                # The control is where the alias was, so only the generation tells that it was moved.
                triage.split(TRIAGE, "staging", [("rev:1", 1), ("rev:2", len(verb))], expected="any")
            results.append("moved")
        except AliasMoved:
            results.append("conflict")

    threads = [threading.Thread(target=race, args=(verb,)) for verb in ("split one", other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Those that did not cross were made one after the other.
    assert len(states(triage)) == 1 + results.count("moved")
    assert results.count("moved") >= 1
    assert verify(triage.registry).findings == ()


def test_a_split_that_was_decided_before_another_move_is_refused(triage: PromptService) -> None:
    from promptdb.registry import aliases, splits

    decided = splits.decide_split(triage.registry, PromptId.parse(TRIAGE), "staging", NINE_TO_ONE)
    triage.split(TRIAGE, "staging", [("rev:1", 50), ("rev:2", 50)])
    with pytest.raises(AliasMoved, match="moved in the meantime"):
        aliases.perform(triage.registry, [decided])
    assert arms(triage) == "rev:1=50 rev:2=50"


# Damage


@on_sqlite
@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("{}", "was edited"),
        ('{"arms":[{"revision":1,"weight":1},{"revision":9,"weight":1}],"slices":[{"revision":1,"weight":1},{"revision":9,"weight":1}]}', "does not exist"),
    ],
)  # fmt: skip
def test_a_split_that_was_edited_is_found(triage: PromptService, text: str, subject: str) -> None:
    triage.split(TRIAGE, "staging", NINE_TO_ONE)
    with triage.engine.begin() as connection:
        connection.execute(
            sa.text("UPDATE prompt_aliases SET split_json = :text WHERE alias = 'staging'"), {"text": text}
        )
    with pytest.raises(IntegrityFailure, match=subject):
        triage.get(f"{TRIAGE}:staging")
    assert {finding.code for finding in verify(triage.registry).findings} == {"V201", "V202"}
