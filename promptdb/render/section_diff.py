"""A unified diff of two prompts, text by text. Each hunk names the message or the field that it is in."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from promptdb.render.sequence_diff import Change, changes, equal_blocks

CONTEXT = 3


@dataclass(frozen=True, slots=True)
class Section:
    """One text of a prompt, or YAML of its other parts.

    `title` says where it is (`messages[0] system`). `key` is the same without the index, and pairs sections of two prompts.
    `is_field`: YAML that begins with the name of a field. `is_template`: the text as it is rendered, not YAML.
    `has_templates`: YAML of a message, whose texts are templates.
    """

    title: str
    key: str
    text: str
    is_field: bool = False
    is_template: bool = False
    has_templates: bool = False


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line of a unified diff: `@` starts a hunk, and `\\` is a note about the line before it."""

    sign: Literal["@", " ", "-", "+", "\\"]
    text: str

    def __str__(self) -> str:
        return f"{'' if self.sign == '@' else self.sign}{self.text}"


@dataclass(frozen=True, slots=True)
class ChangedText:
    """A section that two prompts do not have alike: all its lines in both, and the changes between them.

    Each line ends with chr(10), unless this is the difference. `old` is empty for a new section, and `new` for a removed one.
    """

    title: str
    is_field: bool
    old: Sequence[str]
    new: Sequence[str]
    changes: Sequence[Change]


def changed_texts(old: Sequence[Section], new: Sequence[Section]) -> Iterator[ChangedText]:
    """Yield the sections that differ, in order. Messages that moved without a change are left out."""
    for before, after in _pairs(old, new):
        one, other = before or after, after or before
        # One of the two is always a section.
        assert one is not None and other is not None  # noqa: PT018, S101
        ends = {section.text.endswith("\n") for section in (before, after) if section is not None}
        old_lines, new_lines = (_lines(section, ended=len(ends) == 1) for section in (before, after))
        if found := changes(old_lines, new_lines):
            yield ChangedText(other.title, other.is_field, old_lines, new_lines, found)


def section_diff(old: Sequence[Section], new: Sequence[Section]) -> Iterator[DiffLine]:
    """Yield the lines of a diff. Line numbers count in each section, so that those of a text file are almost its own."""
    for text in changed_texts(old, new):
        yield from unified(text)


def lines_of(text: str) -> list[str]:
    """Split a text after each chr(10), and at no other character."""
    return [*(f"{line}\n" for line in text.split("\n")[:-1]), *filter(None, [text.rpartition("\n")[2]])]


def _lines(section: Section | None, *, ended: bool) -> list[str]:
    """Return the lines of a section. If `ended`, the last one ends like the others, whether it does in the text or not."""
    lines = lines_of(section.text) if section is not None else []
    return [*lines[:-1], *(line.removesuffix("\n") + "\n" for line in lines[-1:])] if ended else lines


def _pairs(old: Sequence[Section], new: Sequence[Section]) -> Iterator[tuple[Section | None, Section | None]]:
    """Pair sections that differ, in order. Messages that moved without a change are left out."""
    for i1, i2, j1, j2 in changes([(s.key, s.text) for s in old], [(s.key, s.text) for s in new]):
        at, place = i1, j1
        keys = [section.key for section in old[i1:i2]], [section.key for section in new[j1:j2]]
        for i, j, size in [*equal_blocks(*keys), (i2 - i1, j2 - j1, 0)]:
            yield from ((section, None) for section in old[at : i1 + i])
            yield from ((None, section) for section in new[place : j1 + j])
            at, place = i1 + i + size, j1 + j + size
            yield from zip(old[i1 + i : at], new[j1 + j : place], strict=True)


def unified(text: ChangedText) -> Iterator[DiffLine]:
    """Yield the hunks of one section."""
    old, new = text.old, text.new
    for group in _groups(text.changes):
        (first, _, place, _), (_, last, _, place_end) = group[0], group[-1]
        before, after = min(CONTEXT, first), min(CONTEXT, len(old) - last)
        start, end = first - before, last + after
        ranges = f"-{_range(start, end - start)} +{_range(place - before, place_end + after - place + before)}"
        yield DiffLine("@", f"@@ {ranges} @@ {text.title}")
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
