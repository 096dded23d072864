"""Prints docs/routes.md from docs/openapi.json: `python scripts/route_docs.py > docs/routes.md`. A test compares the two."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DOCUMENT = Path(__file__).parents[1] / "docs" / "openapi.json"
PREFIX = "/api/v1"
Node = dict[str, Any]

_INTRODUCTION = """\
# HTTP routes

Every route of the [HTTP API](api.md), with its parameters and answers, from [openapi.json](openapi.json). Paths start with the
setting `PROMPTDB_API_PREFIX`, by default `/api/v1`. A `?` marks what may be missing.

- **Scope**: what the [token](tokens.md) of a request needs, as soon as the registry has tokens.
- **Page**: `{"items": [...], "next": CURSOR}`; `next` is null on the last page ([pages](api.md#pages)).
- **Errors**: a [Problem](#problem) with one of the statuses below. A route with a scope may also answer {common}.

| status | when |
|---|---|
"""


def document() -> str:
    api = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    operations = [
        (path.removeprefix(PREFIX), method.upper(), operation)
        for path, methods in api["paths"].items()
        for method, operation in methods.items()
    ]
    errors = {status: text for *_, operation in operations for status, text in operation["responses"].items()}
    errors = {status: text["description"] for status, text in sorted(errors.items()) if status >= "400"}
    scoped = [operation["responses"].keys() for *_, operation in operations if "security" in operation]
    common = {status for status in errors if all(status in statuses for statuses in scoped)}
    table = "".join(f"| {status} | {text} |\n" for status, text in errors.items())
    introduction = _INTRODUCTION.replace("{common}", ", ".join(sorted(common))) + table
    routes = "".join(
        f"\n## Routes: {tag}\n"
        + "".join(_operation(*found, common) for found in operations if found[2]["tags"][0] == tag)
        for tag in sorted({operation["tags"][0] for *_, operation in operations})
    )
    schemas = sorted(api["components"]["schemas"].items())
    values = "".join(_value(name, schema) for name, schema in schemas if not name.startswith("Page_"))
    return f"{introduction}{routes}\n## Values\n{values}"


def _operation(path: str, method: str, operation: Node, common: set[str]) -> str:
    scopes = [f"`{scope}`" for entry in operation.get("security", []) for scope in entry["token"]]
    statuses = operation["responses"]
    answers = "".join(
        f"| {status} | {_content(answer) or 'none'} | {_sentence(answer)} |\n"
        for status, answer in statuses.items()
        if status < "400"
    )
    rows = "".join(
        f"| `{entry['name']}`{'' if entry.get('required') else '?'} | {entry['in']} | {_type(entry['schema'])} "
        f"| {_meaning(entry | entry['schema'])} |\n"
        for entry in operation.get("parameters", [])
    )
    parts = [
        f"\n### {method} {path}",
        operation.get("description", f"{operation['summary']}."),
        f"Scope: {', '.join(scopes) or 'none'}.",
        f"| parameter | in | type | meaning |\n|---|---|---|---|\n{rows}".rstrip() if rows else "",
        f"Body: {_content(operation['requestBody'])}." if "requestBody" in operation else "",
        f"| status | answer | meaning |\n|---|---|---|\n{answers}".rstrip(),
    ]
    if own := [status for status in statuses if status >= "400" and status not in common]:
        parts.append(f"Errors: {', '.join(own)}.")
    return "\n\n".join(part for part in parts if part) + "\n"


def _content(message: Node) -> str:
    """Name the values of a body, or its media types if it is not JSON."""
    return ", ".join(
        _type(entry["schema"]) if media == "application/json" and entry.get("schema") else f"`{media}`"
        for media, entry in message.get("content", {}).items()
    )


def _sentence(answer: Node) -> str:
    headers = ", ".join(f"`{name}`" for name in answer.get("headers", {}))
    text = answer["description"].replace("Successful Response", "Done.")
    return f"{text} Headers: {headers}." if headers else text


def _value(name: str, schema: Node) -> str:
    description = f"{schema['description']}\n\n" if "description" in schema else ""
    required = schema.get("required", [])
    rows = "".join(
        f"| `{field}`{'' if field in required else '?'} | {_type(entry)} | {_meaning(entry)} |\n"
        for field, entry in schema["properties"].items()
    )
    return f"\n### {name}\n\n{description}| field | type | meaning |\n|---|---|---|\n{rows}"


def _type(schema: Node) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name.startswith("Page_"):
            return f"page of {_type({'$ref': name.removeprefix('Page_').removesuffix('_')})}"
        return f"[{name}](#{name.lower()})"
    if options := schema.get("anyOf"):
        return " or ".join(_type(option) for option in options)
    if words := schema.get("enum") or [schema[word] for word in ("const",) if word in schema]:
        return ", ".join(f"`{word}`" for word in words)
    kind: str = schema.get("format") or schema.get("type", "any")
    return f"list of {_type(schema['items'])}" if kind == "array" else kind


def _meaning(entry: Node) -> str:
    return "; ".join(_notes(entry)).replace("|", "\\|")


def _notes(entry: Node) -> Iterator[str]:
    if "description" in entry:
        yield entry["description"].rstrip(".")
    if entry.get("maximum", 2**31) < 2**31 - 1:
        yield f"{entry.get('minimum', 0):,.0f} to {entry['maximum']:,.0f}"
    if entry.get("default") not in (None, "", [], {}):
        yield f"by default `{json.dumps(entry['default']).strip(chr(34))}`"


if __name__ == "__main__":
    sys.stdout.write(document())
