"""Writes changed values into a JSON text, and keeps the rest of the text."""

import json
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from promptdb.domain.field_path import FieldPath
from promptdb.files.reading.json_nodes import compose_json
from promptdb.files.reading.yaml import node_at


def json_edited(text: str, old: Any, new: Any) -> str:
    """Change the data of a text from `old` to `new`, with the indentation and the escapes of the text."""
    root = compose_json(text)
    unit = re.search(r"\n([ \t]+)\S", text)
    written = partial(json.dumps, ensure_ascii=text.isascii() and "\\u" in text)
    for path, added, value in reversed(list(_changes((), old, new))):
        node, key = node_at(root, path), node_at(root, path, key=True)
        # The path comes from data that was read from these nodes.
        assert node is not None and key is not None  # noqa: PT018, S101
        start, end = node.start_mark.index, node.end_mark.index
        before = text[text.rfind("\n", 0, key.start_mark.index) + 1 : key.start_mark.index]
        margin = before[: len(before) - len(before.lstrip())]
        in_block, separator = "\n" in text[start:end], ""
        if added is not None:
            start, in_block = end, not before.strip()
            separator = f",\n{margin}{written(added)}: " if in_block else f", {written(added)}: "
        indented = written(value, indent=unit[1] if unit and in_block else None).replace("\n", f"\n{margin}")
        text = text[:start] + separator + indented + text[end:]
    return text


def as_json(value: Any) -> str:
    # Unlike ==, this distinguishes 1, true and 1.0.
    return json.dumps(value, sort_keys=True)


def _changes(path: FieldPath, old: Any, new: Any) -> Iterator[tuple[FieldPath, str | None, Any]]:
    """Yield paths with the value to write there, in the order of the text. With a key, the value goes behind the path."""
    if as_json(old) == as_json(new):
        return
    if old and isinstance(old, dict) and isinstance(new, dict) and old.keys() <= new.keys():
        for key in old:
            yield from _changes((*path, key), old[key], new[key])
        last = next(reversed(old))
        yield from (((*path, last), key, value) for key, value in new.items() if key not in old)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, item in enumerate(old):
            yield from _changes((*path, index), item, new[index])
    else:
        yield path, None, new
