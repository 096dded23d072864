"""The edit of one layout of a text taken over into another one, line by line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptdb.files.editing.line_merge import merged

BASE = "a:\n- b: 1\n  c: 2\n- d: 3\ne: 4\n"


@pytest.mark.parametrize(
    ("ours", "theirs", "after"),
    [
        pytest.param(BASE, BASE.replace("2", "5"), BASE.replace("2", "5"), id="the same layout"),
        pytest.param(
            "# x\n" + BASE, BASE.replace("1", "5"), "# x\n" + BASE.replace("1", "5"), id="a line of ours above"
        ),
        pytest.param(BASE + "...\n", BASE.replace("4", "5"), BASE.replace("4", "5") + "...\n", id="and one below"),
        pytest.param(
            "a:\n  -   b:  1\n      c: 2\n  - d: 3\ne: 4\n",
            BASE.replace("2", "|\n    x"),
            "a:\n  -   b:  1\n      c: |\n        x\n  - d: 3\ne: 4\n",
            id="our indentation",
        ),
        pytest.param(
            "a:\n    - b: 1\n      c: 2\n    - d: 3\ne: 4\n",
            BASE.replace("e:", "- f: 5\n  g: 6\ne:"),
            "a:\n    - b: 1\n      c: 2\n    - d: 3\n    - f: 5\n      g: 6\ne: 4\n",
            id="our indentation, one more",
        ),
        pytest.param(
            "a:\n- {b: 1,\n   c: 2}\n- d: 3\ne: 4\n",
            BASE.replace("2", "5"),
            "a:\n- b: 1\n  c: 5\n- d: 3\ne: 4\n",
            id="lines that ours lays out otherwise are theirs",
        ),
        pytest.param(
            "a:\n- {b: 1,\n   c: 2}\n- d: 3\ne: 4\n",
            BASE.replace("3", "5"),
            "a:\n- {b: 1,\n   c: 2}\n- d: 5\ne: 4\n",
            id="but not those beside them",
        ),
        pytest.param(
            "a:\n- b: 1\n  c: 2\n\n# d\n- d: 3\ne: 4\n",
            BASE.replace("- d", "- f: 5\n- d"),
            "a:\n- b: 1\n  c: 2\n- f: 5\n\n# d\n- d: 3\ne: 4\n",
            id="a line comes above a comment",
        ),
        pytest.param(
            "a:\n# b\n- b: 1\n  c: 2\n# d\n- d: 3\ne: 4\n",
            BASE.replace("- b: 1\n  c: 2\n", ""),
            "a:\n# b\n# d\n- d: 3\ne: 4\n",
            id="lines go, comments stay",
        ),
        pytest.param(BASE[:-1], BASE.replace("2", "5"), BASE.replace("2", "5")[:-1], id="no line break at the end"),
        pytest.param(BASE[:-1], BASE + "f: 5\n", BASE + "f: 5\n", id="one more at an end without line break"),
    ],
)
def test_an_edit_is_taken_over(ours: str, theirs: str, after: str):
    assert merged(BASE, ours, theirs) == after


def test_lines_of_the_edit_end_as_it_is_asked():
    ours = BASE.replace("\n", "\r\n").replace("e: 4\r", "e: 4")
    assert merged(BASE, ours, BASE.replace("2", "5"), newline="\r\n") == ours.replace("2", "5")


LINES = st.lists(st.sampled_from(["a\n", "  b\n", "- c\n", "\n", "# d\n", "e: f\n"]), max_size=12).map("".join)


@given(LINES, LINES)
def test_without_another_layout_the_edit_is_the_result(base: str, theirs: str):
    assert merged(base, base, theirs, moves_comments=False) == theirs


@given(LINES, LINES)
def test_without_an_edit_nothing_changes(base: str, ours: str):
    assert merged(base, ours, base) == ours


@given(LINES, LINES, LINES)
def test_any_three_texts_merge(base: str, ours: str, theirs: str):
    assert set(merged(base, ours, theirs).split()) <= {*ours.split(), *theirs.split()}
