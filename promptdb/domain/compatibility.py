"""Effects of a new version on callers: the values they pass, the answers and the tool calls they read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from promptdb.domain.changes import ContractChange
from promptdb.domain.contract import placeholders, same_json, value_problem
from promptdb.domain.renamed_variable import find_renamed
from promptdb.domain.schema_compatibility import schema_changes
from promptdb.domain.spec import PromptSpec, Variable

_SHOWN = 80
"""The most characters of a value, or of a list of values, in a message."""


@dataclass(frozen=True)
class Interface:
    """A prompt as its callers see it.

    `variables` is the contract, inferred if none is declared. `mentions` are further names that a caller can pass, because
    sections may look them up. `tools` maps each function that a model can call to the JSON Schema of its arguments.
    """

    spec: PromptSpec
    variables: Mapping[str, Variable]
    mentions: frozenset[str] = frozenset()
    tools: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Input:
    """One name that a caller passes, and the value that replaces it if it is left out."""

    variable: Variable
    is_required: bool
    is_placeholder: bool
    fallback: Any

    @property
    def noun(self) -> str:
        return "placeholder" if self.is_placeholder else "variable"


def contract_changes(old: Interface, new: Interface) -> tuple[ContractChange, ...]:
    """List every change that callers can notice, breaking ones first. Undecidable changes count as breaking."""
    changes = [*_inputs(old, new), *_answer(old.spec, new.spec), *_tools(old, new)]
    before, after = old.spec.kind, new.spec.kind
    if before != after:
        changes.insert(0, ContractChange("kind", after, f"kind changed from {before} to {after}", is_breaking=True))
    return tuple(sorted(changes, key=lambda change: not change.is_breaking))


# Values that callers pass


def _inputs(old: Interface, new: Interface) -> Iterator[ContractChange]:
    inferred = old.spec.variables is None
    before, after = _all_inputs(old), _all_inputs(new)
    renamed = _renamed(old, new, before, after)
    for name in old.variables:
        if name in after:
            yield from _changed(name, before[name], after[name])
        elif name in renamed:
            message = f"{before[name].noun} {name!r} renamed to {renamed[name]!r}"
            yield ContractChange("variable_renamed", name, message, is_breaking=True)
            yield from _changed(renamed[name], before[name], after[renamed[name]])
        else:
            yield ContractChange("variable_removed", name, f"{before[name].noun} {name!r} removed", is_breaking=True)
    for name in new.variables:
        if name in old.variables or name in renamed.values():
            continue
        if name in before:
            yield from _changed(name, before[name], after[name])
        else:
            added = after[name]
            need = "required" if added.is_required else "optional"
            message = f"new {need} {added.noun} {name!r}"
            yield ContractChange("variable_added", name, message, is_breaking=added.is_required)
    for name in sorted(old.mentions.difference(old.variables, after)) if inferred else ():
        message = f"{name!r}, which a section could look up, is not used any more: callers that pass it are refused"
        yield ContractChange("variable_removed", name, message, is_breaking=True)


def _renamed(
    old: Interface, new: Interface, before: Mapping[str, _Input], after: Mapping[str, _Input]
) -> Mapping[str, str]:
    """Map the old name of a renamed variable to its new one."""
    found = find_renamed(old.spec, new.spec, old.variables.keys() - after, new.variables.keys() - before)
    if found is None:
        return {}
    one, other = before[found[0]], after[found[1]]
    return dict([found]) if (one.variable.type, one.noun) == (other.variable.type, other.noun) else {}


def _all_inputs(interface: Interface) -> dict[str, _Input]:
    """Merge the contract with the mentioned names, which are optional and of any type."""
    stored = interface.spec.partial_variables
    slots = {item.variable_name for _, item in placeholders(interface.spec)}
    anything = _Input(Variable(required=False), is_required=False, is_placeholder=False, fallback=None)
    found = dict.fromkeys(interface.mentions, anything)
    for name, variable in interface.variables.items():
        is_required = variable.required and name not in stored
        found[name] = _Input(variable, is_required, name in slots, stored.get(name, variable.default))
    return found


def _changed(name: str, old: _Input, new: _Input) -> Iterator[ContractChange]:
    if old.is_placeholder != new.is_placeholder:
        message = f"{old.noun} {name!r} is a {new.noun} now"
        yield ContractChange("variable_narrowed", name, message, is_breaking=True)
        return
    if new.is_required and not old.is_required:
        yield ContractChange("variable_required", name, f"{new.noun} {name!r} is required now", is_breaking=True)
    if old.is_required and not new.is_required:
        yield ContractChange("variable_optional", name, f"{new.noun} {name!r} is optional now", is_breaking=False)
    # A placeholder takes messages, whatever its declaration leaves out.
    if not old.is_placeholder:
        yield from _values(name, old.variable, new.variable)
    if not (old.is_required or new.is_required or same_json(old.fallback, new.fallback)):
        message = f"default of {name!r} changed from {_shown(old.fallback)} to {_shown(new.fallback)}"
        yield ContractChange("variable_default", name, message, is_breaking=False)


def _values(name: str, old: Variable, new: Variable) -> Iterator[ContractChange]:
    fits, is_subset = _takes_all(old, new), _takes_all(new, old)
    if fits and is_subset:
        return
    verb = "widened" if fits else "narrowed" if is_subset else "changed"
    message = f"variable {name!r} {verb} from {_taken(old)} to {_taken(new)}"
    yield ContractChange("variable_widened" if fits else "variable_narrowed", name, message, is_breaking=not fits)


def _takes_all(old: Variable, new: Variable) -> bool:
    """Check that `new` accepts every value that `old` accepts."""
    values = [True, False] if old.enum is None and old.type == "boolean" else old.enum
    if values is not None:
        return all(value_problem(new, value) is None for value in values if value_problem(old, value) is None)
    is_wider = new.type in (None, old.type) or (old.type, new.type) == ("integer", "number")
    return new.enum is None and is_wider


def _taken(variable: Variable) -> str:
    if variable.enum is not None:
        return _cut(f"one of {', '.join(map(repr, variable.enum))}")
    return variable.type or "any value"


# Answers and tool calls that callers read


def _answer(old: PromptSpec, new: PromptSpec) -> Iterator[ContractChange]:
    before, after = old.response_schema, new.response_schema
    if before is None and after is None:
        return
    if before is None or after is None:
        what = "added: answers are JSON now" if before is None else "removed: answers can be any text now"
        yield ContractChange("response_schema", "", f"response schema {what}", is_breaking=True)
        return
    for found in schema_changes(before, after, "the answer"):
        message = f"response schema: {found.message}"
        yield ContractChange("response_schema", found.path, message, is_breaking=found.is_breaking)


def _tools(old: Interface, new: Interface) -> Iterator[ContractChange]:
    # Callers run the functions that the model calls, with the arguments that the model writes.
    before, after = old.tools, new.tools
    for name in sorted(before.keys() - after.keys()):
        yield ContractChange("tool", name, f"tool {name!r} removed", is_breaking=True)
    for name in sorted(after.keys() - before.keys()):
        yield ContractChange("tool", name, f"new tool {name!r}: callers must know how to run it", is_breaking=True)
    for name in sorted(before.keys() & after.keys()):
        for found in schema_changes(before[name], after[name], "its arguments", additions_break=True):
            yield ContractChange("tool", name, f"tool {name!r}: {found.message}", is_breaking=found.is_breaking)


def _shown(value: Any) -> str:
    return "none" if value is None else _cut(repr(value))


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
