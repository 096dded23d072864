"""Prompty files, v1 and v2. Source: the format of the packages `prompty` 0.1 and 2.1."""

import re
from typing import Any

from promptdb.neighbours.foreign import Fields, ForeignPrompt, Loss, NotHeld, compact
from promptdb.neighbours.incoming.headings import IMAGE, messages_in, require_whole_blocks
from promptdb.neighbours.reading import front_matter_in

SUFFIXES = (".prompty",)

ROLE_LINE = re.compile(
    r"^[ \t]*#?[ \t]*((?:system|user|assistant|developer)(?:\[[^\]\n]*\])?|function)[ \t]*:[ \t]*$",
    re.MULTILINE | re.IGNORECASE,
)
"""The lines that Prompty takes for roles, of both versions."""
_REFERENCE = re.compile(r"\$\{(?:env|file):")
_TYPES = {
    "string": "string",
    "number": "number",
    "float": "number",
    "integer": "integer",
    "boolean": "boolean",
    "array": "array",
    "list": "array",
    "object": "object",
    "dict": "object",
    "thread": "messages",
}


def read(data: bytes) -> list[ForeignPrompt]:
    """Read one prompt. The sample of v1 becomes a golden test of the render."""
    parts = front_matter_in(data)
    if not parts.fields:
        raise NotHeld("it has no front matter between --- lines")
    found = Fields(parts.fields)
    template_format = _template_format(found)
    before, messages = messages_in(parts.body, ROLE_LINE)
    if messages and before.strip():
        raise NotHeld("there is text before the first role, which belongs to no message")
    if template_format == "jinja2":
        require_whole_blocks(messages)
    if IMAGE.search(parts.body):
        found.lose("the text", "an image stays as Markdown text: write it as a content part")
    is_first = "model" in parts.fields and isinstance(parts.fields["model"], dict) and "api" in parts.fields["model"]
    title, name = found.text("displayName"), found.text("name")
    if title is not None and name is not None:
        found.lose("name", "the title is displayName")
    if found.take("sample", object) is not None and not isinstance(parts.fields["sample"], dict):
        found.lose("sample", "it names a file, and no other file is read")
    sample = parts.fields.get("sample")
    more = Fields(found.take("metadata", dict) or {}, "metadata")
    variables = _variables(found)
    threads = [name for name, one in variables.items() if one.get("type") == "messages"]
    fields = compact(
        template_format=template_format,
        metadata=compact(
            title=title or name,
            description=found.text("description"),
            tags=found.texts("tags") + more.texts("tags"),
            owners=found.texts("authors") + more.texts("authors"),
        ),
        variables=variables,
        **({"messages": _with_threads(messages, threads)} if messages else {"template": parts.body}),
        model=_model(found, is_first=is_first),
        tools=found.take("tools", list),
        response_schema=_outputs(found),
    )
    found.drop("kind")
    found.losses += more.rest()
    cases = {"the sample": sample} if isinstance(sample, dict) and sample else {}
    return [ForeignPrompt(None, fields, found.rest(), cases)]


def _with_threads(messages: list[dict[str, Any]], threads: list[str]) -> list[dict[str, Any]]:
    """Make a placeholder of each thread, which stands alone in a line at the end of a message.

    Raises:
        NotHeld: a thread is elsewhere.
    """
    for name in threads:
        line = re.compile(rf"^[ \t]*\{{\{{-?\s*{re.escape(name)}\s*-?\}}\}}[ \t]*\s*\Z", re.MULTILINE)
        written: list[dict[str, Any]] = []
        for message in messages:
            found = line.search(message.get("template", ""))
            if found is None:
                written.append(message)
                continue
            before = message["template"][: found.start()].strip("\n")
            written += [{**message, "template": before}] if before.strip() else []
            written.append({"variable_name": name})
        messages = written
        if any(re.search(rf"\{{\{{[^}}]*\b{re.escape(name)}\b", message.get("template", "")) for message in messages):
            raise NotHeld(
                f"inputs.{name}: a thread is a list of messages, and stands alone in the last line of a message"
            )
    return messages


def _template_format(found: Fields) -> str:
    template = found.take("template", (str, dict)) or "jinja2"
    kind = template.get("format", "jinja2") if isinstance(template, dict) else template
    kind = kind.get("kind") if isinstance(kind, dict) else kind
    if kind not in ("jinja2", "mustache"):
        raise NotHeld(f"template: promptdb does not read {kind!r:.60}")
    return str(kind)


def _variables(found: Fields) -> dict[str, Any]:
    inputs = found.take("inputs", (dict, list))
    if isinstance(inputs, dict):
        items = [(str(name), item if isinstance(item, dict) else {"default": item}) for name, item in inputs.items()]
    else:
        items = [(str(item.get("name")), item) for item in inputs or [] if isinstance(item, dict)]
    return {name: _variable(Fields(item, f"inputs.{name}"), found) for name, item in items}


def _variable(item: Fields, found: Fields) -> dict[str, Any]:
    item.drop("name")
    kind = (item.text("kind") or item.text("type") or "").lower()
    item.drop("type")
    if kind and kind not in _TYPES:
        item.lose("kind", f"{kind} is not a type of promptdb")
    default, is_needed = item.take("default", object), item.take("required", bool)
    is_needed = item.take("optional", bool) is not True if is_needed is None else is_needed
    if item.take("example", object) is not None:
        item.lose("example", "promptdb has no field for it")
    variable = compact(type=_TYPES.get(kind), description=item.text("description"), enum=item.take("enumValues", list))
    if default is not None:
        variable["default"] = default
    elif is_needed is False:
        variable["required"] = False
    found.losses += item.rest()
    return variable


def _model(found: Fields, *, is_first: bool) -> dict[str, Any]:
    model = found.take("model", (dict, str))
    if not isinstance(model, dict):
        return compact(name=model)
    if _REFERENCE.search(str(model)):
        found.lose("model", "references such as ${env:NAME} stay as text")
    inner = Fields(model, "model")
    name = inner.text("id")
    options = inner.take("parameters" if is_first else "options", dict) or {}
    inner.drop("api")
    connection = inner.take("configuration" if is_first else "connection", dict)
    if connection is not None:
        inner.lose("configuration" if is_first else "connection", "where a model runs is a setting of the application")
        name = name or next((connection[key] for key in ("azure_deployment", "name") if key in connection), None)
    found.losses += inner.rest()
    return {**compact(name=name), **options}


def _outputs(found: Fields) -> dict[str, Any] | None:
    outputs = found.take("outputs", (dict, list))
    if not outputs:
        return None
    named = [(item.get("name"), item) for item in outputs if isinstance(item, dict)]
    items = [*outputs.items()] if isinstance(outputs, dict) else named
    properties: dict[str, Any] = {}
    for name, item in items:
        kind = item.get("kind", item.get("type")) if isinstance(item, dict) else None
        if not isinstance(kind, str) or kind not in _TYPES or kind == "thread":
            found.lose(f"outputs.{name}", "it has no type of JSON")
            continue
        found.losses += [
            Loss(f"outputs.{name}.{key}", "promptdb has no field for it")
            for key in item
            if key not in ("name", "kind", "type", "description")
        ]
        text = item.get("description")
        properties[str(name)] = {"type": _TYPES[kind], **({"description": text} if isinstance(text, str) else {})}
    return {"type": "object", "properties": properties} if properties else None
