"""The diff of two texts: small, and nothing in it that cannot be seen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptdb.render.text_diff import MAX_LINES, MAX_WIDTH, text_diff


@pytest.mark.parametrize(
    ("wanted", "got", "diff"),
    [
        pytest.param("a\nb\nc", "a\nB\nc", ["@@ -1,3 +1,3 @@", " a", "-b", "+B", " c"], id="a line"),
        pytest.param("a\nc", "a\nb\nc", ["@@ -1,2 +1,3 @@", " a", "+b", " c"], id="one more line"),
        pytest.param("", "a\nb", ["@@ -0,0 +1,2 @@", "+a", "+b"], id="from nothing"),
        pytest.param("a\nb", "", ["@@ -1,2 +0,0 @@", "-a", "-b"], id="to nothing"),
        pytest.param("a\nb", "a", ["@@ -1,2 +1 @@", " a", "-b"], id="a line less at the end"),
        pytest.param(
            "1\n2\n3\n4\n5\n6\n7\n8\n9", "1\n2\n3\n4\nx\n6\n7\n8\n9", ["@@ -2,7 +2,7 @@", " 2", " 3", " 4", "-5", "+x", " 6", " 7", " 8"], id="three lines around"
        ),
        pytest.param("a\nb\n", "a\nb", ["@@ -1,3 +1,2 @@", " a", " b", "-(a line break at the end)"], id="last break gone"),
        pytest.param("a\n", "b\n", ["@@ -1 +1 @@", "-a", "+b"], id="both end with a break"),
        pytest.param("a  \nb", "a\nb", ["@@ -1,2 +1,2 @@", "-a··", "+a", " b"], id="spaces at the end"),
        pytest.param("a\tb\n.", "a b\n.", ["@@ -1,2 +1,2 @@", "-a→\tb", "+a b", " ."], id="a tab"),
        pytest.param("a\xa0b\n.", "a b\n.", ["@@ -1,2 +1,2 @@", "-a\\xa0b", "+a b", " ."], id="another space"),
        pytest.param("a\u200bb\n.", "ab\n.", ["@@ -1,2 +1,2 @@", "-a\\u200bb", "+ab", " ."], id="no width"),
        pytest.param("a\r\n.", "a\n.", ["@@ -1,2 +1,2 @@", "-a\\r", "+a", " ."], id="CRLF"),
        pytest.param("a \tb \n.", "x\ty \n.", ["@@ -1,2 +1,2 @@", "-a \tb ", "+x\ty ", " ."], id="no marks where lines differ"),
        pytest.param("a\n \n\nb", "a\n\n\nb", ["@@ -1,4 +1,4 @@", " a", "-·", "+", " ", " b"], id="an empty line"),
    ],
)  # fmt: skip
def test_what_is_shown(wanted: str, got: str, diff: list[str]):
    assert text_diff(wanted, got).split("\n") == diff


def test_equal_texts_have_no_diff():
    assert text_diff("a\nb\n", "a\nb\n") == ""


def test_the_lines_of_the_file_are_counted_behind_what_is_skipped():
    text = "\n".join(map(str, range(5000)))
    assert text_diff(text, f"{text}\nend").split("\n") == ["@@ -4998,3 +4998,4 @@", " 4997", " 4998", " 4999", "+end"]


def test_a_long_line_is_cut_around_the_difference():
    _, old, new, _ = text_diff("x" * 900 + "old" + "y" * 900 + "\n.", "x" * 900 + "new" + "y" * 900 + "\n.").split("\n")
    assert old == "-…" + "x" * 40 + "old" + "y" * (MAX_WIDTH - 43) + "… [1,803 characters]"
    assert new == old.replace("old", "new").replace("-", "+")


def test_the_end_of_a_long_line_is_shown():
    _, old, new, _ = text_diff("x" * 900 + "\n.", "x" * 900 + "end\n.").split("\n")
    assert old == "-…" + "x" * MAX_WIDTH + " [900 characters]"
    assert new == "+…" + "x" * (MAX_WIDTH - 3) + "end [903 characters]"


def test_a_long_old_text_does_not_hide_the_new_one():
    lines = text_diff("\n".join(f"old {n}" for n in range(100)), "\n".join(f"new {n}" for n in range(100))).split("\n")
    assert lines[:2] == ["@@ -1,100 +1,100 @@", "-old 0"]
    assert lines[15:18] == ["-old 14", "-... 85 more lines", "+new 0"]
    assert lines[-1] == "+... 85 more lines"


def test_a_long_diff_is_cut_with_a_note():
    numbers = range(200)
    lines = text_diff("\n".join(map(str, numbers)), "\n".join(str(n if n % 2 else f"x{n}") for n in numbers)).split(
        "\n"
    )
    assert len(lines) == MAX_LINES + 1
    assert lines[-1] == "... 261 more lines"


def test_of_texts_without_end_only_a_part_is_compared():
    lines = text_diff("a\n" * 100_000, "b\n" * 100_000).split("\n")
    assert lines[-1] == "... compared up to line 500"


@given(st.text("ab\t \n\r\u2028\x1b", max_size=40), st.text("ab\t \n\r\u2028\x1b", max_size=40))
def test_texts_that_differ_always_show_it(wanted: str, got: str):
    shown = text_diff(wanted, got)
    assert bool(shown) == (wanted != got)
    removed, added = ([line[1:] for line in shown.split("\n") if line[:1] == sign] for sign in "-+")
    assert removed != added or not shown
