"""Prompts of MLflow as JSON: one version, or a list of them, with the fields of its class `PromptVersion`."""

from collections import Counter
from functools import partial
from typing import Any

from promptdb.neighbours.foreign import Fields, ForeignPrompt, NotHeld, Unread, compact, message, read_each
from promptdb.neighbours.incoming.braces import require_names
from promptdb.neighbours.reading import json_in

SUFFIXES = (".json",)

_OWN = ("mlflow.", "_mlflow_")
_OF_MODEL_VERSION = ("description", "source", "run_id", "run_link", "status", "status_message", "current_stage")


def read(data: bytes) -> list[ForeignPrompt | Unread]:
    """Read all prompts, each in its newest version."""
    found = json_in(data)
    items = [_of_tags(item) for item in (found if isinstance(found, list) else [found])]
    newest: dict[str, dict[str, Any]] = {}
    for at, item in enumerate(items):
        if not isinstance(item, dict) or not isinstance(item.get("name"), str) or "template" not in item:
            raise NotHeld(f"[{at}] is not a version of a prompt: it needs a name and a template")
        before = newest.get(item["name"])
        if before is None or _version(item) >= _version(before):
            newest[item["name"]] = item
    versions = Counter(item["name"] for item in items)
    return read_each((name, partial(_prompt, name, item, versions[name])) for name, item in newest.items())


def _of_tags(item: Any) -> Any:
    """Write a model version, which keeps its prompt in tags, as the prompt version that it is."""
    tags = item.get("tags") if isinstance(item, dict) and "template" not in item else None
    if isinstance(tags, list):
        tags = {str(tag.get("key")): tag.get("value") for tag in tags if isinstance(tag, dict)}
    if not isinstance(tags, dict) or not isinstance(text := tags.get("mlflow.prompt.text"), str):
        return item
    template = json_in(text.encode()) if tags.get("_mlflow_prompt_type") == "chat" else text
    settings = {
        name: json_in(value.encode())
        for name in ("response_format", "model_config")
        if isinstance(value := tags.get(f"_mlflow_prompt_{name}"), str)
    }
    commit = compact(commit_message=item.get("description"))
    rest = {name: value for name, value in item.items() if name not in _OF_MODEL_VERSION}
    return {**rest, **commit, **settings, "template": template, "tags": tags}


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
    labels = {str(key): value for key, value in tags.items() if not str(key).startswith(_OWN)}
    for key in [key for key, value in labels.items() if not isinstance(value, str)]:
        found.lose(f"tags.{key}", "a label is a text")
        del labels[key]
    schema, form = found.take("response_format", dict), "messages" if isinstance(template, list) else "template"
    # As its `format` decides.
    is_jinja = "{%" in str(template) and "%}" in str(template)
    if not is_jinja:
        require_names(template, "template", found)
    fields = compact(
        template_format="jinja2" if is_jinja else "mustache",
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
