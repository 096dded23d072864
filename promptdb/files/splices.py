"""The places of a text where a step changes it, and what goes there: several ways, the best first."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from promptdb.files.edit_steps import Delete, Insert, Replace, Step
from promptdb.files.layout import INDENTATION, Layout, Spot
from promptdb.files.scalars import BLOCKS, Margin, flow, forms

_COLON = re.compile(r"\s*:")
_COMMENT = re.compile(r"[ \t]+#[^\n]*")
_BLOCK_HEADER = re.compile(r"[|>][-+0-9]*((?:[ \t]+#[^\n]*)?)")


@dataclass(frozen=True)
class Splice:
    """`text` takes the place of what stands from `start` to `end`."""

    start: int
    end: int
    text: str

    def apply(self, text: str) -> str:
        return text[: self.start] + self.text + text[self.end :]


def splices(layout: Layout, step: Step, *, is_json: bool) -> Iterator[Splice]:
    """
    Raises:
        NoPlace: there is none, or one that other values share.
    """
    spot = layout.spot(step.path)
    node = spot.node
    match step:
        case Replace(value=value) if is_json:
            yield Splice(layout.start(node), layout.end(node), _json(layout, value))
        case Replace(value=str() as text) if isinstance(node, yaml.ScalarNode):
            yield from _texts(layout, spot, node, text)
        case Replace(value=value):
            yield from _replacements(layout, spot, value)
        case Insert() if isinstance(node, yaml.SequenceNode):
            yield from _insertions(layout, node, step, is_json=is_json)
        case Delete() if isinstance(node, yaml.SequenceNode):
            yield from _deletions(layout, node, step)


def _texts(layout: Layout, spot: Spot, node: yaml.ScalarNode, text: str) -> Iterator[Splice]:
    start, end = layout.start(node), layout.end(node)
    header = _BLOCK_HEADER.match(layout.text, start) if node.style in BLOCKS else None
    for form in forms(text, node.style, layout.margin(spot)):
        first, *rest = form.split("\n")
        stop, comment = end, header[1] if header else ""
        if rest and not header and (behind := _COMMENT.match(layout.text, end)):
            stop, comment = behind.end(), behind[0]
        tail = layout.text[stop:]
        if rest and "+" in first:  # empty lines behind it would belong to it
            stop += len(tail) - len(tail.lstrip("\n"))
            rest += [""] if tail.startswith("\n") or not tail else []
        elif rest and not tail and "-" not in first:
            rest.append("")  # its last line break is that of the file
        yield Splice(start, stop, "\n".join([first + comment, *rest]))


def _replacements(layout: Layout, spot: Spot, value: Any) -> Iterator[Splice]:
    """On one line, behind the key where there is one: a block that it replaces may have stood where nothing else can."""
    start, end = layout.start(spot.node), layout.end(spot.node)
    before = layout.text[spot.key.end_mark.index : start] if spot.key else ""
    if "\n" in before and (colon := _COLON.match(before)):
        comments = before[colon.end() :].rstrip()
        yield Splice(start - len(before), end, f"{colon[0]} {flow(value)}{comments}")
    yield Splice(start, end, flow(value))


def _insertions(layout: Layout, items: yaml.SequenceNode, step: Insert, *, is_json: bool) -> Iterator[Splice]:
    beside = items.value[max(step.index - 1, 0)]
    place = layout.end(beside) if step.index else layout.start(beside)
    if items.flow_style:
        gap = layout.indentation(layout.start(beside))
        comma = f",\n{gap}" if layout.column(layout.start(beside)) == len(gap) else ", "
        for item in [_json(layout, step.value, beside)] if is_json else _items(step.value, beside, None):
            yield Splice(place, place, comma + item if step.index else item + comma)
        return
    dash = layout.dash(items, 0)
    margin = " " * layout.column(dash)
    gap = " " * max(layout.column(layout.start(beside)) - len(margin) - 1, 1) if _is_block(beside) else " "
    for item in _items(step.value, beside, len(margin) + 1 + len(gap)):
        if step.index:
            end = layout.line_end(place)
            yield Splice(end, end, f"\n{margin}-{gap}{item}")
        else:
            yield Splice(dash, dash, f"-{gap}{item}\n{margin}")


def _items(value: Any, beside: yaml.Node, column: int | None) -> Iterator[str]:
    """An item in the manner of the one beside it, else on one line; `column` is where it starts, None inside `[]`."""
    if isinstance(value, dict) and isinstance(beside, yaml.MappingNode):
        styles = {key.value: node.style for key, node in beside.value if isinstance(node, yaml.ScalarNode)}
        margin = Margin(column, column + INDENTATION) if column is not None and _is_block(beside) else None
        fields = [
            f"{next(forms(key, None, None))}: {_text(item, styles.get(key), margin)}" for key, item in value.items()
        ]
        yield "{" + ", ".join(fields) + "}" if margin is None else f"\n{' ' * margin.parent}".join(fields)
    yield flow(value)


def _text(value: Any, style: str | None, margin: Margin | None) -> str:
    if not isinstance(value, str):
        return flow(value)
    return next(forms(value, None if style in BLOCKS else style, margin))


def _is_block(node: yaml.Node) -> bool:
    return isinstance(node, yaml.CollectionNode) and not node.flow_style


def _deletions(layout: Layout, items: yaml.SequenceNode, step: Delete) -> Iterator[Splice]:
    behind = step.index + step.count
    last = layout.end(items.value[behind - 1])
    before = layout.end(items.value[step.index - 1]) if step.index else None
    if items.flow_style and before is not None:
        yield Splice(before, last, "")
    elif items.flow_style:
        yield Splice(layout.start(items.value[0]), layout.start(items.value[behind]), "")
    elif before is not None:
        yield Splice(layout.line_end(before), layout.line_end(last), "")
    else:
        dash = layout.dash(items, 0)
        line = dash - layout.column(dash)
        if not layout.text[line:dash].strip():  # what stands above the next item stays
            yield Splice(line, layout.line_end(last) + 1, "")
        yield Splice(dash, layout.dash(items, behind), "")


def _json(layout: Layout, value: Any, beside: yaml.Node | None = None) -> str:
    """With the indentation of a value beside it, and with escapes for what is not ASCII where the file has them."""
    escaped = layout.text.isascii() and "\\u" in layout.text
    indent, outer = None, ""
    if isinstance(beside, yaml.CollectionNode) and beside.value:
        child = beside.value[0][0] if isinstance(beside, yaml.MappingNode) else beside.value[0]
        outer = layout.indentation(beside.start_mark.index)
        inner = layout.indentation(child.start_mark.index)
        indent = inner.removeprefix(outer) if child.start_mark.line > beside.start_mark.line else None
    return json.dumps(value, ensure_ascii=escaped, indent=indent).replace("\n", "\n" + outer)
