"""Where the parts of a JSON text stand, in nodes like those that `yaml_reader` makes of YAML: for messages and edits."""

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}:,]|[^\s\[\]{}:,"]+', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Token:
    text: str
    mark: yaml.Mark


def mark_at(line: int, column: int, index: int = 0) -> yaml.Mark:
    """All counted from 0, as PyYAML does; `index` in the whole text."""
    return yaml.Mark("", index, line, column, None, 0)


def json_tokens(text: str) -> Iterator[Token]:
    """Strings with their quotes, numbers and names, brackets and punctuation."""
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    for match in _TOKEN.finditer(text):
        line = bisect_right(starts, match.start()) - 1
        yield Token(match[0], mark_at(line, match.start() - starts[line], match.start()))


def compose_json(text: str) -> yaml.Node | None:
    """The nodes of a JSON text; of one that is not JSON, something like it."""
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
    return yaml.ScalarNode("scalar", _decoded(token.text), token.mark, _end(token), style='"')


def _end(token: Token) -> yaml.Mark:
    """No token that can stand in valid JSON has a line break in it."""
    length = len(token.text)
    return mark_at(token.mark.line, token.mark.column + length, token.mark.index + length)


def _add(parent: yaml.CollectionNode, keys: list[yaml.Node], node: yaml.Node) -> None:
    """`keys` holds the key of a mapping while its value is awaited."""
    if isinstance(parent, yaml.SequenceNode):
        parent.value.append(node)
    elif keys:
        parent.value.append((keys.pop(), node))
    else:
        keys.append(node)


def _decoded(text: str) -> str:
    try:
        return str(json.loads(text, strict=False)) if text.startswith('"') else text
    except ValueError:
        return text
