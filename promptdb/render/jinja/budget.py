"""Limits what one render of a jinja2 template may use: loop steps, and characters made and written.

The sandbox of jinja2 bounds only `range()`. Nested loops, `"x" * 10**9` or a filter such as `center` would otherwise stop the
application that renders the prompt.
"""

from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import Any

from promptdb.errors import TemplateError

MAX_STEPS = 1_000_000
"""Loop iterations and calls together."""

MAX_CHARACTERS = 100_000_000
"""Characters written; and as many that filters, operators and captures may make on the way."""

ITEM = 8
"""Characters that an item of a new list counts as: it takes about as much memory."""

MAX_DEPTH = 100
"""Of lists and objects in one another that a template makes or writes."""

_NODES_PER_STEP = 2
_READ_PER_STEP = 1_024
_TEXTS = (str, bytes)
_CONTAINERS = (list, tuple, set, frozenset, dict)


class Budget:
    """Counts down. Each method raises TemplateError before more is made than is left."""

    def __init__(self) -> None:
        self._steps = MAX_STEPS
        self._made = MAX_CHARACTERS

    def step(self, count: int = 1) -> None:
        self._steps -= count
        if self._steps < 0:
            message = f"the template takes more than {MAX_STEPS:,} loop steps and calls"
            raise TemplateError(message, "loop over fewer items")

    def make(self, characters: int) -> None:
        self._made -= characters
        if self._made < 0:
            raise _too_large()

    def items(self, values: Any, weight: int = 1) -> Any:
        """What a loop walks over: paid at once where its length is known, else item by item."""
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
        """`str(value)`, paid before it is made."""
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
        return value

    def built(self, value: Any) -> Any:
        """Pay for a container with all that is in it: ten lists that hold one another twice are a thousand."""
        if isinstance(value, _CONTAINERS):
            self._size(value)
        return self.kept(value)

    def searched(self, value: Any) -> Any:
        """Pay for looking through a value, or comparing it."""
        if isinstance(value, _TEXTS):
            self.step(len(value) // _READ_PER_STEP)
        elif isinstance(value, _CONTAINERS):
            self.step(len(value) // _NODES_PER_STEP)
        return value

    def need(self, *values: Any) -> None:
        """Pay for the texts of values that are about to be written into a new one."""
        for value in values:
            if isinstance(value, _TEXTS):
                self.make(len(value))
            elif isinstance(value, _CONTAINERS):
                self.make(self._size(value))

    def concat(self, chunks: Iterable[str]) -> str:
        """The text of a capture: a macro, a block, `{% set %}` or `{% filter %}`."""
        parts = chunks if isinstance(chunks, list) else list(chunks)
        self.make(sum(map(len, parts)))
        return "".join(parts)

    def write(self, chunks: Iterable[str]) -> str:
        """The text of the whole render."""
        left, parts = MAX_CHARACTERS, []
        for chunk in chunks:
            left -= len(chunk)
            if left < 0:
                raise _too_large()
            parts.append(chunk)
        return "".join(parts)

    def _size(self, value: Any) -> int:
        """About as many characters as the text of the value has. The walk is paid for, too."""
        walk = _Walk(self._made, self._steps * _NODES_PER_STEP)
        size = walk.size(value, frozenset())
        self.step(walk.nodes // _NODES_PER_STEP)
        return size


class _Walk:
    """Through a value and what it contains, for as long as there is something to pay with."""

    def __init__(self, characters: int, nodes: int) -> None:
        self._most_characters, self._most_nodes = characters, nodes
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
                raise _too_large()
        return total


def _too_large() -> TemplateError:
    message = f"the template makes more than {MAX_CHARACTERS:,} characters"
    return TemplateError(message, "loop over fewer items or make them shorter")


CURRENT: ContextVar[Budget] = ContextVar("budget")
"""That of the template which is compiled or rendered."""
