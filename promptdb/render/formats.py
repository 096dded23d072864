"""The interface of a template format, and the table of formats."""

from collections.abc import Collection, Mapping
from functools import cache
from importlib import import_module
from typing import Any, Protocol

from promptdb.domain.spec import TemplateFormat, Undefined

Includes = Mapping[str, str]
"""The text of each fragment, by the name that templates use."""

MAX_COST = 100_000
"""The cost of all templates of a prompt together, each with its fragments: about a second."""

MAX_INCLUDE_DEPTH = 20
"""Fragments that include one another."""


class CompiledTemplate(Protocol):
    """A template that parsed.

    `variables` are the names it needs, in the order of first use. It does without those in `optional`. `mentions` are names
    that may also come from inside a value, such as the fields of items in a mustache section.
    """

    @property
    def variables(self) -> tuple[str, ...]: ...

    @property
    def optional(self) -> frozenset[str]: ...

    @property
    def mentions(self) -> frozenset[str]: ...

    def render(self, values: Mapping[str, Any]) -> str:
        """Insert the values in one pass: the content of a value is never expanded.

        A name without a value is optional: it is empty, and false in conditions.

        Raises:
            TemplateError: a value does not fit where the template uses it.
        """


class Engine(Protocol):
    """One template format: a module of this package with these functions."""

    HAS_INCLUDES: bool
    """True if templates of this format can include fragments."""

    def compile_template(self, template: str, includes: Includes) -> CompiledTemplate:
        """Parse a template.

        Raises:
            TemplateError: it does not parse, or uses something that the format forbids.
        """

    def cost(self, template: str) -> int:
        """Estimate what it takes to compile a template. See `MAX_COST`."""

    def include_names(self, template: str) -> tuple[str, ...]:
        """Return the fragments that the template itself includes.

        Raises:
            TemplateError: it does not parse, or computes a name.
        """

    def find_names(self, template: str, names: Collection[str]) -> dict[str, tuple[int, int]]:
        """Find the first use of variables in a template that parses. Line and column count from 1."""


_MODULES: dict[TemplateFormat, str] = {
    "f-string": "promptdb.render.fstring",
    "jinja2": "promptdb.render.jinja.engine",
    "mustache": "promptdb.render.mustache.engine",
    "plain": "promptdb.render.plain",
}
_LENIENT_JINJA = "promptdb.render.jinja.lenient"


@cache
def engine(template_format: TemplateFormat, undefined: Undefined = "strict") -> Engine:
    """Import the engine of a format: jinja2 is loaded only for prompts that use it."""
    is_lenient = template_format == "jinja2" and undefined == "lenient"
    module: Engine = import_module(_LENIENT_JINJA if is_lenient else _MODULES[template_format])
    return module


def line_and_column(text: str, position: int) -> tuple[int, int]:
    """Convert an index in a text to a line and a column, counted from 1."""
    return text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position)
