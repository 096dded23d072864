"""A YAML text before and after a change of its data, both as ruamel.yaml writes them, with their comments."""

import json
from collections.abc import Iterator
from difflib import SequenceMatcher
from io import StringIO
from statistics import mode
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedBase, CommentedMap, CommentedSeq
from ruamel.yaml.error import CommentMark, YAMLError
from ruamel.yaml.resolver import VersionedResolver
from ruamel.yaml.scalarstring import FoldedScalarString, LiteralScalarString, PlainScalarString, ScalarString
from ruamel.yaml.tokens import CommentToken

from promptdb.files.editing.json_edit import as_json
from promptdb.files.editing.scalars import scalar
from promptdb.files.findings import NoPlace
from promptdb.files.reading.yaml import compose


def before_and_after(text: str, old: Any, new: Any, *, blocks: bool) -> tuple[str, str]:
    """The text written anew, with the data it has and with the data it should have.

    Args:
        text: whose data is `old`.
        blocks: whether texts of several lines become literal blocks.

    Raises:
        NoPlace: the change is inside of what an alias stands for, or ruamel.yaml does not read the text.
    """
    writer = _writer(text)
    try:
        root = writer.load(text)
        if root is None:  # nothing but comments
            return text, text + _dumped(writer, _Change(text, blocks=blocks).written(new))
        before = _dumped(writer, root)
        _Change(text, blocks=blocks).update(root, old, new)
        return before, _dumped(writer, root)
    except YAMLError as error:
        raise NoPlace("ruamel.yaml does not read this file") from error


class _TextOnly(VersionedResolver):
    """Takes every scalar for text, so that numbers, dates and the like are written back as they are."""

    versioned_resolver: Any = {}  # noqa: RUF012


def _writer(text: str) -> YAML:
    """Indents as most of the text does."""
    writer = YAML()
    writer.Resolver = _TextOnly
    writer.preserve_quotes = True
    writer.width = 10**9
    writer.brace_single_entry_mapping_in_flow_sequence = True
    blocks = [(key.start_mark.column, value) for key, value in _blocks(compose(text))]
    mappings = [value.start_mark.column - column for column, value in blocks if isinstance(value, yaml.MappingNode)]
    lists = [
        (value.start_mark.column - column, value.value[0].start_mark.column - column)
        for column, value in blocks
        if isinstance(value, yaml.SequenceNode) and value.value[0].start_mark.line == value.start_mark.line
    ]
    writer.map_indent = max(mode(mappings or [2]), 2)
    writer.sequence_dash_offset, writer.sequence_indent = mode(lists or [(0, 2)])
    return writer


def _blocks(node: yaml.Node | None) -> Iterator[tuple[yaml.Node, yaml.CollectionNode]]:
    """The mappings and lists that stand below a key, with the key."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _blocks(item)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _blocks(value)
            if isinstance(value, yaml.CollectionNode) and not value.flow_style and not node.flow_style:
                yield key, value


def _dumped(writer: YAML, root: Any) -> str:
    stream = StringIO()
    writer.dump(root, stream)
    return stream.getvalue().removesuffix("...\n")


class _Change:
    """Makes the nodes of ruamel.yaml hold other data, and touches no more of them than it has to."""

    def __init__(self, text: str, *, blocks: bool) -> None:
        self._text, self._blocks = text, blocks

    def update(self, node: Any, old: Any, new: Any) -> None:
        if isinstance(new, dict):
            for key in old.keys() - new.keys():
                del node[key]
            for key, value in new.items():
                if key in old:
                    self._put(node, key, old[key], value)
                else:
                    node[scalar(key, blocks=False)] = self.written(value)
        else:
            self._update_list(node, old, new)

    def _update_list(self, node: CommentedSeq, old: list[Any], new: list[Any]) -> None:
        """From the end to the start, so that the indexes of what is still to do stay right."""
        matcher = SequenceMatcher(None, list(map(as_json, old)), list(map(as_json, new)), autojunk=False)
        for tag, i1, i2, j1, j2 in reversed(matcher.get_opcodes()):
            both = min(i2 - i1, j2 - j1)
            for index in reversed(range(i1 + both, i2)):
                del node[index]
            for index in range(both, j2 - j1):
                node.insert(i1 + index, self.written(new[j1 + index], node[max(i1 + index - 1, 0)] if node else None))
            for index in range(both if tag == "replace" else 0):
                self._put(node, i1 + index, old[i1 + index], new[j1 + index])

    def _put(self, owner: Any, key: Any, old: Any, new: Any) -> None:
        if as_json(old) == as_json(new):
            return
        node = owner[key]
        anchor = node.anchor.value if isinstance(node, CommentedBase | ScalarString) else None
        if anchor and f"*{anchor}" in self._text:
            raise NoPlace("an alias uses the same text in another place")
        if old and new and isinstance(old, dict | list) and type(old) is type(new):
            self.update(node, old, new)
        else:
            if node and isinstance(node, CommentedMap | CommentedSeq) and not node.fa.flow_style():
                owner.ca.items.pop(key, None)  # about its first item
            owner[key] = self.written(new, node)
            _move_comment(owner, key, was_block=_is_block(node), is_block=_is_block(owner[key]))

    def written(self, value: Any, like: Any = None) -> Any:
        """Nodes for JSON data, in the style of the one beside it or in whose place they stand."""
        if isinstance(value, str):
            return scalar(value, like, blocks=self._blocks)
        if not isinstance(value, dict | list):
            return PlainScalarString(json.dumps(value))
        node = CommentedMap() if isinstance(value, dict) else CommentedSeq()
        if isinstance(like, CommentedMap | CommentedSeq) and like.fa.flow_style():
            node.fa.set_flow_style()
        self.update(node, type(value)(), value)
        return node


def _is_block(node: Any) -> bool:
    return isinstance(node, LiteralScalarString | FoldedScalarString)


def _move_comment(owner: Any, key: Any, *, was_block: bool, is_block: bool) -> None:
    """ruamel.yaml keeps the comment behind a value, and what is below it, in one token, but in two if it is a block."""
    slots = owner.ca.items.get(key)
    if slots is None or was_block == is_block:
        return
    at = 2 if isinstance(owner, dict) else 0
    token = slots[at]
    if is_block:
        beside, _, below = (token.value if token else "").partition("\n")
        column = len(below) - len(below.lstrip(" "))
        slots[at] = CommentToken(below[column:], CommentMark(column)) if below else None
        slots[at + 1] = [f"  {beside}"] if beside else None
    else:
        beside = "".join(slots[at + 1] or ()).strip()
        below = " " * token.column + token.value if token else ""
        slots[at : at + 2] = [CommentToken(f"{beside}\n{below}", CommentMark(0)), None]
