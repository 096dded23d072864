"""The JSON of Langfuse: the array that its pages export, and one prompt as its API returns it."""

from functools import partial
from typing import Any

from promptdb.neighbours.foreign import Fields, ForeignPrompt, NotHeld, Unread, compact, message, read_each
from promptdb.neighbours.incoming.braces import require_names
from promptdb.neighbours.reading import json_in

SUFFIXES = (".json",)

_REFERENCE = "@@@langfusePrompt:"


def read(data: bytes) -> list[ForeignPrompt | Unread]:
    """Read all prompts, each in its newest version."""
    found = json_in(data)
    if isinstance(found, dict):
        if isinstance(meta := found.get("meta"), dict) and meta.get("totalPages", 1) != 1:
            raise NotHeld("it is one of several pages: export all prompts, or import from the server")
        found = found["data"] if isinstance(found.get("data"), list) else [found]
    if not isinstance(found, list) or not found:
        raise NotHeld("expected a list of prompts")
    newest: dict[str, tuple[int, dict[str, Any]]] = {}
    earlier: dict[str, int] = {}
    for at, item in enumerate(found):
        if not isinstance(item, dict) or not isinstance(item.get("name"), str) or "prompt" not in item:
            raise NotHeld(f"[{at}] is not a prompt: it needs a name and a prompt")
        name, version = item["name"], item.get("version")
        number = version if isinstance(version, int) else 0
        if name in newest:
            earlier[name] = earlier.get(name, 0) + 1
        if name not in newest or number >= newest[name][0]:
            newest[name] = (number, item)
    return read_each((name, partial(_prompt, name, item, earlier.get(name, 0))) for name, (_, item) in newest.items())


def _prompt(name: str, item: dict[str, Any], earlier: int) -> ForeignPrompt:
    found = Fields(item)
    content = found.take("prompt", (str, list))
    if content is None:
        raise NotHeld(f"{name}: prompt is neither a text nor messages")
    require_names(content, "prompt", found)
    if _REFERENCE in str(content):
        found.lose("prompt", "a reference to another prompt stays as text: write the fragment as an include")
    if labels := found.texts("labels"):
        found.lose("labels", f"aliases are set in the registry: {', '.join(labels)}")
    if earlier:
        found.lose("version", f"{earlier} earlier {'version' if earlier == 1 else 'versions'}")
    found.drop("name", "type", "version", "id", "createdAt", "updatedAt", "projectId", "createdBy", "isActive")
    found.drop("resolutionGraph", "lastConfigUpdatedAt")
    body = {"template": content} if isinstance(content, str) else {"messages": _messages([*content])}
    fields = compact(
        template_format="mustache",
        metadata=compact(tags=found.texts("tags")),
        **body,
        **_settings(found.take("config", dict) or {}),
    )
    return ForeignPrompt(name, fields, found.rest())


def _settings(config: dict[str, Any]) -> dict[str, Any]:
    """Read what applications keep in the config: the settings of the model, its tools, and the schema of the answer."""
    rest = dict(config)
    if isinstance(rest.get("model"), str) and "name" not in rest:
        rest["name"] = rest.pop("model")
    fields: dict[str, Any] = {}
    if isinstance(rest.get("tools"), list) and all(isinstance(tool, dict) for tool in rest["tools"]):
        fields["tools"] = rest.pop("tools")
    if isinstance(rest.get("response_schema"), dict):
        fields["response_schema"] = rest.pop("response_schema")
    return compact(model=rest, **fields)


def _messages(items: list[Any]) -> list[dict[str, Any]]:
    written: list[dict[str, Any]] = []
    for at, item in enumerate(items):
        place = f"prompt[{at}]"
        if not isinstance(item, dict):
            raise NotHeld(f"{place} is not a message")
        if item.get("type") == "placeholder":
            written.append({"variable_name": str(item.get("name", ""))})
        else:
            written.append(message(item.get("role"), item.get("content"), place))
    return written
