"""Contracts of prompts: the types of the values that callers pass, and of the answers that they get."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from promptdb.codegen.json_schema import MAX_VALUES, answer_of
from promptdb.codegen.model import Answer, Anything, Field, Given, OneOf, Record, Scalar, Type, either
from promptdb.codegen.names import Names, spellings
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import LATEST
from promptdb.domain.spec import PromptSpec, Variable
from promptdb.render.compiled import CompiledPrompt

_MENTIONED = "Looked up by a section of the template."


@dataclass(frozen=True)
class Contract:
    """One prompt. `aliases` are those that its files name, and `schema` is the JSON Schema of the answer."""

    prompt: PromptId
    fields: tuple[Field, ...]
    schema: Mapping[str, Any] | None = None
    title: str = ""
    description: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class TypedPrompt:
    """A contract with the names of its types. All of them start with `stem`."""

    contract: Contract
    stem: str
    variables: Record
    answer: Answer | None

    @property
    def names(self) -> tuple[str, ...]:
        """The names that a reference can have for the prompt."""
        return spellings(self.contract.prompt)

    @property
    def records(self) -> tuple[Record, ...]:
        """All its records: the variables, and those of the answer."""
        return (self.variables, *(self.answer.records if self.answer is not None else ()))

    @property
    def refs(self) -> list[str]:
        """The references that the files vouch for."""
        selectors = ["", *(f":{alias}" for alias in (LATEST, *self.contract.aliases))]
        return [name + selector for name in self.names for selector in selectors]


def contract_of(prompt: PromptId, spec: PromptSpec, aliases: Collection[str] = ()) -> Contract:
    """Read the contract of a valid spec.

    Args:
        prompt: its name.
        spec: the prompt.
        aliases: the aliases that it is known to have.
    """
    inputs = CompiledPrompt(spec).inputs
    fields = [
        _field(name, variable, inputs.fallbacks, is_required=name in inputs.required)
        for name, variable in inputs.contract.items()
    ]
    # A contract in the file is what its author wants callers to pass.
    mentioned = sorted(inputs.names - inputs.contract.keys()) if spec.variables is None else []
    fields += [Field(name, Anything(), is_required=False, description=_MENTIONED) for name in mentioned]
    about = spec.metadata
    return Contract(
        prompt,
        tuple(sorted(fields, key=lambda field: not field.is_required)),
        spec.response_schema,
        about.title or "",
        about.description or "",
        tuple(sorted(set(aliases) - {LATEST})),
    )


def typed(contracts: Iterable[Contract], reserved: Iterable[str] = ()) -> list[TypedPrompt]:
    """Name the types of prompts, sorted by prompt. `reserved` names are not used."""
    names = Names(reserved)
    ordered = sorted(contracts, key=lambda contract: contract.prompt)
    stems = names.stems([contract.prompt for contract in ordered])
    found = []
    for contract in ordered:
        stem = stems[contract.prompt]
        variables = Record(f"{stem}Variables", contract.fields, f"The values of {contract.prompt}.")
        answer = answer_of(contract.schema, f"{stem}Answer", names) if contract.schema is not None else None
        found.append(TypedPrompt(contract, stem, variables, answer))
    return found


def _field(name: str, variable: Variable, fallbacks: Mapping[str, Any], *, is_required: bool) -> Field:
    default = json.dumps(fallbacks[name], ensure_ascii=False) if name in fallbacks else None
    return Field(name, _type(variable), is_required, variable.description or "", default)


def _type(variable: Variable) -> Type:
    allowed = variable.enum
    if allowed and len(allowed) <= MAX_VALUES and all(isinstance(value, str | int | None) for value in allowed):
        return either(OneOf((value,)) for value in allowed)  # type: ignore[arg-type]
    match variable.type:
        case None:
            return Anything()
        case "array" | "object" | "messages":
            return Given(variable.type)
        case _:
            return Scalar(variable.type)
