"""Prompts of MLflow as JSON: one version, or a list of them, with the fields of its class `PromptVersion`."""

from typing import Any

from promptdb.neighbours.foreign import Fields, ForeignPrompt, NotHeld, compact, message
from promptdb.neighbours.reading import json_in

SUFFIXES = (".json",)


def read(data: bytes) -> list[ForeignPrompt]:
    """Read all prompts, each in its newest version."""
    found = json_in(data)
    items = found if isinstance(found, list) else [found]
    newest: dict[str, dict[str, Any]] = {}
    for at, item in enumerate(items):
        if not isinstance(item, dict) or not isinstance(item.get("name"), str) or "template" not in item:
            raise NotHeld(f"[{at}] is not a version of a prompt: it needs a name and a template")
        before = newest.get(item["name"])
        if before is None or _version(item) >= _version(before):
            newest[item["name"]] = item
    return [_prompt(name, item, sum(other.get("name") == name for other in items)) for name, item in newest.items()]


def _version(item: dict[str, Any]) -> int:
    version = item.get("version")
    return int(version) if isinstance(version, int) or (isinstance(version, str) and version.isdecimal()) else 0


def _prompt(name: str, item: dict[str, Any], versions: int) -> ForeignPrompt:
    found = Fields(item)
    template = found.take("template", (str, list))
    if template is None:
        raise NotHeld(f"{name}: template is neither a text nor messages")
    if versions > 1:
        found.lose("version", f"{versions - 1} earlier {'version' if versions == 2 else 'versions'}")
    if aliases := found.texts("aliases"):
        found.lose("aliases", f"aliases are set in the registry: {', '.join(aliases)}")
    found.drop("name", "version", "creation_timestamp", "last_updated_timestamp", "user_id", "uri", "prompt_type")
    tags = found.take("tags", dict) or {}
    labels = {
        str(key): value for key, value in tags.items() if isinstance(value, str) and not key.startswith("mlflow.")
    }
    schema, form = found.take("response_format", dict), "messages" if isinstance(template, list) else "template"
    fields = compact(
        template_format="mustache",
        metadata=compact(description=found.text("commit_message"), labels=labels),
        **{form: _messages(template) if isinstance(template, list) else template},
        model=found.take("model_config", dict),
        response_schema=schema,
    )
    return ForeignPrompt(name, fields, found.rest())


def _messages(items: list[Any]) -> list[dict[str, Any]]:
    if not all(isinstance(item, dict) for item in items):
        raise NotHeld("template: one of the messages has no fields")
    return [message(item.get("role"), item.get("content"), f"template[{at}]") for at, item in enumerate(items)]
