"""Arguments of MCP, which are texts, as values of the types that a contract asks for."""

import json
from collections.abc import Mapping
from typing import Any

from promptdb.domain.spec import Variable
from promptdb.errors import RenderError

MAX_VALUES = 100
"""The most values of one completion, as the protocol limits them."""

_EXAMPLES = {
    "integer": "3",
    "number": "0.5",
    "boolean": "true",
    "array": '["a", "b"]',
    "object": '{"key": "value"}',
    "messages": '[{"role": "user", "content": "Hello"}]',
}


def values_of(arguments: Mapping[str, str], contract: Mapping[str, Variable]) -> dict[str, Any]:
    """Read each argument as its variable's type: text as it is, anything else as JSON.

    Raises:
        RenderError: an argument is not JSON. The renderer decides if its value fits.
    """
    return {name: _value(name, text, contract.get(name)) for name, text in arguments.items()}


def _value(name: str, text: str, variable: Variable | None) -> Any:
    if variable is None or _is_text(variable):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        kind = variable.type or "JSON"
        raise RenderError(f"the argument {name!r} is not {kind}", f"write it as {_example(variable)}") from error


def _is_text(variable: Variable) -> bool:
    if variable.type is None:
        return variable.enum is None or all(isinstance(value, str) for value in variable.enum)
    return variable.type == "string"


def _example(variable: Variable) -> str:
    if variable.enum is not None:
        return json.dumps(variable.enum[0])
    return _EXAMPLES[variable.type or "object"]


def description_of(variable: Variable) -> str | None:
    """Describe an argument: its own words, then the type, the values and the default that a text field does not show."""
    facts = [] if variable.type in (None, "string") else [f"{variable.type}, such as {_example(variable)}"]
    if variable.enum is not None:
        facts.append(f"one of {', '.join(choices(variable))}")
    if not variable.required and variable.default is not None:
        facts.append(f"default: {_as_argument(variable.default)}")
    said = f"({'; '.join(facts)})" if facts else None
    return " ".join(part for part in (variable.description, said) if part) or None


def choices(variable: Variable, start: str = "") -> list[str]:
    """List the arguments that a variable with few values takes, of those that begin like this in either case."""
    values = variable.enum if variable.enum is not None else [True, False] if variable.type == "boolean" else []
    texts = [_as_argument(value) for value in values]
    return [text for text in texts if text.casefold().startswith(start.casefold())]


def _as_argument(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
