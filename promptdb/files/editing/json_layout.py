"""Lays out a JSON text: two spaces for each level, fields in their order, and every text and number as it is written."""

import yaml

from promptdb.files.editing.field_order import below, ranks
from promptdb.files.reading.json import read_json
from promptdb.files.reading.json_nodes import compose_json

_INDENT = "  "


def json_laid_out(text: str) -> str:
    """Lay out a text. Raise Unreadable if it is not JSON."""
    read_json(text)
    root = compose_json(text)
    return text if root is None else f"{_written(text, root, (), '')}\n"


def _written(text: str, node: yaml.Node, path: tuple[str, ...], margin: str) -> str:
    if not isinstance(node, yaml.CollectionNode):
        return text[node.start_mark.index : node.end_mark.index]
    deeper = margin + _INDENT
    if isinstance(node, yaml.SequenceNode):
        items, brackets = [_written(text, item, below(path, None), deeper) for item in node.value], "[]"
    else:
        order = ranks(path, [key.value for key, _ in node.value])
        numbers = range(len(node.value))
        pairs = [node.value[n] for n in (numbers if order is None else sorted(numbers, key=order.__getitem__))]
        items, brackets = [_pair(text, key, value, path, deeper) for key, value in pairs], "{}"
    if not items:
        return brackets
    return f"{brackets[0]}\n{deeper}" + f",\n{deeper}".join(items) + f"\n{margin}{brackets[1]}"


def _pair(text: str, key: yaml.Node, value: yaml.Node, path: tuple[str, ...], margin: str) -> str:
    return f"{_written(text, key, path, margin)}: {_written(text, value, below(path, key.value), margin)}"
