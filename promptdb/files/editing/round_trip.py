"""Writes a YAML text before and after a change of its data, both with ruamel.yaml, which keeps comments."""

import json
from collections.abc import Iterator
from difflib import SequenceMatcher
from io import StringIO
from statistics import mode
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml import scalarstring as styles
from ruamel.yaml.comments import CommentedBase, CommentedMap, CommentedSeq
from ruamel.yaml.emitter import Emitter
from ruamel.yaml.error import CommentMark, YAMLError
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import RoundTripRepresenter
from ruamel.yaml.resolver import VersionedResolver
from ruamel.yaml.tokens import CommentToken

from promptdb.files.editing.json_edit import as_json
from promptdb.files.editing.yaml_text import block_hints, fits_block, is_text_everywhere, quoted, quoted_lines
from promptdb.files.findings import NoPlace
from promptdb.files.reading.yaml import compose, reads_as_text

_SHORT = 100
"""The most columns of a line of `[]` or `{}` that keeps a text of several lines on one line."""


def before_and_after(text: str, old: Any, new: Any, *, blocks: bool, indent: int | None = None) -> tuple[str, str]:
    """Write a text with its data, which is `old`, and with `new`. Raise NoPlace if an alias uses what changes.

    With `blocks`, texts of several lines become literal blocks. `indent` is the indentation that blocks state if they
    must; by default it is that of this writer.
    """
    writer = _writer(text)
    writer.Emitter = type("_IndentedEmitter", (_Emitter,), {"stated_indent": indent or writer.map_indent})
    try:
        root = writer.load(text)
        # A file of comments.
        if root is None:
            return text, text + _dumped(writer, _Change(text, blocks=blocks).written(new))
        before = _dumped(writer, root)
        _Change(text, blocks=blocks).update(root, old, new)
        return before, _dumped(writer, root)
    except YAMLError as error:
        raise NoPlace("ruamel.yaml does not read this file") from error


class _TextOnly(VersionedResolver):
    """Reads every scalar as text, so that numbers and dates are written back unchanged."""

    versioned_resolver: Any = {}  # noqa: RUF012


class _QuotedLines(styles.DoubleQuotedScalarString):
    """A text of several lines in quotes that keep the lines. The file's own texts keep the form that they have."""

    style = "lines"


def _represent_lines(representer: RoundTripRepresenter, text: _QuotedLines) -> ScalarNode:
    return representer.represent_scalar("tag:yaml.org,2002:str", text, text.style, text.yaml_anchor(any=True))


RoundTripRepresenter.add_representer(_QuotedLines, _represent_lines)


class _Emitter(Emitter):
    """Writes `_QuotedLines`, and states the indentation of blocks as all readers need it."""

    stated_indent: int

    def determine_block_hints(self, text: str) -> tuple[str, int, str]:
        hints = block_hints(text, self.stated_indent)
        return hints, 0, "+" if "+" in hints else ""

    def choose_scalar_style(self) -> str:
        if self.event.style != _QuotedLines.style:
            style: str = super().choose_scalar_style()
            return style
        is_short = self.flow_level and self.column + len(quoted(self.event.value)) < _SHORT
        return '"' if is_short or self.simple_key_context else _QuotedLines.style

    def write_plain(self, text: str, split: bool = True) -> None:  # noqa: FBT001, FBT002
        if self.style != _QuotedLines.style:
            super().write_plain(text, split)
            return
        lines = quoted_lines(text)
        self.write_indicator('"', need_whitespace=True)
        for number, line in enumerate(lines):
            if number:
                self.write_indent()
            self.write_indicator(line, need_whitespace=False)
        self.write_indicator('"', need_whitespace=False)


def _writer(text: str) -> YAML:
    """Make a writer that indents as most of the text does."""
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
    """Yield the mappings and lists in block style that are values, each with its key."""
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
    """A change of the data in the nodes of ruamel.yaml, which touches as few nodes as possible."""

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
                    node[_scalar(key, blocks=False)] = self.written(value)
        else:
            self._update_list(node, old, new)

    def _update_list(self, node: CommentedSeq, old: list[Any], new: list[Any]) -> None:
        matcher = SequenceMatcher(None, list(map(as_json, old)), list(map(as_json, new)), autojunk=False)
        # Reversed, so that the indexes of earlier changes stay right.
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
        anchor = node.anchor.value if isinstance(node, CommentedBase | styles.ScalarString) else None
        if anchor and f"*{anchor}" in self._text:
            raise NoPlace("an alias uses the same text in another place")
        if old and new and isinstance(old, dict | list) and type(old) is type(new):
            self.update(node, old, new)
        else:
            if node and isinstance(node, CommentedMap | CommentedSeq) and not node.fa.flow_style():
                # ruamel.yaml keeps the comment of the first item here, and that item goes.
                owner.ca.items.pop(key, None)
            owner[key] = self.written(new, node)
            _move_comment(owner, key, was_block=_is_block(node), is_block=_is_block(owner[key]))

    def written(self, value: Any, like: Any = None) -> Any:
        """Make nodes for JSON data, in the style of the node that they replace or that is beside them."""
        if isinstance(value, str):
            return _scalar(value, like, blocks=self._blocks)
        if not isinstance(value, dict | list):
            return styles.PlainScalarString(json.dumps(value))
        node = CommentedMap() if isinstance(value, dict) else CommentedSeq()
        if isinstance(like, CommentedMap | CommentedSeq) and like.fa.flow_style():
            node.fa.set_flow_style()
        self.update(node, type(value)(), value)
        return node


def _is_block(node: Any) -> bool:
    return isinstance(node, styles.LiteralScalarString | styles.FoldedScalarString)


def _move_comment(owner: Any, key: Any, *, was_block: bool, is_block: bool) -> None:
    # ruamel.yaml keeps the comment beside a value and those below it in one token, but for a block in two.
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


def _scalar(text: str, like: Any = None, *, blocks: bool = True) -> styles.ScalarString:
    """Make a node for a text, with style and anchor of the node that it replaces. Several lines become a literal block.

    Without `blocks` they get double quotes, which can hold any text, anywhere.
    """
    style = getattr(like, "style", '"' if like is None and "\n" in text else "")
    anchor = like.anchor.value if isinstance(like, styles.ScalarString) else None
    written: styles.ScalarString = _kind(text, style, blocks=blocks)(text, anchor=anchor)
    return written


def _kind(text: str, style: str, *, blocks: bool) -> type[styles.ScalarString]:
    if "\n" in text[:-1] and not text.isspace() and not (blocks and fits_block(text)):
        return _QuotedLines
    if not fits_block(text):
        return styles.DoubleQuotedScalarString
    if blocks and ("\n" in text[:-1] or style in ("|", ">") or ("\n" in text and style != '"')):
        return styles.LiteralScalarString
    if style == '"' or "\n" in text or "\t" in text:
        return styles.DoubleQuotedScalarString
    if style == "'":
        return styles.SingleQuotedScalarString
    return styles.PlainScalarString if _is_plain(text) else styles.DoubleQuotedScalarString


def _is_plain(text: str) -> bool:
    # Inside [] and {}, the characters ?:- open a key, a value or an item.
    is_bare = text == text.strip() and text[0] not in "?:-"
    return is_bare and reads_as_text(text) and is_text_everywhere(text)
