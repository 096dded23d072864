"""A short unified diff of two texts for people, with marks for characters that cannot be seen."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest

CONTEXT = 3
MAX_LINES = 40
_MAX_CHANGED = 15
"""Lines shown of each side of one change, so that a long old text does not hide the new one."""

MAX_WIDTH = 160
MAX_LINES_COMPARED = 500
"""Lines compared of each text from the first difference: the time grows with their square."""

_BEFORE_A_DIFFERENCE = 40
"""Characters of a long line shown before its first difference."""

_LAST_BREAK = "(a line break at the end)"


def text_diff(wanted: str, got: str, context: int = CONTEXT) -> str:
    """Write a unified diff: lines of `wanted` get a `-`, those of `got` a `+`. It is empty for equal texts.

    In lines that look the same on both sides, tabs, trailing spaces and unprintable characters are shown as marks.
    `context` is the number of equal lines shown around a change.
    """
    old, new = _lines(wanted), _lines(got)
    if old[-1:] == new[-1:] == [_LAST_BREAK]:
        del old[-1], new[-1]
    shown = list(_hunks(old, new, context))
    if len(shown) > MAX_LINES:
        shown[MAX_LINES:] = [f"... {len(shown) - MAX_LINES:,} more lines"]
    return "\n".join(shown)


def _lines(text: str) -> list[str]:
    if not text:
        return []
    lines = text.split("\n")
    if not lines[-1]:
        lines[-1] = _LAST_BREAK
    return lines


def _hunks(old: Sequence[str], new: Sequence[str], context: int) -> Iterator[str]:
    same = next((i for i, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), None)
    skipped = max(0, (min(len(old), len(new)) if same is None else same) - context)
    compared = old[skipped : skipped + MAX_LINES_COMPARED], new[skipped : skipped + MAX_LINES_COMPARED]
    for group in SequenceMatcher(None, *compared, autojunk=False).get_grouped_opcodes(context):
        _, i1, _, j1, _ = group[0]
        _, _, i2, _, j2 = group[-1]
        yield f"@@ -{_range(skipped + i1, i2 - i1)} +{_range(skipped + j1, j2 - j1)} @@"
        for tag, start, end, new_start, new_end in group:
            if tag == "equal":
                yield from (" " + shortened(line, 0) for line in compared[0][start:end])
            else:
                yield from _changed(compared[0][start:end], compared[1][new_start:new_end])
    if max(len(old), len(new)) > skipped + MAX_LINES_COMPARED:
        yield f"... compared up to line {skipped + MAX_LINES_COMPARED:,}"


def _range(start: int, length: int) -> str:
    # As in `diff -u`, an empty range has the number of the line before it.
    return str(start + 1) if length == 1 else f"{start + (length > 0)},{length}"


def _changed(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    starts = [window(one, other) for one, other in zip_longest(old, new, fillvalue="")]
    for sign, lines, others in (("-", old, new), ("+", new, old)):
        seen = set(map(look, others))
        for line, start in zip(lines[:_MAX_CHANGED], starts, strict=False):
            marked = fully_marked(line) if look(line) in seen else line
            yield sign + shortened(marked, start)
        if len(lines) > _MAX_CHANGED:
            yield f"{sign}... {len(lines) - _MAX_CHANGED:,} more lines"


def look(line: str) -> str:
    """Reduce a line to the characters that a reader sees. Different lines that look the same need marks."""
    return " ".join("".join(c for c in line if c.isprintable() or c.isspace()).split())


def marked(line: str) -> str:
    """Make tabs and trailing spaces visible. Tabs keep their effect."""
    bare = line.rstrip(" \t")
    return (bare + line[len(bare) :].replace(" ", "·")).replace("\t", "→\t")


def fully_marked(line: str) -> str:
    """Make tabs, trailing spaces and unprintable characters visible."""
    return "".join(
        c if c == "\t" or (c.isprintable() and (c == " " or not c.isspace())) else c.encode("unicode_escape").decode()
        for c in marked(line)
    )


def window(one: str, other: str, width: int = MAX_WIDTH) -> int:
    """Choose the first character shown of two long lines, so that both show their first difference."""
    pairs = zip(one, other, strict=False)
    position = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
    return 0 if position < width // 2 else position - _BEFORE_A_DIFFERENCE


def shortened(line: str, start: int, width: int = MAX_WIDTH) -> str:
    """Cut a long line to the characters from `start`."""
    if len(line) <= width:
        return line
    start = min(start, len(line) - width)
    end = start + width
    return f"{'…' * (start > 0)}{line[start:end]}{'…' * (end < len(line))} [{len(line):,} characters]"
