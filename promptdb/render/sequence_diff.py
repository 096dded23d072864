"""Finds equal lines of two texts, or equal items of any two lists, in a time that no text can make long."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from difflib import SequenceMatcher

_MAX_COMPARED = 1_500
"""Items up to which each one is compared with each other one."""

Block = tuple[int, int, int]
"""Equal items: their start in the old and in the new sequence, and their number."""

Change = tuple[int, int, int, int]
"""Old items from and to, new items from and to. One of the two may be empty."""


def changes(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[Change]:
    """List the changes that make the new sequence out of the old one, in order."""
    found, at, place = list[Change](), 0, 0
    for i, j, size in [*equal_blocks(old, new), (len(old), len(new), 0)]:
        if at < i or place < j:
            found.append((at, i, place, j))
        at, place = i + size, j + size
    return found


def equal_blocks(old: Sequence[Hashable], new: Sequence[Hashable]) -> Iterator[Block]:
    """Find equal items: at both ends, and then between them. Some blocks may be empty."""
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
    """Count the equal items at the start, and those at the end of the rest."""
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
    """Find items that both have once, in the longest order that they share, as patience diff does."""
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
