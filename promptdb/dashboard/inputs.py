"""Values for the variables of a prompt: as entries of a form, as JSON, and in the address of a page."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

from promptdb.domain.contract import value_problem
from promptdb.domain.file_rules import ROLE_SYNONYMS
from promptdb.domain.spec import Variable
from promptdb.errors import InvalidRef

MAX_IN_ADDRESS = 2_000
"""Characters of values that an address holds. Some programs cut longer addresses."""

MAX_SAFE_INTEGER = 2**53 - 1
"""The largest whole number that a browser keeps exactly."""

Kind = Literal["text", "choice", "integer", "json", "history"]
"""The field of a form for a variable. A number is written as JSON, since 3 and 3.0 render differently."""

_HALF = re.compile("[\ud800-\udfff]")
Values = Mapping[str, Any]
HISTORY_ROLES = ("human", "ai", "system")
"""The roles of messages that the form has. JSON takes all."""


class NotAValue(Exception):
    """An entry that is not a value. The message says why, on one line."""


def kind_of(variable: Variable) -> Kind:
    """Choose the field for a variable."""
    if variable.enum is not None or variable.type == "boolean":
        return "choice"
    kinds: dict[str | None, Kind] = {None: "text", "string": "text", "integer": "integer", "messages": "history"}
    return kinds.get(variable.type, "json")


def choices_of(variable: Variable) -> list[str]:
    """List the values of a choice as JSON."""
    return list(map(to_json, [True, False] if variable.enum is None else variable.enum))


def choice_label(variable: Variable, choice: str) -> str:
    """Name a choice for people: texts stand without quotes, unless other values could look the same."""
    only_texts = all(isinstance(value, str) for value in variable.enum or ())
    return str(from_json(choice)) if only_texts and variable.enum else choice


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """A row of a message history. A row without content is not a message."""

    role: str = HISTORY_ROLES[0]
    content: str = ""


Entry = str | int | list[HistoryEntry] | None
"""The state of a field. None or an empty text means that the value is not given."""


def entry_of(variable: Variable, value: Any) -> Entry:
    """Write a value as the entry of its field.

    Raises:
        NotAValue: the field cannot hold it.
    """
    match kind_of(variable), value:
        case "text", str() if value and _HALF.search(value) is None:
            return str(value)
        case "choice", _ if (found := to_json(value)) in choices_of(variable):
            return found
        case "integer", int() if not isinstance(value, bool) and abs(value) <= MAX_SAFE_INTEGER:
            return int(value)
        case "json", _:
            return to_json(value)
        case "history", list():
            return list(map(_history_entry, value))
    raise NotAValue("the form cannot show this value")


def value_of(variable: Variable, entry: Entry) -> tuple[Any, ...]:
    """Read the value in a field: one, or none if it is not given.

    Raises:
        NotAValue: the text is not JSON, or not of the type of the variable.
    """
    if isinstance(entry, list):
        messages = [{"role": row.role, "content": row.content} for row in entry if row.content]
        return (messages,) if messages or variable.required else ()
    if entry is None or entry == "":
        return ()
    if kind_of(variable) not in ("choice", "json"):
        return (entry,)
    value = from_json(str(entry))
    if (problem := value_problem(variable, value)) is not None:
        raise NotAValue(problem)
    return (value,)


_SAMPLES: Mapping[str | None, Any] = {
    None: "...",
    "string": "...",
    "integer": 0,
    "number": 0.0,
    "boolean": False,
    "array": [],
    "object": {},
    "messages": [],
}
"""A value of each type, for someone to replace."""


def sample_of(variable: Variable) -> Any:
    """Return a value that a variable takes: its default, the first that is allowed, or one of its type."""
    if variable.default is not None:
        return variable.default
    return variable.enum[0] if variable.enum else _SAMPLES[variable.type]


def values_in(text: str) -> dict[str, Any]:
    """Read values from one JSON object. No text means no values.

    Raises:
        NotAValue: it is not one.
    """
    value = from_json(text) if text.strip() else {}
    if not isinstance(value, dict):
        raise NotAValue("it is not a JSON object with the names of variables")
    return value


def from_json(text: str) -> Any:
    """Parse JSON.

    Raises:
        NotAValue: it is not JSON.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise NotAValue("it is nested too deeply") from None
    except ValueError as error:
        raise NotAValue(f"it is not JSON: {error}") from None


def to_json(value: Any, indent: int | None = None, separators: tuple[str, str] | None = None) -> str:
    """Write JSON. Half a surrogate pair, which no page can hold, stays escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, separators=separators)
    return text.encode(errors="backslashreplace").decode()


def in_address(values: Values) -> str | None:
    """Write values for an address, or return None if they are too long. An empty text stands for no values."""
    text = to_json(values, separators=(",", ":")) if values else ""
    return text if len(text) <= MAX_IN_ADDRESS else None


def from_address(text: str | None) -> dict[str, Any]:
    """Read the values in an address.

    Raises:
        InvalidRef: it has something else.
    """
    try:
        return values_in(text or "")
    except NotAValue as error:
        raise InvalidRef(f"the inputs in the address cannot be read: {error}", "remove 'inputs' from it") from None


def _history_entry(message: Any) -> HistoryEntry:
    match message:
        case {"role": str() as role, "content": str() as content} if (
            len(message) == 2 and content and _HALF.search(content) is None
        ):
            role = ROLE_SYNONYMS.get(role, role)
            if role in HISTORY_ROLES:
                return HistoryEntry(role, content)
    raise NotAValue("the form cannot show this message")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON number")
