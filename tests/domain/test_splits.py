"""Splits: the arm of each key, the slices after a change, and what cannot be a split."""

import doctest
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptdb.domain import splits
from promptdb.domain.json_fields import Wrong
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.splits import MAX_TOTAL, Arm, Split, decode_split, parse_arm, split_fields
from promptdb.errors import Conflict, InvalidRef

TRIAGE = PromptId("support", "triage")


def split(*arms: tuple[int, int]) -> Split:
    return Split.of(Arm(*arm) for arm in arms)


def in_flagd(wanted: Split, prompt: PromptId, key: str) -> int:
    """The revision that flagd-core gives a key, for the slices in their order."""
    custom_ops = pytest.importorskip("openfeature.contrib.tools.flagd.core.targeting.custom_ops")
    context = {"targetingKey": key, "$flagd": {"flagKey": str(prompt)}}
    return int(custom_ops.fractional(context, *([str(each.revision), each.weight] for each in wanted.slices)))


def revisions(wanted: Split, count: int = 1000, prompt: PromptId = TRIAGE) -> list[int]:
    return [wanted.arm_of(prompt, f"user-{number}") for number in range(count)]


# Keys


@pytest.mark.parametrize(
    ("key", "bucket"),
    # The hashes come from flagd-core 2.0.0: 1285015739, 4141141585, 2825667573 and 1100312279.
    [("user-1", 29), ("user-2", 96), ("ü", 65), ("", 25)],
)
def test_a_key_is_in_the_bucket_of_flagd(key: str, bucket: int) -> None:
    assert split((1, bucket), (2, 1), (3, 99 - bucket)).arm_of(TRIAGE, key) == 2


def test_nine_of_ten_users_get_the_control_as_with_flagd() -> None:
    found = revisions(split((3, 90), (4, 10)), 20_000)
    assert (found.count(3), found.count(4)) == (18_027, 1_973)


@pytest.mark.parametrize("length", [1, 23, 24, 255, 256, 65_535, 65_536])
def test_keys_of_all_lengths_are_those_of_flagd(length: int) -> None:
    thirds = split((1, 1), (2, 1), (3, 1))
    for letter in "aü":
        assert thirds.arm_of(TRIAGE, letter * length) == in_flagd(thirds, TRIAGE, letter * length)


WEIGHTS = st.lists(st.integers(1, MAX_TOTAL // 10), min_size=2, max_size=10)
SMALL = st.lists(st.integers(1, 30), min_size=2, max_size=5)


def from_weights(weights: list[int]) -> Split:
    return split(*enumerate(weights, start=1))


@given(WEIGHTS, st.sampled_from([TRIAGE, PromptId("a/" * 60 + "b", "c" * 100)]))
def test_arms_are_bit_equal_with_flagd(weights: list[int], prompt: PromptId) -> None:
    wanted, keys = from_weights(weights), [f"user-{number}" for number in range(20)]
    assert [wanted.arm_of(prompt, key) for key in keys] == [in_flagd(wanted, prompt, key) for key in keys]


def test_a_thousand_keys_are_bit_equal_with_flagd_also_in_slices() -> None:
    cut = split((3, 60), (4, 10), (5, 30)).after(split((3, 80), (4, 10), (5, 10)))
    assert len(cut.slices) > len(cut.arms)
    assert revisions(cut) == [in_flagd(cut, TRIAGE, f"user-{number}") for number in range(1000)]


def test_no_text_makes_a_lookup_fail() -> None:
    for key in ("\ud800", "\0", "a" * 1_000_000, "{}"):
        assert split((1, 1), (2, 1)).arm_of(TRIAGE, key) in (1, 2)


# Changes


def at_each_point(wanted: Split) -> list[int]:
    return [each.revision for each in wanted.slices for _ in range(each.weight)]


@settings(max_examples=200)
@given(st.data(), SMALL)
def test_growing_an_arm_moves_keys_of_the_control_only(data: st.DataObject, weights: list[int]) -> None:
    """Through a whole history of changes: arms grow, shrink, begin and end, always against the control."""
    now, total = from_weights([weights[0] + sum(weights), *weights[1:]]), 0
    for _ in range(data.draw(st.integers(1, 6))):
        total = now.total
        arms = {arm.revision: arm.weight for arm in now.arms}
        control = arms.pop(1)
        changed = data.draw(st.integers(2, 9))
        room = control + arms.pop(changed, 0)
        weight = data.draw(st.integers(0 if arms else 1, room - 1))
        order = [*arms.items(), *([(changed, weight)] if weight else [])]
        new = split((1, room - weight), *order).after(now)
        moved = [
            (one, other) for one, other in zip(at_each_point(now), at_each_point(new), strict=True) if one != other
        ]
        was = next((arm.weight for arm in now.arms if arm.revision == changed), 0)
        assert set(moved) <= ({(1, changed)} if weight >= was else {(changed, 1)})
        assert len(moved) == abs(weight - was)
        assert new.total == total
        now = new


@given(SMALL, st.permutations(range(1, 9)), st.data())
def test_a_change_moves_no_more_keys_than_arms_shrink(
    weights: list[int], names: list[int], data: st.DataObject
) -> None:
    before = from_weights(weights)
    count = data.draw(st.integers(2, min(6, before.total)))
    ends = data.draw(st.lists(st.integers(1, before.total - 1), min_size=count - 1, max_size=count - 1, unique=True))
    cuts = [0, *sorted(ends), before.total]
    others = [name for name in names if name != 1]
    arms = [(name, end - start) for name, start, end in zip([1, *others], cuts, cuts[1:], strict=False)]
    after = split(*arms).after(before)
    assert after.arms == split(*arms).arms
    moved = [one for one, other in zip(at_each_point(before), at_each_point(after), strict=True) if one != other]
    shrunk = {arm.revision: arm.weight - dict(arms).get(arm.revision, 0) for arm in before.arms}
    assert {name: moved.count(name) for name in set(moved)} == {name: by for name, by in shrunk.items() if by > 0}
    assert decode_split(split_fields(after)) == after


def test_a_change_and_its_reverse_leave_no_trace() -> None:
    first = split((3, 80), (4, 10), (5, 10))
    grown = split((3, 70), (4, 10), (5, 20)).after(first)
    assert grown.slices == (Arm(3, 70), Arm(5, 10), Arm(4, 10), Arm(5, 10))
    assert first.after(grown) == first


@pytest.mark.parametrize(
    "before", [None, split((3, 9), (4, 1)), split((4, 50), (3, 50))], ids=["none", "another sum", "another control"]
)
def test_a_split_of_another_kind_begins_with_its_arms(before: Split | None) -> None:
    new = split((3, 60), (5, 20), (4, 20))
    assert new.after(before).slices == new.arms


def test_the_order_of_the_other_arms_makes_no_other_split() -> None:
    one, other = split((3, 60), (5, 20), (4, 20)), split((3, 60), (4, 20), (5, 20))
    assert one.has_arms_of(other)
    assert not one.has_arms_of(split((5, 20), (3, 60), (4, 20)))
    assert not one.has_arms_of(None)


def test_a_split_never_has_endless_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splits, "MAX_SLICES", 20)
    now = split((1, 98), (2, 1), (3, 1))
    for step in range(18):
        two, three = 2 + step // 2, 1 + (step + 1) // 2
        now = split((1, 100 - two - three), (2, two), (3, three)).after(now)
    assert len(now.slices) == 20
    with pytest.raises(Conflict, match="more than 20 slices"):
        split((1, 78), (2, 11), (3, 11)).after(now)


# Texts


@pytest.mark.parametrize(
    ("arms", "message"),
    [
        ([(3, 100)], "a split has 2 to 10 arms, not 1"),
        ([(number, 1) for number in range(1, 12)], "not 11"),
        ([(3, 1), (4, 1), (3, 1)], "rev:3 is in the split twice"),
        ([(3, 1), (4, 0)], "the weight of rev:4=0 is not a whole number from 1"),
        ([(3, 1), (4, -1)], "the weight of rev:4=-1"),
        ([(3, MAX_TOTAL), (4, 1)], "the sum of the weights is above 2,147,483,647"),
    ],
)
def test_what_is_no_split_is_refused(arms: list[tuple[int, int]], message: str) -> None:
    with pytest.raises(InvalidRef, match=message):
        split(*arms)


def test_a_split_may_have_the_highest_weights() -> None:
    assert split((1, MAX_TOTAL - 1), (2, 1)).arm_of(TRIAGE, "user-1") == 1


@pytest.mark.parametrize(
    ("text", "arm"),
    [("rev:3=90", ("rev:3", 90)), ("git:a=b=1", ("git:a=b", 1)), ("latest=0", ("latest", 0))],
)
def test_an_arm_has_a_selector_and_a_weight(text: str, arm: tuple[str, int]) -> None:
    assert parse_arm(text) == arm


@pytest.mark.parametrize(
    "text", ["", "rev:3", "rev:3=", "=3", "rev:3=1.5", "rev:3=-1", "rev:3=٣", f"rev:3={'9' * 5000}"]
)
def test_an_arm_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(InvalidRef, match="is not an arm of a split"):
        parse_arm(text)


GOOD = {"arms": [{"revision": 3, "weight": 9}, {"revision": 4, "weight": 1}]} | {
    "slices": [{"revision": 3, "weight": 9}, {"revision": 4, "weight": 1}]
}


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        {**GOOD, "more": 1},
        {**GOOD, "slices": GOOD["slices"][:1]},
        {**GOOD, "slices": [*GOOD["slices"], {"revision": 5, "weight": 1}]},
        {**GOOD, "slices": [{"revision": 3, "weight": 8}, {"revision": 4, "weight": 2}]},
        {**GOOD, "slices": GOOD["slices"] * 600},
        {**GOOD, "arms": GOOD["arms"][:1]},
        {**GOOD, "arms": [{"revision": True, "weight": 9}, {"revision": 4, "weight": 1}]},
        {**GOOD, "arms": [{"revision": 3, "weight": 9.0}, {"revision": 4, "weight": 1}]},
    ],
)
def test_json_that_is_no_split_is_refused(value: object) -> None:
    assert decode_split(GOOD) == split((3, 9), (4, 1))
    with pytest.raises(Wrong):
        decode_split(value)


def test_a_split_is_written_in_one_line() -> None:
    assert str(split((3, 90), (4, 10))) == "rev:3=90 rev:4=10"
    assert replace(split((3, 90), (4, 10)), slices=()) != split((3, 90), (4, 10))


def test_the_page_about_splits_is_right() -> None:
    page = Path(__file__).parents[2] / "docs" / "splits.md"
    found = doctest.testfile(str(page), module_relative=False)
    assert (found.failed, found.attempted) == (0, 4)
