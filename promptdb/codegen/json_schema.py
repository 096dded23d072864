"""Reads the type of an answer from its JSON Schema. Only restricts what a type can restrict."""

import json
from collections.abc import Mapping
from typing import Any

from promptdb.codegen.model import (
    Answer,
    Anything,
    Field,
    ListOf,
    MapOf,
    Named,
    OneOf,
    Record,
    Scalar,
    ScalarName,
    Type,
    either,
)
from promptdb.codegen.names import Names, camel
from promptdb.domain.schema_keywords import (
    FORMS,
    IGNORED,
    each_form,
    mapping_of,
    names_in,
    references,
    resolved,
    types_of,
    values_of,
    without,
)

_BEYOND = (
    *("allOf", "if", "then", "else", "patternProperties", "prefixItems", "dependentSchemas"),
    *("$dynamicRef", "$recursiveRef"),
)
"""Keywords that may give a value other keys or items than the type would say."""

_SCALARS: Mapping[str, ScalarName] = {
    "string": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}
MAX_VALUES = 100
"""The most values that a type lists."""

_MAX_SCHEMAS = 5_000
"""The most schemas in an answer. References can make a short schema very large."""

_MAX_DEPTH = 50


def answer_of(schema: Mapping[str, Any], name: str, names: Names) -> Answer:
    """Read the type of an answer. Its records get names that start with `name`, which is taken already."""
    reader = _Reader(schema, name, names)
    return Answer(name, reader.read(schema, ()), tuple(reader.records))


class _Reader:
    def __init__(self, root: Mapping[str, Any], name: str, names: Names) -> None:
        self.records: list[Record] = []
        self._root = root
        self._name = name
        self._names = names
        self._targets: dict[str, Type | None] = {}
        """The type of each reference, or None while it is being read."""

        self._left = _MAX_SCHEMAS

    def read(self, schema: Any, path: tuple[str, ...]) -> Type:
        self._left -= 1
        if self._left < 0 or len(path) > _MAX_DEPTH:
            return Anything("the size of the schema")
        if not isinstance(schema, Mapping):
            return Anything()
        if references(schema):
            return self._referenced(schema, path)
        if isinstance(parts := schema.get("allOf"), list) and len(parts) == 1 and isinstance(parts[0], Mapping):
            return self.read({**without(schema, "allOf"), **parts[0]}, path)
        if (beyond := next((word for word in _BEYOND if word in schema), None)) is not None:
            return Anything(beyond)
        if (values := values_of(schema)) is not None:
            return _values(values)
        if any(isinstance(schema.get(word), list) for word in FORMS):
            forms = each_form(schema)
            return either(self.read(form, (*path, _title(form) or f"Form{at}")) for at, form in enumerate(forms, 1))
        return either(self._of_type(schema, name, path) for name in _types(schema))

    def _of_type(self, schema: Mapping[str, Any], name: str, path: tuple[str, ...]) -> Type:
        if name in _SCALARS:
            return Scalar(_SCALARS[name])
        if name == "array":
            items = schema.get("items", True)
            if isinstance(items, list):
                return ListOf(Anything("a list of items"))
            return ListOf(self.read(items, (*path, "Item")))
        if name != "object":
            return Anything()
        if not mapping_of(schema.get("properties")):
            return MapOf(self.read(schema.get("additionalProperties", True), (*path, "Value")))
        return self._record(schema, self._take(path), path)

    def _record(self, schema: Mapping[str, Any], name: str, path: tuple[str, ...]) -> Named:
        required = names_in(schema.get("required"))
        fields = [
            Field(key, self.read(inner, (*path, key)), key in required, _description(inner))
            for key, inner in mapping_of(schema.get("properties")).items()
        ]
        self.records.append(Record(name, tuple(fields), _description(schema)))
        return Named(name)

    def _referenced(self, schema: Mapping[str, Any], path: tuple[str, ...]) -> Type:
        target = references(schema)
        found = resolved(schema, self._root)
        if isinstance(found, Mapping) and references(found):
            return Anything(f"$ref {target}")
        if not without(schema, "$ref").keys() <= IGNORED:
            return self.read(found, path)
        if target == "#":
            if self._is_record(self._root):
                return Named(self._name)
        elif self._is_record(found):
            if target not in self._targets:
                where = (target.rpartition("/")[2],)
                name = self._take(where)
                self._targets[target] = Named(name)
                self._record(found, name, where)
        elif target not in self._targets:
            self._targets[target] = None
            self._targets[target] = self.read(found, path)
        kind = self._targets.get(target)
        return kind if kind is not None else Anything(f"$ref {target}, which refers to itself")

    def _is_record(self, schema: Any) -> bool:
        return (
            isinstance(schema, Mapping)
            and _types(schema) == ["object"]
            and bool(mapping_of(schema.get("properties")))
            and values_of(schema) is None
            and not any(word in schema for word in (*_BEYOND, *FORMS))
        )

    def _take(self, path: tuple[str, ...]) -> str:
        if not path:
            return self._name
        return self._names.take(self._name + camel(" ".join(path)), json.dumps([self._name, path]))


def _types(schema: Mapping[str, Any]) -> list[str]:
    declared = schema.get("type")
    if isinstance(declared, str):
        return [declared]
    if isinstance(declared, list) and declared:
        return list(map(str, declared))
    if "properties" in schema:
        return ["object"]
    return ["array"] if "items" in schema else ["any"]


def _values(values: list[Any]) -> Type:
    if len(values) <= MAX_VALUES and all(isinstance(value, str | int | None) for value in values):
        return either([OneOf((value,)) for value in values]) if values else Anything()
    kinds = sorted(types_of({"enum": values}) or ())
    return either(
        Scalar(_SCALARS[kind]) if kind in _SCALARS else ListOf(Anything()) if kind == "array" else MapOf(Anything())
        for kind in kinds
    )


def _title(schema: Any) -> str:
    title = schema.get("title") if isinstance(schema, Mapping) else None
    return camel(title) if isinstance(title, str) else ""


def _description(schema: Any) -> str:
    found = schema.get("description") if isinstance(schema, Mapping) else None
    return found if isinstance(found, str) else ""
