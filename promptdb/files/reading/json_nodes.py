"""JSON text as nodes with positions, as PyYAML has them, so that messages and edits treat both languages alike."""

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import yaml

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}:,]|[^\s\[\]{}:,"]+', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Token:
    text: str
    mark: yaml.Mark


def mark_at(line: int, column: int, index: int = 0) -> yaml.Mark:
    """Make a mark. All numbers count from 0, and `index` counts in the whole text."""
    return yaml.Mark("", index, line, column, None, 0)


def json_tokens(text: str) -> Iterator[Token]:
    """Yield strings with their quotes, numbers, names, brackets and punctuation."""
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    for match in _TOKEN.finditer(text):
        line = bisect_right(starts, match.start()) - 1
        yield Token(match[0], mark_at(line, match.start() - starts[line], match.start()))


def compose_json(text: str) -> yaml.Node | None:
    """Parse a JSON text into nodes. Other text gives some nodes, too: messages about it need a place."""
    root: yaml.Node | None = None
    parents: list[tuple[yaml.CollectionNode, list[yaml.Node]]] = []
    for token in json_tokens(text):
        if token.text in ("]", "}"):
            if parents:
                parents.pop()[0].end_mark = _end(token)
            continue
        if token.text in (",", ":"):
            continue
        node = _node(token)
        if root is None:
            root = node
        elif parents:
            _add(*parents[-1], node)
        if isinstance(node, yaml.CollectionNode):
            parents.append((node, []))
    return root


def _node(token: Token) -> yaml.Node:
    if token.text == "{":
        return yaml.MappingNode("object", [], token.mark, flow_style=True)
    if token.text == "[":
        return yaml.SequenceNode("array", [], token.mark, flow_style=True)
    value = token.text
    # A token that is not a valid string stays as written.
    if value.startswith('"'):
        with suppress(ValueError):
            value = str(json.loads(value, strict=False))
    return yaml.ScalarNode("scalar", value, token.mark, _end(token), style='"')


def _end(token: Token) -> yaml.Mark:
    # A token of valid JSON has no line break.
    length = len(token.text)
    return mark_at(token.mark.line, token.mark.column + length, token.mark.index + length)


def _add(parent: yaml.CollectionNode, keys: list[yaml.Node], node: yaml.Node) -> None:
    # `keys` holds the key of a mapping until its value follows.
    if isinstance(parent, yaml.SequenceNode):
        parent.value.append(node)
    elif keys:
        parent.value.append((keys.pop(), node))
    else:
        keys.append(node)
