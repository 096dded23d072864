"""Format `mustache`: sections, partials and dotted names over plain data. Nothing is called, and no HTML is escaped."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from promptdb.errors import IncludeError, TemplateError
from promptdb.render.engine import Includes
from promptdb.render.mustache_parser import MAX_NESTING, Node, Partial, Section, Variable, find_key, parse

HAS_INCLUDES = True
MAX_EXPANSION = 2_000_000
"""Characters that the fragments of one template may have in all, each counted as often as it is put in."""

_MISSING = object()


@dataclass(frozen=True, slots=True)
class MustacheTemplate:
    body: tuple[Node, ...]
    variables: tuple[str, ...]
    mentions: frozenset[str]

    def render(self, values: Mapping[str, Any]) -> str:
        output: list[str] = []
        try:
            _render(self.body, [values], output)
        except RecursionError as error:
            raise TemplateError("the sections are nested too deeply") from error
        except (ValueError, TypeError) as error:  # of a value that cannot be written as text
            raise TemplateError(f"a value does not fit: {error}") from error
        return "".join(output)


def compile_template(template: str, includes: Includes) -> MustacheTemplate:
    top, inner = dict[str, None](), dict[str, None]()
    try:
        body = _Expansion(includes).resolved(parse(template), ())
        _collect(body, top, inner)
    except RecursionError as error:
        raise TemplateError("the sections are nested too deeply") from error
    return MustacheTemplate(body, tuple(top), frozenset(inner) - frozenset(top))


def include_names(template: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_partials(parse(template))))


def find_name(template: str, name: str) -> tuple[int, int] | None:
    return find_key(template, name)


def _partials(nodes: Iterable[Node]) -> Iterable[str]:
    for node in nodes:
        if isinstance(node, Partial):
            yield node.name
        elif isinstance(node, Section):
            yield from _partials(node.body)


class _Expansion:
    """Puts the partials in, as long as the whole stays below a limit: ten fragments can name one another a million times."""

    def __init__(self, includes: Includes) -> None:
        self._includes = includes
        self._budget = MAX_EXPANSION

    def resolved(self, nodes: Iterable[Node], chain: tuple[str, ...]) -> tuple[Node, ...]:
        found: list[Node] = []
        for node in nodes:
            if isinstance(node, Section):
                found.append(Section(node.key, node.inverted, self.resolved(node.body, chain)))
            elif isinstance(node, Partial):
                found += self._fragment(node, chain)
            else:
                found.append(node)
        return tuple(found)

    def _fragment(self, partial: Partial, chain: tuple[str, ...]) -> tuple[Node, ...]:
        """A partial on a line of its own is indented like that line (mustache specification, partials)."""
        if partial.name not in self._includes:
            raise IncludeError(f"the partial {partial.name!r} does not exist")
        if partial.name in chain or len(chain) == MAX_NESTING:
            raise IncludeError(f"fragments include one another: {' -> '.join((*chain, partial.name))}")
        text = re.sub(r"(?m)^(?=.)", lambda _: partial.indentation, self._includes[partial.name])
        self._budget -= len(text)
        if self._budget < 0:
            raise IncludeError(f"the fragments make more than {MAX_EXPANSION:,} characters", "include fewer of them")
        try:
            nodes = parse(text)
        except TemplateError as error:
            raise TemplateError(
                f"{error.message}, in line {error.line} of the fragment {partial.name}", error.hint
            ) from error
        return self.resolved(nodes, (*chain, partial.name))


def _collect(body: Iterable[Node], top: dict[str, None], inner: dict[str, None]) -> None:
    """Names at the top level must be given; inside a section they may belong to the items it walks over."""
    for node in body:
        if isinstance(node, Variable | Section) and node.key != ".":
            top.setdefault(node.key.split(".")[0])
        if isinstance(node, Section):
            _collect(node.body, top if node.inverted else inner, inner)


def _render(body: Iterable[Node], scopes: list[Any], output: list[str]) -> None:
    for node in body:
        if isinstance(node, str):
            output.append(node)
        elif isinstance(node, Variable):
            value = _look_up(node.key, scopes)
            if value is not _MISSING and value is not None:
                output.append(str(value))
        elif isinstance(node, Section):
            _render_section(node, scopes, output)


def _render_section(section: Section, scopes: list[Any], output: list[str]) -> None:
    value = _look_up(section.key, scopes)
    truthy = value is not _MISSING and bool(value)
    if section.inverted:
        if not truthy:
            _render(section.body, scopes, output)
    elif truthy:
        for item in value if isinstance(value, list | tuple) else [value]:
            _render(section.body, [*scopes, item], output)


def _look_up(key: str, scopes: list[Any]) -> Any:
    """The first name decides the scope; the rest is looked up in it alone (dotted names, context precedence)."""
    if key == ".":
        return scopes[-1]
    first, *rest = key.split(".")
    value = next(
        (scope[first] for scope in reversed(scopes) if isinstance(scope, Mapping) and first in scope), _MISSING
    )
    for part in rest:
        value = _child(value, part)
    return value


def _child(value: Any, part: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(part, _MISSING)
    if isinstance(value, list | tuple) and part.isascii() and part.isdigit() and int(part) < len(value):
        return value[int(part)]
    return _MISSING
