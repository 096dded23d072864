"""Change the fields of a prompt file and leave every line that has no part in the change as it is."""

import codecs
import re
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import yaml

from promptdb.domain.field_path import FieldPath
from promptdb.domain.suffixes import TEXT_FORMATS
from promptdb.files.editing.json_edit import as_json, json_edited
from promptdb.files.editing.line_merge import merged
from promptdb.files.findings import NoPlace, Unreadable
from promptdb.files.reading.formats import decode, fields_span
from promptdb.files.reading.json import read_json
from promptdb.files.reading.yaml import compose, construct

_COMMENT = re.compile(r"(?:^|(?<=[ \t]))#[^\n]*", re.MULTILINE)


def with_value(suffix: str, data: bytes, path: FieldPath, value: Any) -> bytes:
    """The bytes of a file in which the value at `path`, which is there, is another one. See `edited`."""

    def change(fields: Any) -> None:
        for part in path[:-1]:
            fields = fields[part]
        fields[path[-1]] = value

    return edited(suffix, data, change)


def edited(suffix: str, data: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    """The bytes of a file whose fields are changed.

    Comments, quotes, order, indentation, line ends and a byte order mark stay. A text of several lines becomes a literal
    block where one can stand and hold it; a short one keeps its style, unless that would not read back as the same text.

    Args:
        suffix: with its dot, in lower case. One of a text prompt means that the fields are its front matter, which a file
            without any gets; others mean that the whole file is YAML, or for `.json` JSON.
        data: of a file that can be read.
        change: alters the fields, which are JSON data as the author wrote them, in place.

    Raises:
        NoPlace: an alias shares a text that changes with another place, or no way was found to write the change so that
            the file reads back as it should.
    """
    bom = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
    whole = data.removeprefix(bom).decode()
    newline = "\r\n" if whole.count("\r\n") * 2 > whole.count("\n") else "\n"
    head, ours, rest = _parts(suffix, whole)
    text = _with_lf(ours)
    old = _read(suffix, text) or {}
    new = deepcopy(old)
    change(new)
    if as_json(new) == as_json(old):
        return data
    if suffix in TEXT_FORMATS and not head:
        head, rest = f"---{newline}", f"---{newline}{rest}"
    try:
        read_json(as_json(new))
    except Unreadable as error:
        raise NoPlace("no prompt file can hold this text") from error
    reason = "the file is laid out in an unusual way"
    for before, after in _versions(suffix, text, old, new):
        for moves_comments in (True, False):
            parts = head, merged(before, ours, after, newline=newline, moves_comments=moves_comments), rest
            if _reads_as(suffix, parts, new):
                if suffix == ".json" or _takes_away(old, new) or not _comments(text) - _comments(_with_lf(parts[1])):
                    return bom + "".join(parts).encode()
                reason = "a comment would be lost"
    raise NoPlace(reason)


def _parts(suffix: str, text: str) -> tuple[str, str, str]:
    """The fields of a file with what stands before and behind them, fences included."""
    if suffix not in TEXT_FORMATS:
        return "", text, ""
    bare = _with_lf(text)
    lines = text.split("\n")
    start, end = (bare.count("\n", 0, offset) for offset in fields_span(suffix, bare))
    head, fields = ("".join(f"{line}\n" for line in part) for part in (lines[:start], lines[start:end]))
    return head, fields, text[len(head) + len(fields) :]


def _reads_as(suffix: str, parts: tuple[str, str, str], fields: Any) -> bool:
    """Whether the file holds these fields and the same text behind them."""
    try:
        _, found, rest = _parts(suffix, decode("".join(parts).encode()))
        return rest == _with_lf(parts[2]) and as_json(_read(suffix, found)) == as_json(fields)
    except Unreadable:
        return False


def _comments(text: str) -> Counter[str]:
    """What begins with `#` and is no part of a text."""
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    texts = []
    for node in _scalars(compose(text)):
        start, end = (starts[mark.line] + mark.column for mark in (node.start_mark, node.end_mark))
        is_block = node.style in ("|", ">")  # which may have a comment behind its indicator
        texts.append((text.find("\n", start) if is_block else start, end))
    found = _COMMENT.finditer(text)
    return Counter(match[0] for match in found if not any(start <= match.start() < end for start, end in texts))


def _scalars(node: yaml.Node | None) -> Iterator[yaml.ScalarNode]:
    if isinstance(node, yaml.ScalarNode):
        yield node
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _scalars(item)
    elif isinstance(node, yaml.MappingNode):
        for pair in node.value:
            for item in pair:
                yield from _scalars(item)


def _takes_away(old: Any, new: Any) -> bool:
    """Whether an item or a field is gone, with which comments may go."""
    if isinstance(old, dict) and isinstance(new, dict):
        return not old.keys() <= new.keys() or any(_takes_away(value, new[key]) for key, value in old.items())
    if isinstance(old, list) and isinstance(new, list):
        return len(new) < len(old) or any(map(_takes_away, old, new))
    return isinstance(old, dict | list)


def _with_lf(text: str) -> str:
    return text.replace("\r\n", "\n")


def _read(suffix: str, text: str) -> Any:
    if suffix == ".json":
        return read_json(text)
    root = compose(text)
    return construct(root) if root is not None else None


def _versions(suffix: str, text: str, old: Any, new: Any) -> Iterator[tuple[str, str]]:
    """The text before and after the change in one layout, the best first. Not all of them hold every text everywhere."""
    if suffix == ".json":
        yield text, json_edited(text, old, new)
        return
    from promptdb.files.editing.round_trip import before_and_after

    for blocks in (True, False):
        yield before_and_after(text, old, new, blocks=blocks)
