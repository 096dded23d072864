"""Shows texts that differ, side by side or as one. Equal lines are folded, and words that differ are marked."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, zip_longest
from typing import Literal

from promptdb.dashboard.showing.escaping import in_attribute, in_html
from promptdb.dashboard.showing.tables import Html
from promptdb.render.section_diff import CONTEXT, ChangedText
from promptdb.render.text_diff import fully_marked, look, marked, shortened, window
from promptdb.render.word_diff import changed_words, words_of

View = Literal["Split", "Unified"]

MAX_LINES = 800
"""Lines of all differences on a page."""

MAX_FOLDED = 200
"""Equal lines that can be unfolded at one place. For more, the page has only the number."""

MAX_WIDTH = 3_000
"""Characters shown of one line, from about its first difference."""

MAX_PAIRS = 6_000_000
"""Pairs of words that are compared for all marks on a page."""

MARKS_NOTE = "· marks a space at the end of a line, and → a tab."

_SIGNS = {"old": ("\u2212", "removed"), "new": ("+", "added")}
_Kind = Literal["same", "folded", "changed"]
_Line = tuple[int, Html]
"""The number of a line, from 1, and its text."""


@dataclass
class Left:
    """The work that is left for one page."""

    lines: int = MAX_LINES
    pairs: int = MAX_PAIRS


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines of both texts that are equal, or that differ. Indexes are from and to."""

    kind: _Kind
    old: range
    new: range


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of both texts, or of one of them."""

    old: _Line | None
    new: _Line | None
    is_change: bool


def diff_html(text: ChangedText, view: View, left: Left) -> Html:
    """Write the differences of one text, with its title. A note counts the lines that are too many for the page."""
    parts = [f'<h4 class="pdb-diff-title">{in_html(text.title)}</h4>']
    for is_folded, blocks in groupby(_blocks(text), lambda block: block.kind == "folded"):
        if is_folded:
            parts += [_fold(text, block, view, left) for block in blocks]
            continue
        rows, missing = list[_Row](), 0
        for block in blocks:
            new_rows = list(_rows(text, block, left))
            rows += new_rows
            missing += max(len(block.old), len(block.new)) - len(new_rows)
        parts.append(_table(text.title, rows, view))
        if missing:
            parts.append(f'<p class="pdb-note">{missing:,} more lines are not shown. promptdb diff prints all.</p>')
    return f'<div class="pdb-diff">{"".join(parts)}</div>'


def _blocks(text: ChangedText) -> Iterator[_Block]:
    at = place = 0
    end = len(text.old), len(text.old), len(text.new), len(text.new)
    for i1, i2, j1, j2 in [*text.changes, end]:
        before = CONTEXT if at or place else 0
        after = CONTEXT if i2 > i1 or j2 > j1 else 0
        # To fold a single line saves nothing.
        start, stop = (at + before, i1 - after) if i1 - at - before - after > 1 else (at, at)
        shift = place - at
        pieces: list[tuple[_Kind, int, int]] = [("same", at, start), ("folded", start, stop), ("same", stop, i1)]
        for kind, first, last in pieces:
            if last > first:
                yield _Block(kind, range(first, last), range(first + shift, last + shift))
        if after:
            yield _Block("changed", range(i1, i2), range(j1, j2))
        at, place = i2, j2


def _rows(text: ChangedText, block: _Block, left: Left) -> Iterator[_Row]:
    for i, j in zip_longest(block.old, block.new):
        if left.lines <= 0:
            return
        left.lines -= 1
        if block.kind != "changed":
            line = in_html(shortened(text.old[i].removesuffix("\n"), 0, MAX_WIDTH))
            yield _Row((i + 1, line), (j + 1, line), is_change=False)
            continue
        old, new = None if i is None else text.old[i], None if j is None else text.new[j]
        one, other = _changed(old, new, left)
        yield _Row(None if i is None else (i + 1, one), None if j is None else (j + 1, other), is_change=True)


def _changed(old: str | None, new: str | None, left: Left) -> tuple[Html, Html]:
    """Write an old line and the new one in its place, with marks."""
    ends = [
        "" if line is None or line.endswith("\n") else '<span class="pdb-muted"> (no line break at the end)</span>'
        for line in (old, new)
    ]
    one, other = ((line or "").removesuffix("\n") for line in (old, new))
    mark = fully_marked if old is not None and new is not None and look(one) == look(other) else marked
    one, other = mark(one), mark(other)
    start = window(one, other, MAX_WIDTH)
    one, other = (shortened(line, start, MAX_WIDTH) for line in (one, other))
    words = None
    if old is not None and new is not None:
        left.pairs -= len(words_of(one)) * len(words_of(other))
        words = changed_words(one, other) if left.pairs >= 0 else None
    pieces = words or ([(False, one)], [(False, other)])
    first, second = (
        "".join(
            f'<mark class="pdb-word">{in_html(part)}</mark>' if differs else in_html(part) for differs, part in side
        )
        for side in pieces
    )
    return first + ends[0], second + ends[1]


def _fold(text: ChangedText, block: _Block, view: View, left: Left) -> Html:
    size = len(block.old)
    label = f"{size:,} equal lines"
    if size > min(MAX_FOLDED, left.lines):
        return f'<p class="pdb-fold">⋯ {label}</p>'
    rows = list(_rows(text, block, left))
    return f'<details class="pdb-fold"><summary>{label}</summary>{_table(text.title, rows, view)}</details>'


def _table(title: str, rows: Sequence[_Row], view: View) -> Html:
    if not rows:
        return ""
    lines = map(_split, rows) if view == "Split" else _unified(rows)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    side = '<col class="pdb-number"><col class="pdb-sign"><col>'
    columns = side * 2 if view == "Split" else f'<col class="pdb-number">{side}'
    return f"<table><caption>{in_html(title)}</caption><colgroup>{columns}</colgroup><tbody>{body}</tbody></table>"


def _split(row: _Row) -> Html:
    if not row.is_change:
        return "".join(_number(line) + _cells("same", line) for line in (row.old, row.new))
    return _number(row.old) + _cells("old", row.old) + _number(row.new) + _cells("new", row.new)


def _unified(rows: Iterable[_Row]) -> Iterator[Html]:
    for is_change, block in groupby(rows, lambda row: row.is_change):
        if not is_change:
            yield from (_number(row.old) + _number(row.new) + _cells("same", row.new) for row in block)
            continue
        pairs = list(block)
        yield from (_number(row.old) + _number(None) + _cells("old", row.old) for row in pairs if row.old)
        yield from (_number(None) + _number(row.new) + _cells("new", row.new) for row in pairs if row.new)


def _number(line: _Line | None) -> Html:
    return f'<td class="pdb-number">{"" if line is None else line[0]}</td>'


def _cells(side: str, line: _Line | None) -> Html:
    """Write the sign and the text of a line: a colour alone would not be seen by all."""
    if line is None:
        return '<td class="pdb-sign"></td><td class="pdb-none"></td>'
    sign, word = _SIGNS.get(side, ("", ""))
    label = f' aria-label="{in_attribute(word)}"' if word else ""
    return f'<td class="pdb-sign pdb-{side}"{label}>{sign}</td><td class="pdb-{side}" dir="auto">{line[1]}</td>'
