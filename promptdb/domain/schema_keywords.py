"""Reads JSON Schemas (https://json-schema.org/draft/2020-12): keywords by effect, references, types, alternatives."""

from collections.abc import Mapping
from typing import Any

from promptdb.domain.contract import json_type

IGNORED = frozenset(
    {
        *("title", "description", "default", "example", "examples", "deprecated", "readOnly", "writeOnly"),
        *("$schema", "$id", "$comment", "$anchor", "$defs", "definitions"),
    }
)
"""Annotations, and definitions that count only if something refers to them."""

STRUCTURE = frozenset({"type", "enum", "const", "properties", "required", "additionalProperties", "items"})
FORMS = ("anyOf", "oneOf")
FLOORS = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"})
CEILINGS = frozenset({"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"})
HANDLED = IGNORED | STRUCTURE | FLOORS | CEILINGS

RESTRICTIONS = frozenset({"pattern", "format", "multipleOf", "uniqueItems"})
"""Keywords that allow fewer values. Two values of such a keyword cannot be compared."""

_MAX_REFERENCES = 32
"""The most references in a chain, because some chains are circles."""


def references(schema: Any) -> str:
    """Return the target of the reference in a schema, or an empty text if there is none."""
    target = schema.get("$ref") if isinstance(schema, Mapping) else None
    return target if isinstance(target, str) else ""


def resolved(schema: Any, root: Any) -> Any:
    """Merge the target of a reference inside `root` with the keywords beside it.

    The schema `true` becomes an empty one. A reference to nothing, or to another document, stays.
    """
    for _ in range(_MAX_REFERENCES):
        if schema is True:
            return {}
        target = references(schema)
        if not target.startswith("#") or (found := _at(target[1:], root)) is None:
            return schema
        beside = without(schema, "$ref")
        schema = {**found, **beside} if isinstance(found, Mapping) else found
    return schema


def without(schema: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name not in keys}


def each_form(schema: Mapping[str, Any]) -> list[Any]:
    """List the alternatives of `anyOf` or `oneOf`, each merged with the keywords beside them."""
    for key in FORMS:
        if isinstance(forms := schema.get(key), list):
            beside = without(schema, key)
            return [{**beside, **form} if isinstance(form, Mapping) else form for form in forms]
    return [schema]


def types_of(schema: Any) -> frozenset[str] | None:
    """Return the JSON types of a value, or None for all types."""
    if not isinstance(schema, Mapping):
        return None
    declared = schema.get("type")
    if isinstance(declared, str):
        return frozenset({declared})
    if isinstance(declared, list):
        return frozenset(map(str, declared))
    values = values_of(schema)
    return None if values is None else frozenset(map(json_type, values))


def covers(old: frozenset[str], new: frozenset[str]) -> bool:
    """Check that the old types include each of the new ones. An integer is a number."""
    return new <= (old | {"integer"} if "number" in old else old)


def type_words(types: frozenset[str] | None) -> str:
    return "any type" if types is None else " or ".join(sorted(types))


def values_of(schema: Mapping[str, Any]) -> list[Any] | None:
    """Return the possible values if the schema lists them."""
    if "const" in schema:
        return [schema["const"]]
    values = schema.get("enum")
    return values if isinstance(values, list) else None


def definitions_of(root: Any) -> Any:
    """Return the targets of references inside a document."""
    return [root.get("$defs"), root.get("definitions")] if isinstance(root, Mapping) else None


def mapping_of(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def names_in(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _at(pointer: str, root: Any) -> Any:
    # RFC 6901, for objects.
    found = root
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, Mapping) or name not in found:
            return None
        found = found[name]
    return found
