"""The types that both languages can write: of variables and of answers."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

ScalarName = Literal["string", "integer", "number", "boolean", "null"]


@dataclass(frozen=True, slots=True)
class Scalar:
    name: ScalarName


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of these values: texts, whole numbers, booleans or null."""

    values: tuple[str | int | bool | None, ...]


@dataclass(frozen=True, slots=True)
class ListOf:
    item: "Type"


@dataclass(frozen=True, slots=True)
class MapOf:
    """An object with keys of any name."""

    value: "Type"


@dataclass(frozen=True, slots=True)
class Either:
    members: tuple["Type", ...]


@dataclass(frozen=True, slots=True)
class Named:
    """A record, by its name."""

    name: str


@dataclass(frozen=True, slots=True)
class Anything:
    """Any value. `reason` quotes the part of a schema that no type here can express."""

    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """A collection that a caller passes. Rendering takes more forms of it than one."""

    name: Literal["array", "object", "messages"]


Type = Scalar | OneOf | ListOf | MapOf | Either | Named | Anything | Given


@dataclass(frozen=True, slots=True)
class Field:
    """A key of a record. `default` is the JSON text of the value that stands for an absent one."""

    name: str
    type: Type
    is_required: bool = True
    description: str = ""
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    name: str
    fields: tuple[Field, ...]
    description: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The type of an answer, and the records in it, each after those that it needs where that is possible."""

    name: str
    type: Type
    records: tuple[Record, ...]


def either(members: Iterable[Type]) -> Type:
    """Join alternatives: equal ones count once, and any value covers all others."""
    flat = [one for member in members for one in (member.members if isinstance(member, Either) else (member,))]
    for one in flat:
        if isinstance(one, Anything):
            return one
    values = [value for one in flat if isinstance(one, OneOf) for value in one.values]
    # By their text, because 1 equals True.
    unique = {json.dumps(value): value for value in values}
    joined: list[Type] = [OneOf(tuple(unique.values()))] if unique else []
    found = tuple(dict.fromkeys([*joined, *(one for one in flat if not isinstance(one, OneOf))]))
    return found[0] if len(found) == 1 else Either(found)


def reasons(kind: Type) -> list[str]:
    """List the parts of a schema for which a type says "any value"."""
    match kind:
        case Anything(reason):
            return [reason] if reason else []
        case ListOf(inner) | MapOf(inner):
            return reasons(inner)
        case Either(members):
            return [reason for member in members for reason in reasons(member)]
        case _:
            return []


def names_in(kind: Type) -> list[str]:
    """List the records that a type names."""
    match kind:
        case Named(name):
            return [name]
        case ListOf(inner) | MapOf(inner):
            return names_in(inner)
        case Either(members):
            return [name for member in members for name in names_in(member)]
        case _:
            return []
