"""A three-way merge of lines: the edit of a text as one writer lays it out, taken over into the text as it is.

ruamel.yaml keeps comments, but lays out a whole file in its own way. Only the lines that the edit is about are taken from it,
so that a diff shows nothing else.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_LEAD = re.compile(r" *(?:- +)*")
_BLANK = re.compile(r"\s+")

Match = tuple[int, int, int]
"""Lines that two texts share: where they start in one and in the other, and how many they are."""

Hunk = tuple[int, int, int]
"""From which line of the base to which an edit reaches, and how many lines it adds."""


def merged(base: str, ours: str, theirs: str, *, newline: str = "\n", moves_comments: bool = True) -> str:
    """Our text with the edit that makes `theirs` of `base`; the edit wins where we lay out the same lines in another way.

    Lines that the edit does not touch stay byte for byte. Its own begin as those of ours beside them do.

    Args:
        newline: ends the lines of the edit; in `base` and `theirs` it is LF.
        moves_comments: lines come and go above the comments that precede the next line, which are about that line. What
            looks like a comment may be text, though.
    """
    old, our, new = (_LINE.findall(text) for text in (base, ours, theirs))
    low, high = _cuts(old, our)
    leads = dict[str, str]()
    result = list[str]()
    met = done = grown = 0
    for start, end, growth in _hunks(old, new, low, high):
        first, last = high[start] if start < end else low[end], low[end]
        for line in (end, *range(met, end)):  # of lines that begin alike the nearest above counts
            if line < len(old) and high.get(line, len(our)) < len(our):
                leads[_lead(old[line])] = _lead(our[high[line]])
        lines = [_led(line, leads).replace("\n", newline) for line in new[start + grown : end + grown + growth]]
        if moves_comments and (lines or first < last):
            column = _column(our[first] if first < last else lines[0])
            above = _above_comments(our, first if first < last else done, last, column)
            if first == last or "".join(our[above:last]).strip():
                last = above
            first = min(first, last)
        result += our[done:first] + lines
        met, done, grown = end, last, grown + growth
    result += our[done:]
    return "".join(line if line.endswith("\n") else line + newline for line in result[:-1]) + "".join(result[-1:])


def _matches(one: Sequence[str], other: Sequence[str]) -> Iterator[Match]:
    """In order. What is equal at both ends is set aside first, since `SequenceMatcher` can be slow."""
    start = _common(one, other)
    end = _common(one[: start - len(one) - 1 : -1], other[: start - len(other) - 1 : -1])
    yield 0, 0, start
    between = SequenceMatcher(None, one[start : len(one) - end], other[start : len(other) - end])
    yield from ((start + i, start + j, size) for i, j, size in between.get_matching_blocks())
    yield len(one) - end, len(other) - end, end


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many lines are equal from the start on."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))


def _cuts(old: Sequence[str], our: Sequence[str]) -> tuple[dict[int, int], dict[int, int]]:
    """Before which lines of the base our text can be cut, and where: above and below lines that only ours has there."""
    low, high = dict[int, int](), dict[int, int]()
    bare_old, bare_our = ([_BLANK.sub("", line) for line in lines] for lines in (old, our))
    for start, place, size in _matches(bare_old, bare_our):
        for offset in range(size + 1):
            low.setdefault(start + offset, place + offset)
            high[start + offset] = place + offset
    return low, high


def _hunks(old: Sequence[str], new: Sequence[str], low: Mapping[int, int], high: Mapping[int, int]) -> list[Hunk]:
    """The edit, widened to where our text can be cut."""
    hunks = list[Hunk]()
    start = place = 0
    for match, new_match, size in _matches(old, new):
        end, growth = match, (new_match - place) - (match - start)
        if start < end or growth:
            while start not in high:
                start -= 1
            while end not in low:
                end += 1
            while hunks and start < hunks[-1][1]:
                before = hunks.pop()
                start, end, growth = min(before[0], start), max(before[1], end), before[2] + growth
            hunks.append((start, end, growth))
        start, place = match + size, new_match + size
    return hunks


def _lead(line: str) -> str:
    """Indentation and dashes."""
    lead: str = _LEAD.findall(line)[0]
    return lead


def _led(line: str, leads: Mapping[str, str]) -> str:
    """A line of the edit, which begins as lines of ours do if it begins as those of the base do."""
    lead = _lead(line)
    known = max((known for known in leads if lead.startswith(known)), key=len, default="")
    return line if line.isspace() else leads.get(known, "") + line[len(known) :]


def _column(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _above_comments(lines: Sequence[str], top: int, place: int, column: int) -> int:
    """The place above the comments that end at this one, and above the empty lines around them, but not above `top`."""
    while place > top:
        text = lines[place - 1].strip()
        if text and not (text.startswith("#") and _column(lines[place - 1]) <= column):
            break
        place -= 1
    return place
