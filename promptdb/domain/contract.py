"""The typed contract of a prompt: the values that a caller must pass, and those that are optional."""

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from typing import Any

from promptdb.domain.spec import Placeholder, PromptSpec, Variable, VariableType

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
    """Yield each placeholder of a chat with its index in `messages`."""
    for index, item in enumerate(spec.messages or ()):
        if isinstance(item, Placeholder):
            yield index, item


def contract(
    spec: PromptSpec, used: Mapping[str, object], optional: Collection[str] = frozenset()
) -> dict[str, Variable]:
    """List the variables of a prompt by name: the declared ones, or those in `used` if none are declared.

    `used` are the names in the templates, in order of use, and `optional` those that they do without. Placeholders are
    always included, and a name with a stored partial value is optional.
    """
    variables = dict(spec.variables or {})
    if spec.variables is None:
        variables = {name: _inferred(is_required=name not in optional) for name in used}
    for name in spec.partial_variables:
        declared = variables.get(name, Variable())
        variables[name] = declared.model_copy(update={"required": False})
    for _, item in placeholders(spec):
        if item.variable_name not in (spec.variables or ()):
            variables[item.variable_name] = Variable(type="messages", required=not item.optional)
    return variables


@cache
def _inferred(*, is_required: bool) -> Variable:
    """Make the variable of a name in a template: one for all, since it is frozen."""
    return Variable(required=is_required)


def value_problem(variable: Variable, value: Any) -> str | None:
    """Explain why a value does not fit, or return None if it fits."""
    if variable.type is not None and not _HAS_TYPE[variable.type](value):
        return f"expected {variable.type}, got {json_type(value)}"
    if variable.enum is not None and not any(same_json(value, allowed) for allowed in variable.enum):
        return f"not one of {', '.join(map(repr, variable.enum))}"
    return None


def same_json(value: Any, allowed: Any) -> bool:
    """Compare two values as JSON does: true differs from 1, at any depth."""
    if isinstance(value, list | tuple) and isinstance(allowed, list):
        return len(value) == len(allowed) and all(map(same_json, value, allowed))
    if isinstance(value, Mapping) and isinstance(allowed, Mapping):
        return value.keys() == allowed.keys() and all(same_json(item, allowed[key]) for key, item in value.items())
    return isinstance(value, bool) == isinstance(allowed, bool) and bool(value == allowed)


def json_type(value: Any) -> str:
    """Name the JSON type of a value, or the class of a value that JSON does not have."""
    if value is None:
        return "null"
    json_types = ("boolean", "integer", "number", "string", "array", "object")
    return next((name for name in json_types if _HAS_TYPE[name](value)), type(value).__name__)  # type: ignore[index]
