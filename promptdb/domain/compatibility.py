"""What a new version changes for those who use the prompt: the values they give, the answers and tool calls they read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from promptdb.domain.changes import ContractChange, ContractKind
from promptdb.domain.contract import placeholders, same_json, value_problem
from promptdb.domain.schema_compatibility import schema_changes
from promptdb.domain.spec import PromptSpec, Variable, VariableType

_SHOWN = 80
"""Characters of a value or a list of values in a message."""


@dataclass(frozen=True)
class Interface:
    """A prompt as its callers see it.

    `variables` is the contract, inferred where none is declared; `mentions` are further names that sections may look up, so
    that a caller may give them; `tools` are the functions that a model may call, as name -> JSON Schema of the arguments.
    """

    spec: PromptSpec
    variables: Mapping[str, Variable]
    mentions: frozenset[str] = frozenset()
    tools: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Input:
    """One name that a caller must or may give, and what it is if it is left out."""

    variable: Variable
    is_required: bool
    is_placeholder: bool
    fallback: Any

    @property
    def noun(self) -> str:
        return "placeholder" if self.is_placeholder else "variable"


def contract_changes(old: Interface, new: Interface) -> tuple[ContractChange, ...]:
    """Everything that callers can notice, those that break them first. What cannot be told counts as breaking."""
    changes = [*_kind(old.spec, new.spec), *_inputs(old, new), *_answer(old.spec, new.spec), *_tools(old, new)]
    return tuple(sorted(changes, key=lambda change: not change.is_breaking))


def _kind(old: PromptSpec, new: PromptSpec) -> Iterator[ContractChange]:
    if old.kind != new.kind:
        yield ContractChange("kind", new.kind, f"kind changed from {old.kind} to {new.kind}", is_breaking=True)


# What callers give


def _inputs(old: Interface, new: Interface) -> Iterator[ContractChange]:
    inferred = old.spec.variables is None
    before, after = _all_inputs(old), _all_inputs(new)
    for name in old.variables:
        if name in after:
            yield from _changed(name, before[name], after[name])
        else:
            yield _change("variable_removed", name, f"{before[name].noun} {name!r} removed", is_breaking=True)
    for name in new.variables:
        if name in old.variables:
            continue
        if name in before:
            yield from _changed(name, before[name], after[name])
        else:
            yield _added(name, after[name])
    for name in sorted(old.mentions.difference(old.variables, after)) if inferred else ():
        message = f"{name!r}, which a section could look up, is used no more: callers that give it are refused"
        yield _change("variable_removed", name, message, is_breaking=True)


def _all_inputs(interface: Interface) -> dict[str, _Input]:
    """The contract, and what is only mentioned: optional, and of any type."""
    stored = interface.spec.partial_variables
    slots = {item.variable_name for _, item in placeholders(interface.spec)}
    anything = _Input(Variable(required=False), is_required=False, is_placeholder=False, fallback=None)
    found = dict.fromkeys(interface.mentions, anything)
    for name, variable in interface.variables.items():
        is_required = variable.required and name not in stored
        found[name] = _Input(variable, is_required, name in slots, stored.get(name, variable.default))
    return found


def _added(name: str, added: _Input) -> ContractChange:
    need = "required" if added.is_required else "optional"
    return _change("variable_added", name, f"new {need} {added.noun} {name!r}", is_breaking=added.is_required)


def _changed(name: str, old: _Input, new: _Input) -> Iterator[ContractChange]:
    if old.is_placeholder != new.is_placeholder:
        message = f"{old.noun} {name!r} is a {new.noun} now"
        yield _change("variable_narrowed", name, message, is_breaking=True)
        return
    if new.is_required and not old.is_required:
        yield _change("variable_required", name, f"{new.noun} {name!r} is required now", is_breaking=True)
    if old.is_required and not new.is_required:
        yield _change("variable_optional", name, f"{new.noun} {name!r} is optional now", is_breaking=False)
    if not old.is_placeholder:  # which takes messages, whatever its declaration leaves out
        yield from _values(name, old.variable, new.variable)
    if not (old.is_required or new.is_required or same_json(old.fallback, new.fallback)):
        message = f"default of {name!r} changed from {_shown(old.fallback)} to {_shown(new.fallback)}"
        yield _change("variable_default", name, message, is_breaking=False)


def _values(name: str, old: Variable, new: Variable) -> Iterator[ContractChange]:
    """Whether all that was taken is taken still, and whether more is."""
    if _takes_all(old, new):
        if not _takes_all(new, old):
            message = f"variable {name!r} widened from {_taken(old)} to {_taken(new)}"
            yield _change("variable_widened", name, message, is_breaking=False)
        return
    verb = "narrowed" if _takes_all(new, old) else "changed"
    message = f"variable {name!r} {verb} from {_taken(old)} to {_taken(new)}"
    yield _change("variable_narrowed", name, message, is_breaking=True)


def _takes_all(old: Variable, new: Variable) -> bool:
    """Whether `new` takes every value that `old` takes."""
    values = [True, False] if old.enum is None and old.type == "boolean" else old.enum
    if values is not None:
        return all(value_problem(new, value) is None for value in values if value_problem(old, value) is None)
    return new.enum is None and _is_wider(old.type, new.type)


def _is_wider(old: VariableType | None, new: VariableType | None) -> bool:
    return new in (None, old) or (old, new) == ("integer", "number")


def _taken(variable: Variable) -> str:
    if variable.enum is not None:
        return _cut(f"one of {', '.join(map(repr, variable.enum))}")
    return variable.type or "any value"


# What callers read


def _answer(old: PromptSpec, new: PromptSpec) -> Iterator[ContractChange]:
    before, after = old.response_schema, new.response_schema
    if before is None and after is None:
        return
    if before is None or after is None:
        what = "added: answers are JSON now" if before is None else "removed: answers can be any text now"
        yield _change("response_schema", "", f"response schema {what}", is_breaking=True)
        return
    for found in schema_changes(before, after, "the answer"):
        message = f"response schema: {found.message}"
        yield _change("response_schema", found.path, message, is_breaking=found.is_breaking)


def _tools(old: Interface, new: Interface) -> Iterator[ContractChange]:
    """Callers run the functions that the model calls, with the arguments that it writes."""
    before, after = old.tools, new.tools
    for name in sorted(before.keys() - after.keys()):
        yield _change("tool", name, f"tool {name!r} removed", is_breaking=True)
    for name in sorted(after.keys() - before.keys()):
        yield _change("tool", name, f"new tool {name!r}: callers must know how to run it", is_breaking=True)
    for name in sorted(before.keys() & after.keys()):
        for found in schema_changes(before[name], after[name], "its arguments", additions_break=True):
            yield _change("tool", name, f"tool {name!r}: {found.message}", is_breaking=found.is_breaking)


def _change(kind: ContractKind, name: str, message: str, *, is_breaking: bool) -> ContractChange:
    return ContractChange(kind, name, message, is_breaking)


def _shown(value: Any) -> str:
    return "none" if value is None else _cut(repr(value))


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
