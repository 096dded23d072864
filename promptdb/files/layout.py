"""How the nodes of a file lie in its text: where each starts and really ends, what contains it, how deep it is indented."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import yaml

from promptdb.files.document import Path
from promptdb.files.scalars import BLOCKS, Margin

_ANCHOR = re.compile(r"&[^\s,\[\]{}]+(?:[ \t]*(?:(?<=[ \t])#[^\n]*)?\n)*[ \t]*")
"""With the comments and line breaks that may follow it."""

_BLOCK_HEADER = re.compile(r"[|>][-+0-9]*")
INDENTATION = 2


class NoPlace(Exception):
    """The text cannot be told apart from others, or does not stand where it could be changed; says why."""


@dataclass(frozen=True)
class Spot:
    """A node with what leads to it: `parents` from the root on, and `key` if the last of them is a mapping."""

    node: yaml.Node
    parents: tuple[yaml.CollectionNode, ...]
    key: yaml.Node | None = None

    @property
    def is_flow(self) -> bool:
        return any(parent.flow_style for parent in self.parents)


class Layout:
    """The nodes of a YAML or JSON text with their places, which are counted in characters from its start."""

    def __init__(self, text: str, root: yaml.Node) -> None:
        self.text, self._root = text, root

    def spot(self, path: Path) -> Spot:
        """
        Raises:
            NoPlace: an anchor makes the value, or one around it, stand for several.
        """
        node, key, parents = self._root, None, list[yaml.CollectionNode]()
        for part in path:
            self._require_unshared(node)
            assert isinstance(node, yaml.CollectionNode)  # noqa: S101  the path is of data that was read from these nodes
            parents.append(node)
            if isinstance(node, yaml.MappingNode):
                key, node = next(pair for pair in node.value if pair[0].value == part)
            else:
                key, node = None, node.value[part]
        self._require_unshared(node)
        return Spot(node, tuple(parents), key)

    def start(self, node: yaml.Node) -> int:
        """Where a value starts, behind an anchor."""
        index: int = node.start_mark.index
        anchor = _ANCHOR.match(self.text, index) if self.text.startswith("&", index) else None
        return anchor.end() if anchor else index

    def end(self, node: yaml.Node) -> int:
        """Where the last character of a value has been, without comments and empty lines behind it.

        Raises:
            NoPlace: it ends with an alias.
        """
        self._require_unshared(node)
        if isinstance(node, yaml.ScalarNode) and node.style in BLOCKS:
            block = self.text[self.start(node) : node.end_mark.index]
            header = _BLOCK_HEADER.match(block)
            keeps = header is not None and "+" in header[0]
            bare = block.removesuffix("\n") if keeps else block.rstrip("\n")
            return self.start(node) + len(bare)
        if isinstance(node, yaml.CollectionNode) and not node.flow_style:
            last = node.value[-1]
            return self.end(last[1] if isinstance(node, yaml.MappingNode) else last)
        index: int = node.end_mark.index
        return index

    def line_end(self, offset: int) -> int:
        end = self.text.find("\n", offset)
        return len(self.text) if end < 0 else end

    def column(self, offset: int) -> int:
        return offset - (self.text.rfind("\n", 0, offset) + 1)

    def indentation(self, offset: int) -> str:
        """The blanks that the line of this offset begins with."""
        line = self.text[offset - self.column(offset) : self.line_end(offset)]
        return line[: len(line) - len(line.lstrip(" \t"))]

    def dash(self, items: yaml.SequenceNode, index: int) -> int:
        """Where the dash of an item of a block sequence stands.

        Raises:
            NoPlace: it cannot be found.
        """
        column = self.column(self.start(items))
        offset: int = items.value[index].start_mark.index
        while offset >= self.start(items):
            place = offset - self.column(offset) + column
            if self.text.startswith("-", place):
                return place
            offset -= self.column(offset) + 1
        raise NoPlace("its list is written in an unusual way")

    def margin(self, spot: Spot) -> Margin | None:
        """The columns for a block that takes the place of a value; None where no block can stand.

        A value that is a block already keeps its column; else it is indented as the mapping around it is.
        """
        if spot.is_flow or not spot.parents:
            return None
        if spot.key is None:
            column = self.column(self.start(spot.parents[-1]))
            return Margin(column, column + INDENTATION)
        column = self.column(spot.key.start_mark.index)
        return Margin(column, self._block_column(spot.node, column) or column + self._unit(spot, column))

    def _block_column(self, node: yaml.Node, parent: int) -> int | None:
        if not isinstance(node, yaml.ScalarNode) or node.style not in BLOCKS:
            return None
        header, *lines = self.text[self.start(node) : node.end_mark.index].split("\n")
        match = _BLOCK_HEADER.match(header)
        if match is not None and (digit := re.search(r"\d", match[0])):
            return parent + int(digit[0])
        return next((len(line) - len(line.lstrip(" ")) for line in lines if line.strip(" ")), None)

    def _unit(self, spot: Spot, column: int) -> int:
        if len(spot.parents) < 2 or not isinstance(spot.parents[-2], yaml.MappingNode):
            return INDENTATION
        outer = next(key for key, value in spot.parents[-2].value if value is spot.parents[-1])
        return max(column - self.column(outer.start_mark.index), INDENTATION)

    def _require_unshared(self, node: yaml.Node) -> None:
        if id(node) in self._shared:
            raise NoPlace("an alias uses the same text in another place")

    @cached_property
    def _shared(self) -> frozenset[int]:
        """Nodes that aliases lead to: their text is that of several values."""
        met, twice = set[int](), set[int]()
        pending = [self._root]
        while pending:
            node = pending.pop()
            if id(node) in met:
                twice.add(id(node))
            else:
                met.add(id(node))
                pending += _children(node)
        return frozenset(twice)


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        for pair in node.value:
            yield from pair
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value
