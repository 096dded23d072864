"""Differences as HTML: both views have every line, equal lines are folded, and no text is markup or takes long."""

import re

import pytest
from dashboards import HOSTILE

from promptdb.dashboard.showing.diffs import MAX_FOLDED, MAX_LINES, Left, View, diff_html
from promptdb.render.section_diff import ChangedText, Section, changed_texts

MINUS = "\u2212"
VIEWS: tuple[View, ...] = ("Split", "Unified")


def changed(old: str, new: str) -> ChangedText:
    [found] = changed_texts(*([Section("template", "template", text, is_template=True)] for text in (old, new)))
    return found


def lines(html: str) -> list[str]:
    """The rows of all tables: numbers, signs and texts."""
    rows = re.findall("<tr>(.*?)</tr>", html, re.DOTALL)
    return ["|".join(re.sub("<.*?>", "", cell) for cell in row.split("</td>")[:-1]) for row in rows]


def test_both_views_have_every_line_with_its_number_and_sign() -> None:
    text = changed("a\nb\nc\n", "a\nB\nc\nd\n")
    assert lines(diff_html(text, "Split", Left())) == ["1||a|1||a", f"2|{MINUS}|b|2|+|B", "3||c|3||c", "|||4|+|d"]
    assert lines(diff_html(text, "Unified", Left())) == ["1|1||a", f"2||{MINUS}|b", "|2|+|B", "3|3||c", "|4|+|d"]


@pytest.mark.parametrize("view", VIEWS)
def test_equal_lines_are_folded_and_stay_in_the_page(view: View) -> None:
    old = [f"line {number}" for number in range(30)]
    new = [*old[:10], "edited", *old[11:]]
    found = diff_html(changed("\n".join(old), "\n".join(new)), view, Left())
    assert re.findall("<summary>(.*?)</summary>", found) == ["7 equal lines", "16 equal lines"]
    assert all(f"line {number}<" in found for number in range(30))
    assert "<summary>" not in diff_html(changed("a\nb\nc\nd\nx", "a\nb\nc\nd\ny"), view, Left())


@pytest.mark.parametrize("view", VIEWS)
def test_words_that_differ_are_marked_in_both_lines(view: View) -> None:
    found = diff_html(changed("Be kind.", "Be kind and brief.  "), view, Left())
    assert 'Be kind<mark class="pdb-word"> and brief</mark>.<mark class="pdb-word">··</mark>' in found
    assert "mark" not in diff_html(changed("Answer in English.", "Never name others"), view, Left())


def test_a_difference_that_draws_nothing_is_written_out() -> None:
    found = diff_html(changed("a\u200bb", "ab"), "Split", Left())
    assert "\\u200b" in found
    assert "no line break at the end" in diff_html(changed("a", "a\n"), "Split", Left())


@pytest.mark.parametrize("view", VIEWS)
def test_no_text_is_markup(view: View) -> None:
    text = changed(f"{HOSTILE}\nsame {HOSTILE}", f"x {HOSTILE}\nsame {HOSTILE}")
    found = diff_html(
        ChangedText(HOSTILE, is_field=False, old=text.old, new=text.new, changes=text.changes), view, Left()
    )
    assert "<script" not in found
    assert "<img" not in found
    assert "\x1b" not in found
    assert "\u202e" not in found


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x" * 1_000_000, "x" * 500_000 + "y" * 500_000),
        ("a\n" * 100_000, "b\n" * 100_000),
        ("a b " * 250_000, "b a " * 250_000),
        ("\n".join(f"{n} of a" for n in range(20_000)), "\n".join(f"{n} of b" for n in range(20_000))),
    ],
)
def test_long_texts_are_cut(view: View, old: str, new: str) -> None:
    found = diff_html(changed(old, new), view, Left())
    assert len(found) < 1_500_000
    assert len(lines(found)) <= 2 * MAX_LINES


def test_the_rest_of_what_is_cut_is_counted() -> None:
    size = MAX_LINES + 10
    left = Left()
    found = diff_html(changed("a\n" * size, "b\n" * size), "Unified", left)
    assert "10 more lines are not shown" in found
    assert left.lines == 0
    assert lines(diff_html(changed("a", "b"), "Split", left)) == []
    many = "\n".join(map(str, range(MAX_FOLDED + 20)))
    found = diff_html(changed(f"{many}\na", f"{many}\nb"), "Split", Left())
    assert "<details" not in found
    assert f"{MAX_FOLDED + 17} equal lines" in found
