"""What every template format must be able to do, and the table of those there are."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Any, Protocol

from promptdb.domain.spec import TemplateFormat

Includes = Mapping[str, str]
"""The text of each fragment by the name that templates use."""

NO_INCLUDES: Includes = {}

MAX_INCLUDE_DEPTH = 20
"""Fragments in one another."""


class CompiledTemplate(Protocol):
    """A template that parsed.

    `variables` are the names it needs, in the order of their first use; `mentions` are names it may use but that can also
    come from inside a value, such as the fields of the items a mustache section walks over.
    """

    @property
    def variables(self) -> tuple[str, ...]: ...

    @property
    def mentions(self) -> frozenset[str]: ...

    def render(self, values: Mapping[str, Any]) -> str:
        """Put the values in, in one pass: what a value contains is never expanded.

        A name without a value is an optional one: it is empty, and false in conditions.

        Raises:
            TemplateError: a value does not fit where the template uses it.
        """
        ...


class Engine(Protocol):
    """One template format. Modules of this package implement it with plain functions."""

    HAS_INCLUDES: bool
    """Whether templates of this format can name fragments."""

    def compile_template(self, template: str, includes: Includes) -> CompiledTemplate:
        """Parse a template.

        Raises:
            TemplateError: it does not parse, or uses what the format does not allow.
        """
        ...

    def include_names(self, template: str) -> tuple[str, ...]:
        """The fragments that the template names directly.

        Raises:
            TemplateError: it does not parse, or a name is not static.
        """
        ...

    def find_name(self, template: str, name: str) -> tuple[int, int] | None:
        """Line and column, counted from 1, where a template that parses first uses a variable; None if it does not."""
        ...


_MODULES: dict[TemplateFormat, str] = {
    "f-string": "promptdb.render.fstring",
    "jinja2": "promptdb.render.jinja.engine",
    "mustache": "promptdb.render.mustache.engine",
    "plain": "promptdb.render.plain",
}


@cache
def engine(template_format: TemplateFormat) -> Engine:
    """The engine of a format, imported when the first template of that format is met."""
    module: Engine = import_module(_MODULES[template_format])
    return module


def include_chain(names: Sequence[str]) -> str:
    """How one fragment led to another, for messages."""
    return " -> ".join(names)
