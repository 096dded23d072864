"""A three-way merge of lines, so that an edit changes no other line of a file.

ruamel.yaml keeps comments, but it writes the whole file in a layout of its own. A user would see all of that in the diff.
So ruamel.yaml writes the file twice, before and after the edit, and only the lines that differ go into the user's text.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_LEAD = re.compile(r" *(?:- +)*")
_BLANK = re.compile(r"\s+")

# Lines that two texts share: their start in the first and in the second text, and their number.
Match = tuple[int, int, int]

# An edit of the base: its first line, the line after its last, and how many lines the text grows.
Hunk = tuple[int, int, int]


def merged(base: str, ours: str, theirs: str, *, newline: str = "\n", moves_comments: bool = True) -> str:
    """Apply the edit from `base` to `theirs` to `ours`, which has the lines of `base` in another layout.

    Lines that the edit does not touch stay byte for byte. Lines of the edit get the indentation of ours beside them.

    Args:
        newline: ends the lines of the edit. `base` and `theirs` have LF.
        moves_comments: insert and remove lines above comments, which belong to the line below them. Try False as well:
            a line that looks like a comment may be part of a text.
    """
    old, our, new = (_LINE.findall(text) for text in (base, ours, theirs))
    low, high = _cuts(old, our)
    leads = dict[str, str]()
    result = list[str]()
    met = done = grown = 0
    for start, end, growth in _hunks(old, new, low, high):
        first, last = high[start] if start < end else low[end], low[end]
        # Later entries win: of lines with the same lead, the nearest above the edit counts.
        for line in (end, *range(met, end)):
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
    # Equal lines at both ends are set aside first, because SequenceMatcher can be slow.
    start = _common(one, other)
    end = _common(one[: start - len(one) - 1 : -1], other[: start - len(other) - 1 : -1])
    yield 0, 0, start
    between = SequenceMatcher(None, one[start : len(one) - end], other[start : len(other) - end])
    yield from ((start + i, start + j, size) for i, j, size in between.get_matching_blocks())
    yield len(one) - end, len(other) - end, end


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))


def _cuts(old: Sequence[str], our: Sequence[str]) -> tuple[dict[int, int], dict[int, int]]:
    """Map lines of the base to the lines of ours where a cut is possible: above and below lines that only ours has."""
    low, high = dict[int, int](), dict[int, int]()
    bare_old, bare_our = ([_BLANK.sub("", line) for line in lines] for lines in (old, our))
    for start, place, size in _matches(bare_old, bare_our):
        for offset in range(size + 1):
            low.setdefault(start + offset, place + offset)
            high[start + offset] = place + offset
    return low, high


def _hunks(old: Sequence[str], new: Sequence[str], low: Mapping[int, int], high: Mapping[int, int]) -> list[Hunk]:
    """Find the parts of the edit, each widened to lines where our text can be cut."""
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
    # The indentation, and the dashes of list items.
    lead: str = _LEAD.findall(line)[0]
    return lead


def _led(line: str, leads: Mapping[str, str]) -> str:
    """Replace the lead of a line that is known from the base with the lead that our text has there."""
    lead = _lead(line)
    known = max((known for known in leads if lead.startswith(known)), key=len, default="")
    return line if line.isspace() else leads.get(known, "") + line[len(known) :]


def _column(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _above_comments(lines: Sequence[str], top: int, place: int, column: int) -> int:
    """Move a place up over comments and the empty lines around them, down from `top` at most."""
    while place > top:
        text = lines[place - 1].strip()
        if text and not (text.startswith("#") and _column(lines[place - 1]) <= column):
            break
        place -= 1
    return place
