"""A unified diff of two prompts, text by text. Each hunk names the message or the field that it is in."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

CONTEXT = 3
_MAX_COMPARED = 1_500
"""Lines of a text, or messages, up to which each one is compared with each other one."""

Block = tuple[int, int, int]
"""Equal lines, or sections: their start in the old and in the new sequence, and their number."""


@dataclass(frozen=True, slots=True)
class Section:
    """One text of a prompt, or YAML of its other parts.

    `title` says where it is (`messages[0] system`). `key` is the same without the index, and pairs sections of two prompts.
    `is_field`: YAML that begins with the name of a field. `is_template`: the text as it is rendered, not YAML.
    """

    title: str
    key: str
    text: str
    is_field: bool = False
    is_template: bool = False


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line of a unified diff: `@` starts a hunk, and `\\` is a note about the line before it."""

    sign: Literal["@", " ", "-", "+", "\\"]
    text: str

    def __str__(self) -> str:
        return f"{'' if self.sign == '@' else self.sign}{self.text}"


def section_diff(old: Sequence[Section], new: Sequence[Section]) -> Iterator[DiffLine]:
    """Yield the lines of a diff. Line numbers count in each section, so that those of a text file are almost its own."""
    for before, after in _pairs(old, new):
        one, other = before or after, after or before
        # One of the two is always a section.
        assert one is not None and other is not None  # noqa: PT018, S101
        ends = {section.text.endswith("\n") for section in (before, after) if section is not None}
        old_lines, new_lines = (_lines(section, ended=len(ends) == 1) for section in (before, after))
        yield from _hunks(old_lines, new_lines, other.title)


def lines_of(text: str) -> list[str]:
    """Split a text after each chr(10), and at no other character."""
    return [*(f"{line}\n" for line in text.split("\n")[:-1]), *filter(None, [text.rpartition("\n")[2]])]


def _lines(section: Section | None, *, ended: bool) -> list[str]:
    """Return the lines of a section. If `ended`, the last one ends like the others, whether it does in the text or not."""
    lines = lines_of(section.text) if section is not None else []
    return [*lines[:-1], *(line.removesuffix("\n") + "\n" for line in lines[-1:])] if ended else lines


def _pairs(old: Sequence[Section], new: Sequence[Section]) -> Iterator[tuple[Section | None, Section | None]]:
    """Pair sections that differ, in order. Messages that moved without a change are left out."""
    for i1, i2, j1, j2 in _changes([(s.key, s.text) for s in old], [(s.key, s.text) for s in new]):
        at, place = i1, j1
        keys = [section.key for section in old[i1:i2]], [section.key for section in new[j1:j2]]
        for i, j, size in [*_equal(*keys), (i2 - i1, j2 - j1, 0)]:
            yield from ((section, None) for section in old[at : i1 + i])
            yield from ((None, section) for section in new[place : j1 + j])
            at, place = i1 + i + size, j1 + j + size
            yield from zip(old[i1 + i : at], new[j1 + j : place], strict=True)


def _hunks(old: Sequence[str], new: Sequence[str], title: str) -> Iterator[DiffLine]:
    for group in _groups(_changes(old, new)):
        (first, _, place, _), (_, last, _, place_end) = group[0], group[-1]
        before, after = min(CONTEXT, first), min(CONTEXT, len(old) - last)
        start, end = first - before, last + after
        ranges = f"-{_range(start, end - start)} +{_range(place - before, place_end + after - place + before)}"
        yield DiffLine("@", f"@@ {ranges} @@ {title}")
        for i1, i2, j1, j2 in group:
            yield from (DiffLine(" ", line.removesuffix("\n")) for line in old[start:i1])
            yield from _signed("-", old[i1:i2])
            yield from _signed("+", new[j1:j2])
            start = i2
        yield from (DiffLine(" ", line.removesuffix("\n")) for line in old[start:end])


def _signed(sign: Literal["-", "+"], lines: Sequence[str]) -> Iterator[DiffLine]:
    for line in lines:
        yield DiffLine(sign, line.removesuffix("\n"))
        if not line.endswith("\n"):
            yield DiffLine("\\", " No line break at the end")


def _range(start: int, length: int) -> str:
    # As in `diff -u`, an empty range has the number of the line before it.
    return str(start + 1) if length == 1 else f"{start + (length > 0)},{length}"


# Old lines from and to, new lines from and to.
Change = tuple[int, int, int, int]


def _groups(changes: Sequence[Change]) -> Iterator[list[Change]]:
    """Join changes whose surrounding lines overlap."""
    group: list[Change] = []
    for change in changes:
        if group and change[0] - group[-1][1] > 2 * CONTEXT:
            yield group
            group = []
        group.append(change)
    if group:
        yield group


def _changes(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[Change]:
    found, at, place = list[Change](), 0, 0
    for i, j, size in [*_equal(old, new), (len(old), len(new), 0)]:
        if at < i or place < j:
            found.append((at, i, place, j))
        at, place = i + size, j + size
    return found


def _equal(old: Sequence[Hashable], new: Sequence[Hashable]) -> Iterator[Block]:
    """Find equal lines: at both ends, and then between them, in a time that no text can make long."""
    start, end = _ends(old, new)
    inner, other = old[start : len(old) - end], new[start : len(new) - end]
    blocks: Iterable[Block]
    if max(len(inner), len(other)) <= _MAX_COMPARED:
        # Without its heuristic, many equal lines take too long.
        blocks = SequenceMatcher(None, inner, other, autojunk=len(other) > _MAX_COMPARED // 5).get_matching_blocks()
    else:
        blocks = _around_unique(inner, other)
    yield 0, 0, start
    yield from ((start + i, start + j, size) for i, j, size in blocks)
    yield len(old) - end, len(new) - end, end


def _ends(one: Sequence[Hashable], other: Sequence[Hashable]) -> tuple[int, int]:
    """Count the equal lines at the start, and those at the end of the rest."""
    start = _common(one, other)
    return start, _common(one[: start - len(one) - 1 : -1], other[: start - len(other) - 1 : -1])


def _common(one: Sequence[Hashable], other: Sequence[Hashable]) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))


def _around_unique(old: Sequence[Hashable], new: Sequence[Hashable]) -> Iterator[Block]:
    at = place = 0
    for i, j in [*_unique(old, new), (len(old), len(new))]:
        start, end = _ends(old[at:i], new[place:j])
        yield at, place, start
        yield i - end, j - end, end + (i < len(old))
        at, place = i + 1, j + 1


def _unique(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Find lines that both texts have once, in the longest order that they share, as patience diff does."""
    once, twice = Counter(old), Counter(new)
    places = {line: place for place, line in enumerate(new) if twice[line] == 1}
    found = [(index, places[line]) for index, line in enumerate(old) if once[line] == 1 and line in places]
    tails, best, before = list[int](), list[int](), list[int | None]()
    for number, (_, place) in enumerate(found):
        length = bisect_left(tails, place)
        tails[length : length + 1] = [place]
        best[length : length + 1] = [number]
        before.append(best[length - 1] if length else None)
    chain, last = list[tuple[int, int]](), best[-1] if best else None
    while last is not None:
        chain.append(found[last])
        last = before[last]
    return chain[::-1]
