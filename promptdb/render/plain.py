"""Format `plain`: the text is the prompt. For prompts full of literal braces."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from promptdb.render.formats import Includes

HAS_INCLUDES = False


@dataclass(frozen=True, slots=True)
class PlainTemplate:
    text: str
    variables: tuple[str, ...] = ()
    mentions: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()

    def render(self, values: Mapping[str, Any]) -> str:  # noqa: ARG002
        return self.text


def compile_template(template: str, includes: Includes) -> PlainTemplate:  # noqa: ARG001
    return PlainTemplate(template)


def cost(template: str) -> int:  # noqa: ARG001
    return 0


def include_names(template: str) -> tuple[str, ...]:  # noqa: ARG001
    return ()


def find_names(template: str, names: Collection[str]) -> dict[str, tuple[int, int]]:  # noqa: ARG001
    return {}
