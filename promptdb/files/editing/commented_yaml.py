"""Reads a YAML text as entries with the comments that belong to them."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from promptdb.files.findings import NoPlace

_COMMENT = re.compile(r"(?:^|(?<=[ \t]))#[^\n]*", re.MULTILINE)
_BLOCK_HEADER = re.compile(r"[|>][-+0-9]*[ \t]*")
_PUNCTUATION = re.compile(r"[-\s?:,\[\]{}]*")
_ANCHORS = "it has anchors, aliases or tags"
BLANK = ""
"""An empty line among comments."""


@dataclass
class Text:
    """A scalar as written: its value, its style as PyYAML names it, and its source."""

    value: str
    style: str
    source: str
    start: int
    end: int


@dataclass
class Entry:
    """A pair of a mapping, or an item of a list. `above` has comments and empty lines, and `beside` comments on its line."""

    value: "Text | Collection"
    start: int
    line: int
    column: int
    key: Text | None = None
    above: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)


@dataclass
class Collection:
    """A mapping or list. `tail` has the comments behind its last entry. `column` is that of its entries, in blocks."""

    is_list: bool
    is_flow: bool
    is_on_one_line: bool
    column: int
    start: int
    end: int
    entries: list[Entry] = field(default_factory=list)
    tail: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Comment:
    """`is_alone` says that nothing but dashes stands before it on its line. `column` is that of the first dash, then."""

    text: str
    index: int
    line: int
    column: int
    is_alone: bool


def comments_in(text: str, root: yaml.Node | None) -> list[Comment]:
    """Find the comments of a YAML text, which are not those lines of its scalars that look like comments."""
    spans = sorted(_spans(text, root))
    starts = [start for start, _ in spans]
    line_starts = [0, *(match.end() for match in re.finditer("\n", text))]
    found, done = [], 0
    while (match := _COMMENT.search(text, done)) is not None:
        index = match.start()
        at = bisect_right(starts, index) - 1
        if at >= 0 and index < spans[at][1]:
            done = spans[at][1]
            continue
        done = match.end()
        line = bisect_right(line_starts, index) - 1
        before = text[line_starts[line] : index]
        # A comment behind a dash belongs to the item, as one above it does.
        is_alone = not before.strip(" \t-")
        column = len(before) - len(before.lstrip()) if before.strip() else len(before)
        found.append(Comment(match[0].rstrip(), index, line, column, is_alone))
    return found


def read_entries(text: str, root: yaml.CollectionNode) -> Collection:
    """Turn nodes into entries, each with its comments.

    Raises:
        NoPlace: the text has something else, such as anchors.
    """
    comments = comments_in(text, root)
    _refuse_others(text, root, comments)
    collection = _collection(text, root)
    lines = text.split("\n")
    _Places(collection).put_all(comments, lines)
    _mark_blank_lines(collection, lines)
    return collection


def _spans(text: str, root: yaml.Node | None) -> Iterator[tuple[int, int]]:
    nodes = [root] if root is not None else []
    seen = set[int]()
    while nodes:
        node = nodes.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.CollectionNode):
            nodes += [child for item in node.value for child in (item if isinstance(item, tuple) else (item,))]
            continue
        start, end = node.start_mark.index, node.end_mark.index
        if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
            # A comment may follow the indicator of a block.
            header = _BLOCK_HEADER.match(text, start)
            yield start, header.end() if header is not None else start
            start = text.find("\n", start, end)
            if start < 0:
                continue
        yield start, end


def _refuse_others(text: str, root: yaml.Node, comments: list[Comment]) -> None:
    """Raise NoPlace if a text has more than scalars, punctuation and comments."""
    spans = sorted([*_spans(text, root), *((c.index, c.index + len(c.text)) for c in comments)])
    done = 0
    for start, end in [*spans, (len(text), len(text))]:
        between = text[done:start]
        if _PUNCTUATION.fullmatch(between) is None:
            raise NoPlace(_ANCHORS if set(between) & set("&*!") else "it is laid out in an unusual way")
        done = max(done, end)


def _collection(text: str, node: yaml.CollectionNode) -> Collection:
    start, end = node.start_mark, node.end_mark
    _refuse_anchor(text, node)
    is_list = isinstance(node, yaml.SequenceNode)
    result = Collection(is_list, bool(node.flow_style), start.line == end.line, start.column, start.index, end.index)
    for item in node.value:
        key, value = (None, item) if is_list else item
        if key is not None and not isinstance(key, yaml.ScalarNode):
            raise NoPlace("it is laid out in an unusual way")
        mark = (value if key is None else key).start_mark
        name = None if key is None else _text(text, key)
        result.entries.append(Entry(_value(text, value), mark.index, mark.line, mark.column, name))
    return result


def _value(text: str, node: yaml.Node) -> Text | Collection:
    return _collection(text, node) if isinstance(node, yaml.CollectionNode) else _text(text, node)


def _text(text: str, node: yaml.Node) -> Text:
    style = node.style if isinstance(node, yaml.ScalarNode) else None
    start, end = node.start_mark.index, node.end_mark.index
    _refuse_anchor(text, node)
    return Text(node.value, style or "", text[start:end], start, end)


def _refuse_anchor(text: str, node: yaml.Node) -> None:
    # A node begins with its anchor or tag.
    if text.startswith(("&", "!"), node.start_mark.index):
        raise NoPlace(_ANCHORS)


class _Places:
    """Finds the entries to which comments belong."""

    def __init__(self, root: Collection) -> None:
        self._root = root
        # Comments at one place never change their order: after one of an outer entry, none goes back inside.
        self._place, self._level = -1, 0

    def put_all(self, comments: list[Comment], lines: list[str]) -> None:
        for comment in comments:
            if not comment.is_alone:
                self._put_beside(comment)
                continue
            is_below_blank = comment.line > 0 and not lines[comment.line - 1].strip()
            self._target(comment).extend([BLANK, comment.text] if is_below_blank else [comment.text])

    def _put_beside(self, comment: Comment) -> None:
        chain = _chain(self._root, comment.index)
        last = next((last for _, last, _ in reversed(chain) if last is not None), None)
        if last is None:
            first = self._root.entries[0].above if comment.index < self._root.end else self._root.tail
            first.append(comment.text)
        else:
            last.beside.append(comment.text)

    def _target(self, comment: Comment) -> list[str]:
        chain = _chain(self._root, comment.index)
        collection, last, following = chain[-1]
        if last is None and following is not None:
            return following.above
        if last is not None and last.value.start > comment.index:
            return (last.value.entries[0] if isinstance(last.value, Collection) else last).above
        if collection.is_flow and comment.index < collection.end:
            return following.above if following is not None else collection.tail
        level = max((n for n, (_, _, entry) in enumerate(chain) if entry is not None), default=0)
        inner = [
            n
            for n, (closing, _, _) in enumerate(chain)
            if n > level and chain[level][0].column < closing.column <= comment.column
        ]
        place = last.start if last is not None else -1
        if place == self._place:
            inner = [n for n in inner if n <= self._level]
        chosen = max(inner, default=level)
        self._place, self._level = place, chosen
        following = chain[level][2]
        return following.above if chosen == level and following is not None else chain[chosen][0].tail


def _chain(root: Collection, index: int) -> list[tuple[Collection, Entry | None, Entry | None]]:
    """List the collections on the way to an index, each with its last entry before and its first entry behind."""
    chain = list[tuple[Collection, Entry | None, Entry | None]]()
    value: Text | Collection = root
    while isinstance(value, Collection) and value.start <= index and not (value.is_flow and value.end <= index):
        number = bisect_right(value.entries, index, key=lambda entry: entry.start)
        last = value.entries[number - 1] if number else None
        chain.append((value, last, value.entries[number] if number < len(value.entries) else None))
        if last is None:
            break
        value = last.value
    return chain or [(root, None, root.entries[0] if root.entries and index < root.start else None)]


def _mark_blank_lines(collection: Collection, lines: list[str]) -> None:
    """Mark the entries that follow an empty line."""
    for entry in collection.entries:
        before = lines[entry.line][: entry.column].strip("- " if collection.is_list else " ")
        # A pair behind a dash shares the line with its item, which has the mark.
        if entry.line and not lines[entry.line - 1].strip() and not before:
            entry.above.append(BLANK)
        if isinstance(entry.value, Collection):
            _mark_blank_lines(entry.value, lines)
