"""Picoschema, the short form of JSON Schema in dotprompt files. Source: https://google.github.io/dotprompt/reference/picoschema/"""

import re
from typing import Any

from promptdb.neighbours.foreign import NotHeld

_SCALARS = ("string", "number", "integer", "boolean", "any", "null")
_FIELD = re.compile(r"(?P<name>[^?(]+)(?P<optional>\?)?(?:\((?P<kind>\w+)(?:,\s*(?P<about>.*))?\))?", re.DOTALL)


def json_schema(value: Any, place: str) -> dict[str, Any]:
    """Return the JSON Schema of a Picoschema, or the value if it is one already.

    Raises:
        NotHeld: it is neither.
    """
    if isinstance(value, dict) and ("type" in value or "$ref" in value) and not isinstance(value.get("type"), dict):
        return value
    return _schema(value, place)


def _schema(value: Any, place: str) -> dict[str, Any]:
    if isinstance(value, str):
        kind, _, about = value.partition(",")
        if kind.strip() not in _SCALARS:
            raise NotHeld(f"{place}: {kind.strip()!r:.60} is not a type of Picoschema")
        found: dict[str, Any] = {} if kind.strip() == "any" else {"type": kind.strip()}
        return {**found, **({"description": about.strip()} if about.strip() else {})}
    if not isinstance(value, dict):
        raise NotHeld(f"{place} is not a schema")
    properties: dict[str, Any] = {}
    required: list[str] = []
    more: Any = False
    for key, inner in value.items():
        if key == "(*)":
            more = _schema(inner, f"{place}.{key}")
            continue
        match = _FIELD.fullmatch(str(key))
        if match is None:
            raise NotHeld(f"{place}: {key!r:.60} is not a field of Picoschema")
        name, kind, about = match["name"], match["kind"], match["about"]
        if not match["optional"]:
            required.append(name)
        properties[name] = {**_field(kind, inner, f"{place}.{name}"), **({"description": about} if about else {})}
    schema = {"type": "object", "properties": properties, "additionalProperties": more}
    return {**schema, **({"required": required} if required else {})}


def _field(kind: str | None, inner: Any, place: str) -> dict[str, Any]:
    match kind:
        case None | "object":
            return _schema(inner, place)
        case "array":
            return {"type": "array", "items": _schema(inner, place)}
        case "enum" if isinstance(inner, list):
            return {"enum": inner}
        case _:
            raise NotHeld(f"{place}: ({kind}) is not a kind of Picoschema")
