"""Tables in the width of a terminal: names and digests stay whole, and every cell is there."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptdb.cli.present.table import cells, lay_out

DIGEST, DATE = "sha256:0123abcd", "2026-01-01 00:00"
LONG = "customer-support/escalations/high-priority-triage"
LIST = ["PROMPT", "REVISION", "DIGEST", "ALIASES", "UPDATED"]
PLAN = ["CHANGE", "PROMPT", "REVISION", "DIGEST", "WHAT"]


@pytest.mark.parametrize("width", [None, 60, 80])
def test_a_table_that_fits_has_its_natural_widths(width: int | None) -> None:
    rows = [["support/triage", "12", DIGEST], ["x", "1", DIGEST]]
    assert lay_out(LIST[:3], rows, width) == [
        "PROMPT          REVISION  DIGEST",
        f"support/triage  12        {DIGEST}",
        f"x               1         {DIGEST}",
    ]


def test_in_a_pipe_nothing_is_wrapped() -> None:
    [_, line] = lay_out(["PROMPT", "WHY"], [[LONG, "word " * 50 + "end"]], None)
    assert line == f"{LONG}  {'word ' * 50}end"


def test_a_long_name_stands_alone_and_its_row_goes_on_below() -> None:
    rows = [[LONG, "1", DIGEST, "production=1, staging=1", DATE], ["default/greet", "1", DIGEST, "", DATE]]
    assert lay_out(LIST, rows, 80) == [
        "PROMPT            REVISION  DIGEST           ALIASES            UPDATED",
        LONG,
        f"                  1         {DIGEST}  production=1,      {DATE}",
        "                                             staging=1",
        f"default/greet     1         {DIGEST}                     {DATE}",
    ]


def test_sentences_are_wrapped_and_only_they_break_words() -> None:
    rows = [["new version", "greet", "1 -> 2", DIGEST, f"template, via _shared/{'very-' * 8}long.md and 3 more"]]
    assert lay_out(PLAN, rows, 80) == [
        "CHANGE       PROMPT  REVISION  DIGEST           WHAT",
        f"new version  greet   1 -> 2    {DIGEST}  template, via",
        "                                                _shared/",
        "                                                very-very-very-very-very-very-ve",
        "                                                ry-very-long.md and 3 more",
    ]


def test_an_alias_of_a_prompt_is_a_name() -> None:
    moved = f"{LONG}:production"
    assert lay_out(["ALIAS", "FROM", "TO"], [[moved, "rev:1", "rev:2"]], 60)[1:] == [
        moved,
        f"{' ' * 48}rev:1  rev:2",
    ]


def test_a_terminal_that_is_too_narrow_gets_lists() -> None:
    assert lay_out(LIST, [[LONG, "1", DIGEST, "", DATE]], 30) == [
        f"PROMPT    {LONG}",
        "REVISION  1",
        f"DIGEST    {DIGEST}",
        f"UPDATED   {DATE}",
        "",
    ]


def test_wide_characters_take_two_columns() -> None:
    assert cells("日本é\u0301") == 5
    assert lay_out(["WHO", "WHY"], [["日本", "x"], ["ab", "y"]], 80)[1:] == ["日本  x", "ab    y"]


NAMES = st.text("abc-/", min_size=1, max_size=60).map(lambda text: text.strip("/") or "a")


@given(st.lists(st.tuples(NAMES, st.text("word ", max_size=80)), min_size=1, max_size=5), st.integers(20, 120))
def test_names_and_digests_are_never_broken(rows: list[tuple[str, str]], width: int) -> None:
    lines = lay_out(PLAN, [["create", name, "1", DIGEST, what] for name, what in rows], width)
    text = "\n".join(lines)
    assert text.count(DIGEST) == len(rows)
    assert all(re.search(rf"(^|\s){re.escape(name)}(\s|$)", text) for name, _ in rows)
    squeezed = re.sub(r"\s", "", text)
    assert all(squeezed.count(letter) >= sum(what.count(letter) for _, what in rows) for letter in "word")
    if width >= 60:
        assert all(cells(line) <= max(width, cells("create  ") + max(len(name) for name, _ in rows)) for line in lines)
