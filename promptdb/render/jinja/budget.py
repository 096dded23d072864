"""Limits on one render of a jinja2 template: loop steps, and characters made and written.

jinja2's sandbox limits `range()` alone. Nested loops, `"x" * 10**9` or a filter such as `center` could still use up the memory
and time of the application, which renders templates that it must not trust.
"""

from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import Any

from promptdb.errors import TemplateError
from promptdb.render.work import characters_left, steps_left

MAX_STEPS = 1_000_000
"""Loop iterations and calls together."""

MAX_CHARACTERS = 100_000_000
"""Characters written. Filters, operators and captures may make as many again."""

ITEM = 8
"""Characters that an item of a new list counts as, since it takes about as much memory."""

MAX_DEPTH = 100
"""Levels of lists and objects in a value that a template makes or writes."""

MAX_BITS = 4_096
"""Bits of a whole number that a template makes. Work with longer ones takes time that no step accounts for."""

_NODES_PER_STEP = 2
_READ_PER_STEP = 1_024
_TEXTS = (str, bytes)
_CONTAINERS = (list, tuple, set, frozenset, dict)


class Budget:
    """Counts down steps and characters. Each method raises TemplateError before a render exceeds its limit."""

    def __init__(self) -> None:
        self._most_steps, self._most_characters = steps_left(MAX_STEPS), characters_left(MAX_CHARACTERS)
        self._steps, self._made, self._unwritten = self._most_steps, self._most_characters, self._most_characters

    @property
    def spent(self) -> tuple[int, int]:
        """The steps that the render took, and the characters that it made and wrote."""
        return self._most_steps - self._steps, 2 * self._most_characters - self._made - self._unwritten

    def step(self, count: int = 1) -> None:
        self._steps -= count
        if self._steps < 0:
            message = f"the template takes more than {self._most_steps:,} loop steps and calls"
            raise TemplateError(message, "loop over fewer items")

    def make(self, characters: int) -> None:
        self._made -= characters
        if self._made < 0:
            raise _too_large(self._most_characters)

    def items(self, values: Any, weight: int = 1) -> Any:
        """Pay for the items of a loop: at once if their number is known, otherwise one by one."""
        try:
            self.step(len(values) * weight)
        except TypeError:
            return self._counted(values, weight)
        return values

    def _counted(self, values: Iterable[Any], weight: int) -> Iterator[Any]:
        for value in values:
            self.step(weight)
            yield value

    def text(self, value: Any) -> str:
        """Pay for `str(value)` before making it."""
        if isinstance(value, str):
            return value
        self.make(self._size(value))
        return str(value)

    def kept(self, value: Any) -> Any:
        """Pay for a new value that a template could keep."""
        if isinstance(value, _TEXTS):
            self.make(len(value))
        elif isinstance(value, _CONTAINERS):
            self.make(ITEM * len(value))
        elif isinstance(value, int) and value.bit_length() > MAX_BITS:
            raise too_long_a_number()
        return value

    def built(self, value: Any) -> Any:
        """Pay for a container and everything in it: ten lists that each hold the next twice have a thousand items."""
        if isinstance(value, _CONTAINERS):
            self._size(value)
        return self.kept(value)

    def searched(self, value: Any) -> Any:
        """Pay for a search through a value, or a comparison of it."""
        if isinstance(value, _TEXTS):
            self.step(len(value) // _READ_PER_STEP)
        elif isinstance(value, _CONTAINERS):
            self.step(len(value) // _NODES_PER_STEP)
        return value

    def need(self, *values: Any) -> None:
        """Pay for the texts of values before they become part of a new text."""
        for value in values:
            if isinstance(value, _TEXTS):
                self.make(len(value))
            elif isinstance(value, _CONTAINERS):
                self.make(self._size(value))

    def concat(self, chunks: Iterable[str]) -> str:
        """Join the text of a capture: a macro, a block, `{% set %}` or `{% filter %}`."""
        parts = chunks if isinstance(chunks, list) else list(chunks)
        self.make(sum(map(len, parts)))
        return "".join(parts)

    def write(self, chunks: Iterable[str]) -> str:
        """Join the text of the whole render."""
        parts = []
        for chunk in chunks:
            self._unwritten -= len(chunk)
            if self._unwritten < 0:
                raise _too_large(self._most_characters)
            parts.append(chunk)
        return "".join(parts)

    def _size(self, value: Any) -> int:
        """Estimate the characters in the text of a value, and pay for the walk through it."""
        walk = _Walk(self._made, self._steps * _NODES_PER_STEP, self._most_characters)
        size = walk.size(value, frozenset())
        self.step(walk.nodes // _NODES_PER_STEP)
        return size


class _Walk:
    """A walk through a value and its items, as far as the budget allows."""

    def __init__(self, characters: int, nodes: int, limit: int) -> None:
        self._most_characters, self._most_nodes, self._limit = characters, nodes, limit
        self.nodes = 0

    def size(self, value: Any, parents: frozenset[int]) -> int:
        self.nodes += 1
        if isinstance(value, _TEXTS):
            return len(value) + 2
        if not isinstance(value, _CONTAINERS) or id(value) in parents:
            return ITEM
        if len(parents) == MAX_DEPTH:
            raise TemplateError(f"a value is nested deeper than {MAX_DEPTH}", "flatten it")
        inner, total = parents | {id(value)}, 2
        for item in [part for pair in value.items() for part in pair] if isinstance(value, dict) else value:
            total += 2 + self.size(item, inner)
            if total > self._most_characters or self.nodes > self._most_nodes:
                raise _too_large(self._limit)
        return total


def too_long_a_number() -> TemplateError:
    return TemplateError(f"a whole number of more than {MAX_BITS:,} bits", "compute it in the application")


def _too_large(most: int) -> TemplateError:
    message = f"the template makes more than {most:,} characters"
    return TemplateError(message, "loop over fewer items or make them shorter")


CURRENT: ContextVar[Budget] = ContextVar("budget")
"""The budget of the template that is being compiled or rendered."""
