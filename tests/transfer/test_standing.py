"""Which registries may follow a source, decided on counts, and the join that gives them."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptdb.db.inserts import Row
from promptdb.transfer.standing import Overlap, Standing, paired, standing

NONE = Overlap(here=0, there=0, common=0)
EQUAL = Overlap(here=3, there=3, common=3)
LESS = Overlap(here=2, there=3, common=2)
MORE = Overlap(here=3, there=2, common=2)
OTHER = Overlap(here=3, there=3, common=2)
ONLY_THERE = Overlap(here=0, there=3, common=0)
ONLY_HERE = Overlap(here=3, there=0, common=0)

CASES: dict[str, tuple[list[Overlap], Standing]] = {
    "both are empty": ([NONE, NONE], Standing.BEHIND),
    "an empty registry": ([ONLY_THERE, ONLY_THERE], Standing.BEHIND),
    "an empty table": ([ONLY_THERE, EQUAL], Standing.BEHIND),
    "equal": ([EQUAL, EQUAL, NONE], Standing.BEHIND),
    "an earlier copy": ([EQUAL, LESS], Standing.BEHIND),
    "an empty source": ([ONLY_HERE, NONE], Standing.AHEAD),
    "an older export": ([EQUAL, MORE], Standing.AHEAD),
    "one row with other content": ([EQUAL, OTHER], Standing.APART),
    "more of one thing and less of another": ([MORE, LESS], Standing.APART),
    "registries that never met": ([OTHER, ONLY_HERE, ONLY_THERE], Standing.APART),
}


@pytest.mark.parametrize("case", CASES)
def test_a_registry_is_behind_if_the_source_has_all_of_its_history(case: str) -> None:
    overlaps, expected = CASES[case]
    assert standing(overlaps) is expected


def rows(keys: set[int]) -> Iterator[Row]:
    return ({"id": key} for key in sorted(keys))


@given(st.sets(st.integers(0, 20)), st.sets(st.integers(0, 20)))
@pytest.mark.slow
def test_each_row_is_paired_with_the_one_that_has_its_key(here: set[int], there: set[int]) -> None:
    found = [
        (own and own["id"], other and other["id"]) for own, other in paired(rows(here), rows(there), lambda r: r["id"])
    ]
    assert found == [(key if key in here else None, key if key in there else None) for key in sorted(here | there)]
