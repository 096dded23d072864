"""Finds the words that differ in two lines."""

import re
from collections.abc import Sequence

from promptdb.render.sequence_diff import changes

_WORD = re.compile(r"\w+|\s+|[^\w\s]")
_MIN_SHARED = 0.3
"""The part of the longer line that two lines must share. Otherwise they are not the same line, edited."""

Piece = tuple[bool, str]
"""A part of a line, and if it differs."""


def words_of(line: str) -> list[str]:
    """Split a line into words, blanks and single signs."""
    return _WORD.findall(line)


def changed_words(old: str, new: str) -> tuple[list[Piece], list[Piece]] | None:
    """Split two lines into parts that are equal and parts that differ. Return None if they share little."""
    before, after = words_of(old), words_of(new)
    found = changes(before, after)
    changed = sum(_size(before[i1:i2]) for i1, i2, _, _ in found)
    if _size(before) - changed < _MIN_SHARED * max(_size(before), _size(after)):
        return None
    return _pieces(before, [change[:2] for change in found]), _pieces(after, [change[2:] for change in found])


def _size(words: Sequence[str]) -> int:
    return sum(len(word) for word in words if not word.isspace())


def _pieces(words: Sequence[str], ranges: Sequence[tuple[int, int]]) -> list[Piece]:
    pieces, at = list[Piece](), 0
    for start, end in ranges:
        pieces += [(False, "".join(words[at:start])), (True, "".join(words[start:end]))]
        at = end
    pieces.append((False, "".join(words[at:])))
    return [(differs, text) for differs, text in pieces if text]
