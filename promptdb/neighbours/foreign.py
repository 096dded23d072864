"""A prompt of another tool in the fields of a prompt file, and what it loses."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

_T = TypeVar("_T")
_KINDS = {str: "text", bool: "a boolean", int: "a number", float: "a number", list: "a list", dict: "an object"}

FORMATS = (
    *("csv", "dotprompt", "github-models", "jinja2", "langchain", "langfuse", "langsmith", "mlflow", "promptfoo"),
    "prompty",
)
"""The formats by the names of commands. They stand here so that help loads no parser; a test compares."""


@dataclass(frozen=True, slots=True)
class Loss:
    """A part of a prompt that is not carried over: its place there, and the reason."""

    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


class NotHeld(Exception):
    """A prompt that a file cannot hold, here or there, or a file that is not of the format. The message says why."""


@dataclass(frozen=True, slots=True)
class ForeignPrompt:
    """A prompt in the fields of a prompt file.

    Attributes:
        name: its name there, if the file says one; otherwise the file names it.
        fields: the fields, in the order in which people write them.
        losses: what is not carried over.
        cases: values to render with, by the name of a golden test.
    """

    name: str | None
    fields: dict[str, Any]
    losses: tuple[Loss, ...] = ()
    cases: Mapping[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unread:
    """One of several prompts in a file, which cannot be imported. The others can."""

    name: str | None
    reason: str


def read_each(makers: Iterable[tuple[str | None, Callable[[], ForeignPrompt]]]) -> list[ForeignPrompt | Unread]:
    """Make each prompt of a file, given its name there.

    Raises:
        NotHeld: the only one cannot be made.
    """
    made: list[ForeignPrompt | Unread] = []
    for name, make in makers:
        try:
            made.append(make())
        except NotHeld as error:
            made.append(Unread(name, str(error)))
    match made:
        case [Unread(reason=reason)]:
            raise NotHeld(reason)
    return made


class Fields:
    """Fields of another tool, taken one by one. The fields that are left in the end are lost."""

    def __init__(self, data: object, place: str = "") -> None:
        if not isinstance(data, dict):
            raise NotHeld(f"{place or 'the file'} has no fields")
        self._left = {str(name): value for name, value in data.items() if value is not None}
        self._place = place
        self.losses: list[Loss] = []

    def take(self, name: str, kind: type[_T] | tuple[type[_T], ...]) -> _T | None:
        """Take a field that must be of this kind. One of another kind is lost."""
        value = self._left.pop(name, None)
        if value is None or isinstance(value, kind):
            return value
        self.lose(name, f"{_KINDS.get(type(value), 'this')} is not expected here")
        return None

    def text(self, name: str) -> str | None:
        return self.take(name, str)

    def texts(self, name: str) -> list[str]:
        """Take a list of texts. One text is a list of one."""
        value = self._left.pop(name, None)
        values = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        found = [item for item in values if isinstance(item, str)]
        if value is not None and (len(found) != len(values) or not isinstance(value, str | list)):
            self.lose(name, "only texts are carried over")
        return found

    def lose(self, name: str, reason: str) -> None:
        self.losses.append(Loss(f"{self._place}.{name}" if self._place else name, reason))

    def drop(self, *names: str) -> None:
        """Leave out fields that say nothing about the prompt."""
        for name in names:
            self._left.pop(name, None)

    def drop_empty(self) -> None:
        """Leave out empty lists, fields without fields, and what is off."""
        self._left = {
            name: value for name, value in self._left.items() if value is not False and value != [] and value != {}
        }

    def rest(self, reason: str = "promptdb has no field for it") -> tuple[Loss, ...]:
        """Lose all fields that are left. Return everything that was lost."""
        for name in self._left:
            self.lose(name, reason)
        self._left.clear()
        return tuple(self.losses)


def compact(**fields: Any) -> dict[str, Any]:
    """Make fields of those that are set."""
    return {name: value for name, value in fields.items() if value not in (None, {}, [], "")}


def message(role: object, content: object, place: str) -> dict[str, Any]:
    """Make a message of a role and a text, or its content parts.

    Raises:
        NotHeld: it is not a message that a prompt file can hold.
    """
    roles = {"system": "system", "user": "human", "human": "human", "assistant": "ai", "ai": "ai", "model": "ai"}
    roles |= {"developer": "system", "tool": "tool"}
    known = roles.get(role.lower()) if isinstance(role, str) else None
    if known is None:
        raise NotHeld(f"{place}.role: {role!r:.60} is not a role")
    if not isinstance(content, str) and not (
        isinstance(content, list) and content and all(isinstance(part, dict) for part in content)
    ):
        raise NotHeld(f"{place}: a message needs a text or content parts")
    return {"role": known, "template": content}
