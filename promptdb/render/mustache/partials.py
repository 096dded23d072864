"""Puts the partials of a mustache template in, so that what is rendered is one tree."""

import re
from collections.abc import Iterable

from promptdb.errors import IncludeError
from promptdb.render.engine import MAX_INCLUDE_DEPTH, Includes, include_chain
from promptdb.render.mustache.parser import MAX_NESTING, Node, Partial, Section, nested_too_deeply, parse

MAX_EXPANSION = 2_000_000
"""Characters that the fragments of one template may have in all, each counted as often as it is put in."""

_LINE_WITH_TEXT = re.compile(r"^(?=[^\r\n])", re.MULTILINE)


class Expansion:
    """Of one template. The whole stays below a limit: ten fragments can name one another a million times."""

    def __init__(self, includes: Includes) -> None:
        self._includes = includes
        self._budget = MAX_EXPANSION

    def expanded(self, nodes: Iterable[Node], chain: tuple[str, ...] = (), depth: int = 0) -> tuple[Node, ...]:
        """
        Args:
            nodes: what was parsed.
            chain: the fragments that led to it.
            depth: the number of sections around it.

        Raises:
            IncludeError: a fragment is missing or includes itself, or there are too many.
            TemplateError: a fragment does not parse, or its sections nest too deeply.
        """
        found: list[Node] = []
        for node in nodes:
            if isinstance(node, Section):
                if depth == MAX_NESTING:
                    raise nested_too_deeply(node.place)
                found.append(node.with_body(self.expanded(node.body, chain, depth + 1)))
            elif isinstance(node, Partial):
                found += self._fragment(node, chain, depth)
            else:
                found.append(node)
        return tuple(found)

    def _fragment(self, partial: Partial, chain: tuple[str, ...], depth: int) -> tuple[Node, ...]:
        """A partial on a line of its own is indented like that line (mustache specification, partials)."""
        name = partial.name
        if name not in self._includes:
            raise partial.place.error(f"the partial {name!r} does not exist", kind=IncludeError)
        if name in chain:
            message = f"fragments include one another: {include_chain((*chain, name))}"
            raise partial.place.error(message, "versions are frozen, so no fragment can include itself", IncludeError)
        if len(chain) == MAX_INCLUDE_DEPTH:
            message = f"fragments are nested deeper than {MAX_INCLUDE_DEPTH}: {include_chain((*chain, name))}"
            raise partial.place.error(message, "flatten them", IncludeError)
        text = _LINE_WITH_TEXT.sub(lambda _: partial.indentation, self._includes[name])
        self._budget -= len(text)
        if self._budget < 0:
            message = f"the fragments make more than {MAX_EXPANSION:,} characters"
            raise partial.place.error(message, "include fewer of them", IncludeError)
        return self.expanded(parse(text, name), (*chain, name), depth)
