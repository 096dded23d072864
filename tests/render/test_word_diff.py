"""The words that differ in two lines: which ones, and that the parts are the whole line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptdb.render.word_diff import changed_words


@pytest.mark.parametrize(
    ("old", "new", "before", "after"),
    [
        ("Be kind.", "Be kind and brief.", "Be kind.", "Be kind[ and brief]."),
        ("temperature: 0.2", "temperature: 0.7", "temperature: 0.[2]", "temperature: 0.[7]"),
        ("a b c", "a c", "a [b ]c", "a c"),
        ("same", "same", "same", "same"),
    ],
)
def test_the_words_that_differ_are_found(old: str, new: str, before: str, after: str) -> None:
    found = changed_words(old, new)
    assert found is not None
    one, other = ("".join(f"[{text}]" if differs else text for differs, text in side) for side in found)
    assert (one, other) == (before, after)


def test_lines_that_share_little_have_no_marks() -> None:
    assert changed_words("Answer in English.", "Never mention other customers by their names.") is None


@given(st.text("ab .", max_size=30), st.text("ab .", max_size=30))
def test_the_parts_are_the_whole_lines(old: str, new: str) -> None:
    found = changed_words(old, new)
    if found is not None:
        assert ["".join(text for _, text in side) for side in found] == [old, new]
        same = ["".join(text for differs, text in side if not differs) for side in found]
        assert same[0] == same[1]
