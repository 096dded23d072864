"""Lays out the entries of a YAML text: two spaces for each level, comments with their entries, fields in their order."""

import re
from collections.abc import Iterable

from promptdb.files.editing.commented_yaml import BLANK, Collection, Entry, Text
from promptdb.files.editing.field_order import below, ranks
from promptdb.files.editing.yaml_form import INDENT, WIDTH, flow_form, key_form, text_form

_FOR_EDITORS = re.compile(r"#\s*yaml-language-server\b")


def laid_out(root: Collection) -> str:
    """Write the entries of a whole file, which has at least one."""
    header = _cut_header(root)
    _sort(root, (), is_pinned=bool(root.entries[0].above))
    lines = _commented([], header, 0)
    lines += _block(root, 0)
    return "".join(f"{line}\n" for line in lines)


def _cut_header(root: Collection) -> list[str]:
    """Cut off the comments at the top that an empty line separates from the first entry, or that are for editors."""
    above = root.entries[0].above
    end = max((n for n, text in enumerate(above, 1) if text == BLANK or _FOR_EDITORS.match(text)), default=0)
    header, root.entries[0].above = above[:end], above[end:]
    return header if any(header) else []


def _sort(collection: Collection, path: tuple[str, ...], *, is_pinned: bool = False) -> None:
    """Bring known fields into their order. A comment above a pinned first entry may be about the whole file."""
    entries = collection.entries
    order = None if collection.is_list else ranks(path, [entry.key.value for entry in entries if entry.key])
    if order is not None and entries:
        start, first = int(is_pinned), entries[0]
        entries[start:] = [entries[n] for n in sorted(range(start, len(entries)), key=order.__getitem__)]
        # An empty line stays where it is if the entry below it becomes the first one.
        if entries[0] is not first and entries[0].above[:1] == [BLANK]:
            first.above.insert(0, entries[0].above.pop(0))
    for entry in entries:
        if isinstance(entry.value, Collection):
            _sort(entry.value, below(path, entry.key.value if entry.key else None))


def _block(collection: Collection, column: int) -> list[str]:
    lines = list[str]()
    for entry in collection.entries:
        above, own = _entry(entry, column)
        while not lines and above[:1] == [BLANK]:
            above.pop(0)
        lines = _commented(lines, above, column)
        lines += own
    return _commented(lines, collection.tail, column)


def _commented(lines: list[str], comments: Iterable[str], column: int) -> list[str]:
    """Add comments to lines, and at most one empty line at a place. A text may end with one, which belongs to it."""
    for comment in comments:
        if comment:
            lines.append(" " * column + comment)
        elif lines and lines[-1].strip():
            lines.append("")
    return lines


def _entry(entry: Entry, column: int) -> tuple[list[str], list[str]]:
    """Return the comments above an entry, and its lines."""
    lead = " " * column + ("-" if entry.key is None else f"{key_form(entry.key)}:")
    value, above, beside = entry.value, [*entry.above, *entry.beside[:-1]], entry.beside[-1:]
    if not isinstance(value, Collection):
        return _text(value, lead, column, above, beside)
    if not value.entries:
        return [*above, *value.tail], _with_beside([f"{lead} {'[]' if value.is_list else '{}'}"], beside)
    flow = flow_form(value)
    if flow is not None and len(lead) + 1 + len(flow) <= WIDTH:
        return above, _with_beside([f"{lead} {flow}"], beside)
    inner = _block(value, column + INDENT)
    if entry.key is not None:
        return above, [*_with_beside([lead], beside), *inner]
    # The first entry stands behind the dash, and so its comments stand above the dash.
    start = next(number for number, line in enumerate(inner) if line and not line.lstrip().startswith("#"))
    above += [*beside, *(line.strip() for line in inner[:start])]
    return above, [f"{lead} {inner[start][column + INDENT :]}", *inner[start + 1 :]]


def _text(text: Text, lead: str, column: int, above: list[str], beside: list[str]) -> tuple[list[str], list[str]]:
    first, *more = text_form(text, column, len(lead) + 1)
    if not (more and beside and first.startswith('"')):
        return above, _with_beside([f"{lead} {first}" if first else lead, *more], beside)
    # The end of quotes over several lines is far away.
    margin = " " * (column + INDENT)
    if lead.endswith("-"):
        return above + beside, [f"{lead} {first}", *more]
    return above, [f"{lead}  {beside[0]}", f"{margin}{first}", *more]


def _with_beside(lines: list[str], beside: list[str]) -> list[str]:
    if beside:
        lines[0] += f"  {beside[0]}"
    return lines
