"""The diff of two prompts: which texts are compared, where each hunk is, and that it holds every change."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from promptdb.render.section_diff import DiffLine, Section, lines_of, section_diff


def text(content: str, title: str = "template") -> Section:
    return Section(title, title, content, is_template=True)


def message(index: int, role: str, content: str) -> Section:
    return Section(f"messages[{index}] {role}", f"messages {role}", content, is_template=True)


def diff(old: list[Section], new: list[Section]) -> list[str]:
    return list(map(str, section_diff(old, new)))


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        pytest.param("a\nb\nc", "a\nB\nc", ["@@ -1,3 +1,3 @@ template", " a", "-b", "+B", " c"], id="a line"),
        pytest.param("a\nc\n", "a\nb\nc\n", ["@@ -1,2 +1,3 @@ template", " a", "+b", " c"], id="one more"),
        pytest.param("", "a", ["@@ -0,0 +1 @@ template", "+a"], id="from nothing"),
        pytest.param("a\n", "", ["@@ -1 +0,0 @@ template", "-a"], id="to nothing"),
        pytest.param("a", "a\nb", ["@@ -1 +1,2 @@ template", " a", "+b"], id="behind a last line without a break"),
        pytest.param(
            "a", "a\n", ["@@ -1 +1 @@ template", "-a", "\\ No line break at the end", "+a"], id="a last line break"
        ),
        pytest.param("a\n", "a\n\n", ["@@ -1 +1,2 @@ template", " a", "+"], id="another line break"),
        pytest.param("a\u2028b\x0bc\rd", "a\u2028b\x0bc\rD", ["@@ -1 +1 @@ template", "-a\u2028b\x0bc\rd", "+a\u2028b\x0bc\rD"], id="no other line breaks"),
        pytest.param("0\n1\n2\n3\n4\n5\n6\n7\n8\n9", "x\n1\n2\n3\n4\n5\n6\n7\n8\ny", ["@@ -1,4 +1,4 @@ template", "-0", "+x", " 1", " 2", " 3", "@@ -7,4 +7,4 @@ template", " 6", " 7", " 8", "-9", "+y"], id="two hunks"),
        pytest.param("0\n1\n2\n3\n4\n5\n6\n7\n8", "0\n1\n2\n3\n5\n6\n7\n8", ["@@ -2,7 +2,6 @@ template", " 1", " 2", " 3", "-4", " 5", " 6", " 7"], id="context"),
    ],
)  # fmt: skip
def test_the_lines_of_one_text(old: str, new: str, lines: list[str]) -> None:
    assert diff([text(old)], [text(new)]) == lines


def test_each_hunk_names_its_message_and_equal_ones_are_left_out() -> None:
    old = [message(0, "system", "a"), message(1, "human", "b"), message(2, "ai", "c")]
    new = [message(0, "system", "A"), message(1, "human", "b"), message(2, "ai", "C")]
    assert diff(old, new) == [
        *["@@ -1 +1 @@ messages[0] system", "-a", "+A"],
        *["@@ -1 +1 @@ messages[2] ai", "-c", "+C"],
    ]


def test_a_message_more_moves_the_others_without_a_difference() -> None:
    old = [message(0, "system", "a"), message(1, "human", "b")]
    new = [message(0, "system", "a"), message(1, "human", "x"), message(2, "ai", "y"), message(3, "human", "b")]
    assert diff(old, new) == [
        *["@@ -0,0 +1 @@ messages[1] human", "+x"],
        *["@@ -0,0 +1 @@ messages[2] ai", "+y"],
    ]


def test_another_role_is_another_message() -> None:
    assert diff([message(0, "system", "a")], [message(0, "human", "a")]) == [
        *["@@ -1 +0,0 @@ messages[0] system", "-a"],
        *["@@ -0,0 +1 @@ messages[0] human", "+a"],
    ]


def test_fields_are_compared_with_themselves() -> None:
    kind, model = text("kind: chat\n", "kind"), text("model:\n  a: 1\n", "model")
    assert diff([kind, model], [kind]) == ["@@ -1,2 +0,0 @@ model", "-model:", "-  a: 1"]


def of_side(lines: list[DiffLine], sign: str) -> str:
    """One of the texts, out of a diff with all its lines."""
    found, kept = list[str](), False
    for line in lines:
        if line.sign == "\\" and kept:
            found[-1] = found[-1].removesuffix("\n")
        elif line.sign not in "@\\" and (kept := line.sign in (" ", sign)):
            found.append(f"{line.text}\n")
    return "".join(found)


@given(st.text("ab\n", max_size=40), st.text("ab\n", max_size=40))
@example("a\n", "a\n\\ No line break at the end")
@example("a\n\n", "\na\n")
def test_a_diff_holds_every_change(old: str, new: str) -> None:
    lines = list(section_diff([text(old)], [text(new)]))
    assert bool(lines) == (old != new)
    assert any(line.sign in "-+" for line in lines) == (old != new)
    if len(lines_of(old)) <= 4 and lines:
        assert of_side(lines, "-").rstrip("\n") == old.rstrip("\n")
        assert of_side(lines, "+").rstrip("\n") == new.rstrip("\n")


def test_a_text_without_end_is_compared_by_the_lines_that_it_has_once() -> None:
    old = [f"{number // 2 if number % 2 else 'same'}\n" for number in range(40_000)]
    new = [line for index, line in enumerate(old) if index not in (6, 7, 20_000, 20_001)]
    new[30_001] = "edited\n"
    changed = [str(line) for line in section_diff([text("".join(old))], [text("".join(new))]) if line.sign in "-+"]
    assert sorted(changed) == ["+edited", "-10000", "-15002", "-3", "-same", "-same"]


@pytest.mark.parametrize("pattern", [("ab", "ba"), ("aab", "abb"), ("abc", "cba")], ids="-".join)
def test_no_text_makes_the_time_long(pattern: tuple[str, str]) -> None:
    old, new = ("x\n" + "\n".join(word * 100_000) + "\ny" for word in pattern)
    assert next(iter(section_diff([text(old)], [text(f"{new}z")]))).sign == "@"


def test_many_messages_do_not_make_the_time_long() -> None:
    old = [message(index, "human", "same" if index % 2 else "x") for index in range(25_000)]
    new = [message(index, "human", "same" if index % 3 else "x") for index in range(25_001)]
    assert next(iter(section_diff(old, new))).sign == "@"


def test_a_message_less_among_edited_ones() -> None:
    old = [message(0, "system", "a"), message(1, "human", "b"), message(2, "ai", "c")]
    new = [message(0, "system", "A"), message(1, "ai", "C")]
    assert diff(old, new) == [
        *["@@ -1 +1 @@ messages[0] system", "-a", "+A"],
        *["@@ -1 +0,0 @@ messages[1] human", "-b"],
        *["@@ -1 +1 @@ messages[1] ai", "-c", "+C"],
    ]
