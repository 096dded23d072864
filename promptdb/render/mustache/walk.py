"""Renders mustache nodes with values, within limits. Values are data: they are written, but never called."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from promptdb.domain.nearest import nearest
from promptdb.errors import TemplateError
from promptdb.render.mustache.parser import Node, Section, VariableTag, shortened
from promptdb.render.work import characters_left, require_work_left, spend, steps_left

MAX_ITEMS = 1_000_000
"""Items of all sections in one render."""

MAX_STEPS = 20_000_000
"""Tags and texts that sections may pass in one render, since even an empty tag costs time."""

MAX_OUTPUT = 100_000_000
"""Characters written in one render."""

_MISSING = object()
_NAMES_SHOWN = 8
_TYPES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (str, "a string"),
    (bool, "a boolean"),
    ((int, float), "a number"),
    ((list, tuple), "an array"),
)


def rendered(body: Iterable[Node], values: Mapping[str, Any]) -> str:
    """Render nodes.

    Raises:
        TemplateError: a value does not fit, or the render exceeds a limit.
    """
    require_work_left()
    run = _Run(steps_left(MAX_STEPS), characters_left(MAX_OUTPUT))
    try:
        _write(body, [values], run)
    except RecursionError as error:
        raise TemplateError("the sections are nested too deeply") from error
    finally:
        spend(run.items + run.steps, sum(map(len, run.pieces)))
    if sum(map(len, run.pieces)) > run.most_characters:
        raise TemplateError(*_too_long(run.most_characters))
    return "".join(run.pieces)


def _too_long(most: int) -> tuple[str, str]:
    return f"the text has more than {most:,} characters", "give shorter values, or fewer of them"


@dataclass(slots=True)
class _Run:
    """The text of one render so far, and its counts against the limits."""

    most_steps: int
    most_characters: int
    pieces: list[str] = field(default_factory=list)
    items: int = 0
    steps: int = 0
    converted: int = 0

    def walk_over(self, section: Section, items: int) -> None:
        self.items += items
        self.steps += items * len(section.body)
        if self.items > MAX_ITEMS or self.steps > self.most_steps:
            what = f"{MAX_ITEMS:,} items" if self.items > MAX_ITEMS else f"{self.most_steps:,} tags"
            message = f"the sections iterate over more than {what}, the last in {shortened(section.key)!r}"
            raise section.place.error(message, "give shorter lists, or nest fewer sections")

    def text_of(self, variable: VariableTag, value: Any) -> str:
        """Convert a value that is not text with `str`, and count the characters at once: a long list may repeat."""
        try:
            text = str(value)
        except (ValueError, TypeError, RecursionError) as error:
            message = f"the value of {shortened(variable.key)!r} cannot be converted to text: {error}"
            raise variable.place.error(message) from error
        self.converted += len(text)
        if self.converted > self.most_characters:
            raise variable.place.error(*_too_long(self.most_characters))
        return text


def _write(body: Iterable[Node], scopes: list[Any], run: _Run) -> None:
    """Write nodes. `scopes` has the values, and in a section each item around the nodes."""
    write = run.pieces.append
    for node in body:
        if isinstance(node, str):
            write(node)
        elif isinstance(node, VariableTag):
            value = _look_up(node.path, scopes)
            if type(value) is str:
                write(value)
            elif value is _MISSING:
                if len(scopes) == 1:
                    _require_optional(node, scopes[0])
            elif value is not None:
                write(run.text_of(node, value))
        elif isinstance(node, Section):
            _write_section(node, scopes, run)


def _write_section(section: Section, scopes: list[Any], run: _Run) -> None:
    value = _look_up(section.path, scopes)
    if value is _MISSING and not section.path:
        raise _no_item(section)
    try:
        truth = value is not _MISSING and bool(value)
    except (ValueError, TypeError) as error:  # from an array of a library such as numpy
        message = f"the value of {shortened(section.key)!r} is neither true nor false: {error}"
        raise section.place.error(message) from error
    if section.inverted:
        if not truth:
            _write(section.body, scopes, run)
    elif truth:
        items = value if isinstance(value, list | tuple) else (value,)
        run.walk_over(section, len(items))
        for item in items:
            scopes.append(item)
            _write(section.body, scopes, run)
            scopes.pop()


def _look_up(path: tuple[str, ...], scopes: list[Any]) -> Any:
    # The first name selects the scope of all others (mustache specification: dotted names, context precedence).
    if not path:
        return scopes[-1] if len(scopes) > 1 else _MISSING
    name = path[0]
    for scope in reversed(scopes):
        if isinstance(scope, dict | Mapping) and name in scope:
            value = scope[name]
            break
    else:
        return _MISSING
    for part in path[1:]:
        value = _child(value, part)
    return value


def _child(value: Any, part: str) -> Any:
    if value is None:  # everything in null is null: it has no names that could be misspelled
        return None
    if isinstance(value, Mapping):
        return value.get(part, _MISSING)
    if isinstance(value, list | tuple) and part.isascii() and part.isdigit() and len(part) < 10:
        return value[int(part)] if int(part) < len(value) else _MISSING
    return _MISSING


def _require_optional(variable: VariableTag, values: Mapping[str, Any]) -> None:
    """Raise an error for a missing value outside sections, unless the caller omitted the whole variable."""
    if not variable.path:
        raise _no_item(variable)
    if variable.path[0] not in values:
        return
    owner: Any = values
    for depth, part in enumerate(variable.path):
        value = _child(owner, part)
        if value is _MISSING:
            raise _lacks(variable, depth, owner)
        owner = value


def _lacks(variable: VariableTag, depth: int, owner: Any) -> TemplateError:
    """Describe a key whose first `depth` parts lead to `owner`, which lacks the next part."""
    before, part = ".".join(variable.path[:depth]), variable.path[depth]
    hint = f"inside {{{{#{shortened(before)}}}}} a name without a value is empty"
    if isinstance(owner, Mapping):
        names = [name for name in islice(owner, 1000) if isinstance(name, str)]
        if near := nearest(part, names):
            hint = f"did you mean {shortened(f'{before}.{near}')!r}?"
        more = f" and {len(owner) - _NAMES_SHOWN:,} more" if len(owner) > _NAMES_SHOWN else ""
        has = f"has {', '.join(map(_printable, names[:_NAMES_SHOWN]))}{more}" if owner else "is empty"
    else:
        kind = next((text for types, text in _TYPES if isinstance(owner, types)), f"of type {type(owner).__name__}")
        has = f"is {kind}" + (f" of {len(owner):,}" if isinstance(owner, list | tuple) else "")
    return variable.place.error(f"{shortened(variable.key)!r} has no value: {shortened(before)!r} {has}", hint)


def _no_item(tag: VariableTag | Section) -> TemplateError:
    return tag.place.error("'.' outside a section, where there is no item", "put it between {{#list}} and {{/list}}")


def _printable(name: str) -> str:
    return shortened(name) if name.isprintable() else repr(shortened(name))
