"""The typed contract of a prompt: which values a caller must or may give."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from promptdb.domain.spec import Placeholder, PromptSpec, Variable, VariableType

_MESSAGES = Variable(type="messages")
_OPTIONAL_MESSAGES = Variable(type="messages", required=False)

_HAS_TYPE: dict[VariableType, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list | tuple),
    "object": lambda value: isinstance(value, Mapping),
    "messages": lambda value: isinstance(value, list | tuple),
}


def placeholders(spec: PromptSpec) -> Iterator[tuple[int, Placeholder]]:
    """Each placeholder of a chat with its index in `messages`."""
    for index, item in enumerate(spec.messages or ()):
        if isinstance(item, Placeholder):
            yield index, item


def contract(spec: PromptSpec, used: Mapping[str, object]) -> dict[str, Variable]:
    """Name -> variable: the declared ones, else those that the templates use; and always the placeholders.

    `used` holds the names that the templates need, in order of use. A name with a stored partial value is optional.
    """
    variables = dict(spec.variables) if spec.variables is not None else {name: Variable() for name in used}
    for name in spec.partial_variables:
        declared = variables.get(name, Variable())
        variables[name] = declared.model_copy(update={"required": False})
    for _, item in placeholders(spec):
        inferred = _OPTIONAL_MESSAGES if item.optional else _MESSAGES
        if spec.variables is None or item.variable_name not in spec.variables:
            variables[item.variable_name] = inferred
    return variables


def value_problem(variable: Variable, value: Any) -> str | None:
    """Why a value does not fit, or None where it does."""
    if variable.type is not None and not _HAS_TYPE[variable.type](value):
        return f"expected {variable.type}, got {json_type(value)}"
    if variable.enum is not None and not any(same_json(value, allowed) for allowed in variable.enum):
        return f"not one of {', '.join(map(repr, variable.enum))}"
    return None


def same_json(value: Any, allowed: Any) -> bool:
    """Equality of JSON, where true is not 1, at any depth."""
    if isinstance(value, list | tuple) and isinstance(allowed, list):
        return len(value) == len(allowed) and all(map(same_json, value, allowed))
    if isinstance(value, Mapping) and isinstance(allowed, Mapping):
        return value.keys() == allowed.keys() and all(same_json(item, allowed[key]) for key, item in value.items())
    return isinstance(value, bool) == isinstance(allowed, bool) and bool(value == allowed)


def json_type(value: Any) -> str:
    """The name of its type in JSON; of another value that of its class."""
    if value is None:
        return "null"
    json_types = ("boolean", "integer", "number", "string", "array", "object")
    return next((name for name in json_types if _HAS_TYPE[name](value)), type(value).__name__)  # type: ignore[index]
