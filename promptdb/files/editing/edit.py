"""Changes the fields of a prompt file, and keeps every line that the change does not touch."""

import codecs
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from promptdb.domain.field_path import FieldPath
from promptdb.domain.suffixes import TEXT_FORMATS
from promptdb.files.editing.commented_yaml import comments_in
from promptdb.files.editing.json_edit import as_json, json_edited
from promptdb.files.editing.line_merge import merged
from promptdb.files.findings import NoPlace, Unreadable
from promptdb.files.reading.formats import decode, fields_span
from promptdb.files.reading.json import read_json
from promptdb.files.reading.yaml import compose, construct


def with_value(suffix: str, data: bytes, path: FieldPath, value: Any) -> bytes:
    """Replace the value at a path that exists in the file, as `edited` does."""

    def change(fields: Any) -> None:
        for part in path[:-1]:
            fields = fields[part]
        fields[path[-1]] = value

    return edited(suffix, data, change)


def edited(suffix: str, data: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    """Change the fields of a file, and return its bytes.

    Comments, quotes, order, indentation, line ends and a byte order mark stay. Text of several lines becomes a literal
    block where possible. Short text keeps its style, unless it would read back as something else.

    Args:
        suffix: in lower case. A text prompt without front matter gets one.
        data: content of a file that can be read.
        change: changes the fields in place. They are JSON data as the author wrote them.

    Raises:
        NoPlace: a text that changes is shared through an alias, or no layout reads back as it should.
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
    for before, after in _layouts(suffix, text, old, new):
        for moves_comments in (True, False):
            parts = head, merged(before, ours, after, newline=newline, moves_comments=moves_comments), rest
            if _reads_as(suffix, parts, new):
                # Comments may go along with a field or an item that is removed.
                if suffix == ".json" or _takes_away(old, new) or not _comments(text) - _comments(_with_lf(parts[1])):
                    return bom + "".join(parts).encode()
                reason = "a comment would be lost"
    raise NoPlace(reason)


def _parts(suffix: str, text: str) -> tuple[str, str, str]:
    """Split a file into its head, its fields and the rest. The fences belong to head and rest."""
    if suffix not in TEXT_FORMATS:
        return "", text, ""
    bare = _with_lf(text)
    lines = text.split("\n")
    start, end = (bare.count("\n", 0, offset) for offset in fields_span(suffix, bare))
    head, fields = ("".join(f"{line}\n" for line in part) for part in (lines[:start], lines[start:end]))
    return head, fields, text[len(head) + len(fields) :]


def _reads_as(suffix: str, parts: tuple[str, str, str], fields: Any) -> bool:
    try:
        _, found, rest = _parts(suffix, decode("".join(parts).encode()))
        return rest == _with_lf(parts[2]) and as_json(_read(suffix, found)) == as_json(fields)
    except Unreadable:
        return False


def _comments(text: str) -> Counter[str]:
    return Counter(comment.text for comment in comments_in(text, compose(text)))


def _takes_away(old: Any, new: Any) -> bool:
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


def _layouts(suffix: str, text: str, old: Any, new: Any) -> Iterator[tuple[str, str]]:
    """Yield the text before and after the change, the best layout first. Some layouts cannot hold every text."""
    if suffix == ".json":
        yield text, json_edited(text, old, new)
        return
    # Only edits of YAML pay for the import of ruamel.yaml.
    from promptdb.files.editing.round_trip import before_and_after

    yield (layout := before_and_after(text, old, new, blocks=True))
    # A file may be indented in several ways. Only blocks that state their indentation depend on it.
    if before_and_after(text, old, new, blocks=True, indent=9) != layout:
        yield from (before_and_after(text, old, new, blocks=True, indent=indent) for indent in range(1, 9))
    yield before_and_after(text, old, new, blocks=False)
