"""Chooses the form of a text in YAML: plain where that reads back, a block for several lines, quotes otherwise."""

import re

from promptdb.files.editing.commented_yaml import Collection, Text
from promptdb.files.editing.yaml_text import (
    UNPRINTABLE,
    block_hints,
    fits_block,
    is_text_everywhere,
    quoted,
    quoted_lines,
)
from promptdb.files.findings import NoPlace
from promptdb.files.reading.yaml import reads_as_text

INDENT = 2
WIDTH = 120
"""The columns of a line. A text or a list in brackets that does not fit takes several lines."""

_MAX_KEY = 1000
"""Readers of YAML find a key within 1024 characters only."""

_MAX_BRACKETS = 10 * WIDTH
"""Longer ones are not tried on one line: deep ones would be tried again at each level."""

_LETTER = re.compile(r"[^\W\d_]")
_NOT_PLAIN = re.compile(r": | #|:\Z|\s\Z|[\t\n]")
_NOT_IN_FLOW = re.compile(r"[,\[\]{}:]")
_SPACE_BETWEEN_WORDS = re.compile(r"(?<=\S) (?=\S)")
_FOLDED_HEADER = re.compile(r">[-+]?[ \t]*(?:#.*)?")


def key_form(key: Text) -> str:
    """Write a key on one line. Raise NoPlace for a key that is too long."""
    form = _one_line(key, in_flow=True) or '""'
    if len(form) > _MAX_KEY:
        raise NoPlace("it has a very long key")
    return form


def flow_form(collection: Collection) -> str | None:
    """Write a collection in brackets on one line, or return None if the author gave it lines of its own."""
    if not collection.entries:
        return None if collection.tail else "[]" if collection.is_list else "{}"
    is_long = collection.end - collection.start > _MAX_BRACKETS
    if not (collection.is_flow and collection.is_on_one_line) or collection.tail or is_long:
        return None
    items = []
    for entry in collection.entries:
        value = flow_form(entry.value) if isinstance(entry.value, Collection) else _in_flow(entry.value)
        if value is None or entry.beside or any(entry.above):
            return None
        items.append(value if entry.key is None else f"{key_form(entry.key)}: {value}")
    return f"[{', '.join(items)}]" if collection.is_list else f"{{{', '.join(items)}}}"


def text_form(text: Text, column: int, start: int) -> list[str]:
    """Write a text behind a key or a dash at a column, where its first line begins at `start`.

    Folded text (`>`) keeps the lines that its author chose.
    """
    value, style, is_wrapped = text.value, text.style, "\n" in text.source
    if style == ">" and (folded := _folded_again(text, column)) is not None:
        return folded
    is_quoted = style in ("'", '"') and not is_wrapped
    one_line = _one_line(text)
    fits = start + len(one_line) <= WIDTH
    if "\n" in value:
        return _several_lines(value, column, is_short=fits and is_quoted and not _wants_block(value))
    if not fits_block(value):
        return [one_line]
    if style in ("|", ">"):
        return _literal(value, column)
    if fits or (one_line == value and not is_wrapped):
        return [one_line]
    return (_folded(value, column) if is_wrapped else None) or _literal(value, column)


def _one_line(text: Text, *, in_flow: bool = False) -> str:
    value = text.value
    if not text.style and "\n" not in value:
        return value
    if _is_plain(value, in_flow=in_flow):
        return value
    if UNPRINTABLE.search(value) or "\n" in value or "\t" in value:
        return f'"{quoted(value)}"'
    return f"'{value}'" if set(value) & set('"\\') and "'" not in value else f'"{quoted(value)}"'


def _in_flow(text: Text) -> str | None:
    value = text.value
    if _wants_block(value):
        return None
    return _one_line(text, in_flow=True) or "null"


def _wants_block(value: str) -> bool:
    """Check that a text has several lines which a block shows as they are. One with a space in front must state it."""
    return "\n" in value[:-1] and fits_block(value) and not value[0].isspace()


def _is_plain(value: str, *, in_flow: bool) -> bool:
    return (
        _LETTER.match(value) is not None
        and _NOT_PLAIN.search(value) is None
        and not (in_flow and _NOT_IN_FLOW.search(value))
        and UNPRINTABLE.search(value) is None
        and reads_as_text(value)
        and is_text_everywhere(value)
    )


def _several_lines(value: str, column: int, *, is_short: bool) -> list[str]:
    if fits_block(value) and not is_short:
        return _literal(value, column)
    if is_short or value.isspace():
        return [f'"{quoted(value)}"']
    first, *more = quoted_lines(value)
    return _indented([f'"{first}', *more[:-1], f'{more[-1]}"'] if more else [f'"{first}"'], column)


def _literal(value: str, column: int) -> list[str]:
    lines = value.removesuffix("\n").split("\n")
    return _indented([f"|{block_hints(value, INDENT)}", *lines], column)


def _folded(value: str, column: int) -> list[str] | None:
    """Break a text between words, so that it reads back as one line; None if there is no place for that."""
    lines = [""]
    for word in _SPACE_BETWEEN_WORDS.split(value):
        if lines[-1] and column + INDENT + len(lines[-1]) + 1 + len(word) > WIDTH:
            lines.append(word)
        else:
            lines[-1] += f" {word}" if lines[-1] else word
    if len(lines) == 1 or value[0].isspace():
        return None
    return _indented([">-", *lines], column)


def _folded_again(text: Text, column: int) -> list[str] | None:
    header, _, rest = text.source.partition("\n")
    lines = rest.removesuffix("\n").split("\n")
    first = next((line for line in lines if line.strip(" ")), None)
    # A block may state its indentation, which depends on that of the lines around it.
    if _FOLDED_HEADER.fullmatch(header) is None or first is None or not fits_block(text.value):
        return None
    indent = len(first) - len(first.lstrip(" "))
    lines = [line[indent:] for line in lines]
    chomping = block_hints(text.value.lstrip(), INDENT)
    while chomping != "+" and not lines[-1]:
        lines.pop()
    return _indented([f">{chomping}", *lines], column)


def _indented(lines: list[str], column: int) -> list[str]:
    margin = " " * (column + INDENT)
    return [lines[0], *(f"{margin}{line}" if line else "" for line in lines[1:])]
