"""Format `mustache`: sections, partials and dotted names over plain data, without calls and without HTML escaping.

Follows the specification (https://github.com/mustache/spec), but is strict outside sections. There, `{{user.name}}` is an error
for a user without a name.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from promptdb.errors import TemplateError
from promptdb.render.formats import Includes, line_and_column
from promptdb.render.mustache.parser import Node, Partial, Section, VariableTag, parse, tags
from promptdb.render.mustache.partials import Expansion
from promptdb.render.mustache.walk import rendered

HAS_INCLUDES = True


@dataclass(frozen=True, slots=True)
class MustacheTemplate:
    body: tuple[Node, ...]
    variables: tuple[str, ...]
    mentions: frozenset[str]
    optional: frozenset[str] = frozenset()

    def render(self, values: Mapping[str, Any]) -> str:
        return rendered(self.body, values)


def compile_template(template: str, includes: Includes) -> MustacheTemplate:
    top, inner = dict[str, None](), dict[str, None]()
    try:
        body = Expansion(includes).expanded(parse(template))
        _collect(body, top, inner)
    except RecursionError as error:  # the caller has used up most of the stack
        raise TemplateError("the sections are nested too deeply") from error
    return MustacheTemplate(body, tuple(top), frozenset(inner) - frozenset(top))


def cost(template: str) -> int:  # noqa: ARG001
    return 0


def include_names(template: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_partials(parse(template))))


def find_names(template: str, names: Collection[str]) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for tag in tags(template, None):
        name = tag.key.split(".", 1)[0]
        if tag.sigil in ("", "&", "#", "^") and name in names and name not in found:
            found[name] = line_and_column(template, template.index(tag.key, tag.position))
    return found


def _partials(nodes: Iterable[Node]) -> Iterable[str]:
    for node in nodes:
        if isinstance(node, Partial):
            yield node.name
        elif isinstance(node, Section):
            yield from _partials(node.body)


def _collect(body: Iterable[Node], top: dict[str, None], inner: dict[str, None]) -> None:
    """Collect the names at the top level, which a caller must give, and the names inside sections."""
    for node in body:
        if isinstance(node, VariableTag | Section) and node.path:
            top.setdefault(node.path[0])
        if isinstance(node, Section):
            # Names in a section may belong to its items. An inverted section has no items.
            _collect(node.body, top if node.inverted else inner, inner)
