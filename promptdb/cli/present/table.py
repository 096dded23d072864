"""Lays out tables in the width of a terminal. No word is broken, so names and digests stay whole and can be copied."""

from collections.abc import Sequence
from itertools import zip_longest
from unicodedata import combining, east_asian_width

GAP = 2
_PROSE = frozenset({"WHAT", "WHY", "BREAKING"})
"""Columns with sentences. Only they break words, such as long addresses."""

_SHORT = frozenset({"ALIASES", "AUTHOR", "WHO"})
"""Columns with a few words."""

_NAMES = ("PROMPT", "PATH")
"""Columns with names: of a table, the first of these, or the first column if it is `ALIAS` (`support/triage:production`).
A name that is too long stands alone, and its row goes on below."""

_PLENTY, _ENOUGH, _LITTLE = 30, 16, 12
"""Widths that columns keep as long as others can give."""

Table = Sequence[Sequence[str]]


def lay_out(headers: Sequence[str], rows: Table, width: int | None) -> list[str]:
    """Return the lines of a table, its headers first. Without a width, no cell is wrapped."""
    table = [headers, *rows]
    columns = list(zip(*table, strict=True))
    natural = [max(map(cells, column)) for column in columns]
    if width is None or _total(natural) <= width:
        return [_joined(row, natural) for row in table]
    named = (headers.index(header) for header in _NAMES if header in headers)
    name = next(named, 0 if headers[0] == "ALIAS" else None)
    words = [max(cells(word) for cell in column for word in cell.split(" ")) for column in columns]
    floors = [min(word, _PLENTY) if header in _PROSE else word for header, word in zip(headers, words, strict=True)]
    if name is not None:
        floors[name] = cells(headers[name])
    widths = _shrunk(natural, floors, _steps(headers, name), width)
    if widths is None:
        return [line for row in rows for line in _stacked(headers, row, width)]
    return [line for row in table for line in _wrapped(row, widths, headers, name)]


def cells(text: str) -> int:
    """Count the columns of a terminal that a text takes."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(c) else 1 + (east_asian_width(c) in "WF") for c in text)


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def _steps(headers: Sequence[str], name: int | None) -> list[tuple[set[int], int]]:
    """Return who gives space, in turn: the columns, and the width that each of them keeps."""
    everyone = set(range(len(headers)))
    names = everyone & {name}
    prose, short = ({index for index in everyone - names if headers[index] in kind} for kind in (_PROSE, _SHORT))
    steps = [(prose, _PLENTY), (names, _ENOUGH), (short, 0), (names, _LITTLE), (prose, 0), (everyone - names, 0)]
    return [*steps, (everyone, 0)]


def _shrunk(
    natural: Sequence[int], floors: Sequence[int], steps: Sequence[tuple[set[int], int]], width: int
) -> list[int] | None:
    """Make columns narrower until they fit, in each step the one with the most to give. None if they do not fit."""
    widths = list(natural)
    for columns, least in steps:
        while _total(widths) > width:
            slack = {index: widths[index] - max(floors[index], least) for index in columns}
            widest = max(slack, key=slack.__getitem__, default=None)
            if widest is None or slack[widest] <= 0:
                break
            widths[widest] -= 1
    return widths if _total(widths) <= width else None


def _wrapped(row: Sequence[str], widths: Sequence[int], headers: Sequence[str], name: int | None) -> list[str]:
    """Write one row. Behind a name that is wider than its column, it goes on in the next line."""
    lines, begun = list[str](), [[""] for _ in row]
    for index, (cell, width, header) in enumerate(zip(row, widths, headers, strict=True)):
        begun[index] = _broken(cell, width, breaks_words=header in _PROSE)
        if index == name and index < len(row) - 1 and cells(cell) > width:
            lines += _band(begun, widths)
            begun = [[""] for _ in row]
    return lines + _band(begun, widths)


def _band(columns: Sequence[Sequence[str]], widths: Sequence[int]) -> list[str]:
    return [_joined(line, widths) for line in zip_longest(*columns, fillvalue="")]


def _broken(text: str, width: int, *, breaks_words: bool) -> list[str]:
    """Break a text at spaces, into lines of at most `width` columns where words allow it."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if lines[-1] and cells(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
        while breaks_words and cells(lines[-1]) > width:
            end = lines[-1].rfind("/", 1, width) + 1 or width
            lines[-1:] = [lines[-1][:end], lines[-1][end:]]
    return lines


def _joined(row: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell + " " * (width - cells(cell)) for cell, width in zip(row, widths, strict=True))
    return (" " * GAP).join(padded).rstrip()


def _stacked(headers: Sequence[str], row: Sequence[str], width: int) -> list[str]:
    """Write one row as a list, for terminals that are too narrow for a table."""
    wide = max(map(cells, headers))
    lines = list[str]()
    for header, cell in zip(headers, row, strict=True):
        if cell:
            parts = _broken(cell, width - wide - GAP, breaks_words=False)
            lines += _band([[header], parts], [wide, 0])
    return [*lines, ""]
