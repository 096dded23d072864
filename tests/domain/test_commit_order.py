"""May a commit be applied on what was synced before it."""

import pytest

from promptdb.domain.commit_order import Order, RecordedHead, Relation, Verdict, compared, judge

SAME, DESCENDS, PRECEDES, DIVERGED, UNKNOWN = Relation
APPLY, SUPERSEDED = Verdict.APPLY, Verdict.SUPERSEDED


def heads(*relations: tuple[str, Relation]) -> tuple[dict[str, RecordedHead], dict[str, Relation]]:
    """Recorded refs, each by a later run than the one before; the commit of a ref has its name."""
    return (
        {ref: RecordedHead(f"c-{ref}", run) for run, (ref, _) in enumerate(relations, 1)},
        {f"c-{ref}": relation for ref, relation in relations},
    )


@pytest.mark.parametrize("name", ["main", "HEAD", "tags/v*"])
def test_without_a_recorded_head_everything_is_applied(name: str) -> None:
    assert judge(name, {}, {}) == Order(APPLY)


@pytest.mark.parametrize("name", ["main", "HEAD"])
@pytest.mark.parametrize(
    ("relation", "verdict"),
    [
        (SAME, APPLY),
        (DESCENDS, APPLY),
        (PRECEDES, SUPERSEDED),
        (DIVERGED, Verdict.DIVERGED),
        (UNKNOWN, Verdict.UNKNOWN),
    ],
)
def test_the_own_head_decides(name: str, relation: Relation, verdict: Verdict) -> None:
    assert judge(name, *heads((name, relation))) == Order(verdict, name, f"c-{name}")


NAMED = [
    ("another branch does not count", [("other", PRECEDES)], Order(APPLY)),
    ("a new branch follows the nameless head", [("HEAD", DESCENDS)], Order(APPLY, "HEAD", "c-HEAD")),
    ("a new branch behind the nameless head", [("HEAD", PRECEDES)], Order(SUPERSEDED, "HEAD", "c-HEAD")),
    ("a new branch beside the nameless head", [("HEAD", DIVERGED)], Order(Verdict.DIVERGED, "HEAD", "c-HEAD")),
    ("its own head comes first", [("HEAD", DIVERGED), ("main", DESCENDS)], Order(APPLY, "main", "c-main")),
    ("an older nameless head", [("HEAD", UNKNOWN), ("main", SAME)], Order(APPLY, "main", "c-main")),
    ("a nameless head beside it", [("main", DESCENDS), ("HEAD", DIVERGED)], Order(APPLY, "main", "c-main")),
    ("a nameless head ahead since", [("main", SAME), ("HEAD", PRECEDES)], Order(SUPERSEDED, "HEAD", "c-HEAD")),
    (
        "a nameless head, perhaps ahead",
        [("main", DESCENDS), ("HEAD", UNKNOWN)],
        Order(Verdict.UNKNOWN, "HEAD", "c-HEAD"),
    ),
    (
        "its own head refuses first",
        [("main", DIVERGED), ("HEAD", PRECEDES)],
        Order(Verdict.DIVERGED, "main", "c-main"),
    ),
]


@pytest.mark.parametrize(("recorded", "order"), [case[1:] for case in NAMED], ids=[case[0] for case in NAMED])
def test_a_branch_is_compared_with_itself_and_with_the_nameless_head(
    recorded: list[tuple[str, Relation]], order: Order
) -> None:
    assert judge("main", *heads(*recorded)) == order


NAMELESS = [
    ("after any head", [("main", DESCENDS), ("other", DIVERGED)], Order(APPLY, "main", "c-main")),
    ("at any head", [("other", DIVERGED), ("main", SAME)], Order(APPLY, "main", "c-main")),
    ("before any head", [("HEAD", DESCENDS), ("main", PRECEDES)], Order(SUPERSEDED, "main", "c-main")),
    ("beside all heads", [("HEAD", DIVERGED), ("main", DIVERGED)], Order(Verdict.DIVERGED, "HEAD", "c-HEAD")),
    ("perhaps before one", [("HEAD", DESCENDS), ("main", UNKNOWN)], Order(Verdict.UNKNOWN, "main", "c-main")),
    ("before one for sure", [("other", UNKNOWN), ("main", PRECEDES)], Order(SUPERSEDED, "main", "c-main")),
]


@pytest.mark.parametrize(("recorded", "order"), [case[1:] for case in NAMELESS], ids=[case[0] for case in NAMELESS])
def test_a_commit_without_a_ref_is_compared_with_all_heads(recorded: list[tuple[str, Relation]], order: Order) -> None:
    assert judge("HEAD", *heads(*recorded)) == order


@pytest.mark.parametrize(
    ("name", "refs"), [("main", {"main", "HEAD"}), ("new", {"HEAD"}), ("HEAD", {"main", "HEAD", "other"})]
)
def test_only_these_heads_are_compared(name: str, refs: set[str]) -> None:
    recorded, _ = heads(("main", SAME), ("HEAD", SAME), ("other", SAME))
    assert set(compared(name, recorded)) == refs
