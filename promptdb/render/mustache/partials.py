"""Replaces the partials of a mustache template by their nodes, so that a render walks one tree."""

import re
from collections.abc import Iterable
from dataclasses import replace

from promptdb.errors import IncludeError
from promptdb.render.formats import MAX_INCLUDE_DEPTH, Includes
from promptdb.render.mustache.parser import MAX_NESTING, Node, Partial, Section, nested_too_deeply, parse

MAX_EXPANSION = 500_000
"""Characters of all fragments of one template, each counted as often as it is put in."""

_LINE_WITH_TEXT = re.compile(r"^(?=[^\r\n])", re.MULTILINE)


class Expansion:
    """The expansion of one template, within a limit: ten fragments can include one another a million times."""

    def __init__(self, includes: Includes) -> None:
        self._includes = includes
        self._budget = MAX_EXPANSION

    def expanded(self, nodes: Iterable[Node], chain: tuple[str, ...] = (), depth: int = 0) -> tuple[Node, ...]:
        """Replace the partials among `nodes`. `chain` has the fragments, and `depth` the number of sections, around them.

        Raises:
            IncludeError: a fragment is missing or includes itself, or the fragments are too large.
            TemplateError: a fragment does not parse, or its sections are nested too deeply.
        """
        found: list[Node] = []
        for node in nodes:
            if isinstance(node, Section):
                if depth == MAX_NESTING:
                    raise nested_too_deeply(node.place)
                found.append(replace(node, body=self.expanded(node.body, chain, depth + 1)))
            elif isinstance(node, Partial):
                found += self._fragment(node, chain, depth)
            else:
                found.append(node)
        return tuple(found)

    def _fragment(self, partial: Partial, chain: tuple[str, ...], depth: int) -> tuple[Node, ...]:
        name = partial.name
        if name not in self._includes:
            raise partial.place.error(f"the partial {name!r} does not exist", kind=IncludeError)
        way = " -> ".join((*chain, name))
        if name in chain:
            message = f"fragments include one another: {way}"
            raise partial.place.error(message, "versions are frozen, so no fragment can include itself", IncludeError)
        if len(chain) == MAX_INCLUDE_DEPTH:
            message = f"fragments are nested deeper than {MAX_INCLUDE_DEPTH}: {way}"
            raise partial.place.error(message, "flatten them", IncludeError)
        # A partial alone on its line is indented like that line (mustache specification, partials).
        text = _LINE_WITH_TEXT.sub(lambda _: partial.indentation, self._includes[name])
        self._budget -= len(text)
        if self._budget < 0:
            message = f"the fragments have more than {MAX_EXPANSION:,} characters"
            raise partial.place.error(message, "include fewer of them", IncludeError)
        return self.expanded(parse(text, name), (*chain, name), depth)
