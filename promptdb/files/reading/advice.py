"""Remedies for fields of a prompt file: the right form of a wrong value, and the place where a field belongs."""

import difflib
import json
from collections.abc import Collection
from typing import Any

from promptdb.domain.field_path import FieldPath

_OTHER_NAMES = {"inputs": "variables"} | dict.fromkeys(("content", "text", "prompt"), "template")
"""Names of other tools -> the name here."""

_METADATA = {name: name for name in ("title", "description", "tags", "owners", "labels", "user_version")}
_METADATA |= {"version": "user_version", "author": "owners", "authors": "owners", "owner": "owners", "tag": "tags"}
_LISTS = frozenset({"tags", "owners"})
_MODEL = frozenset(
    {"provider", "temperature", "max_tokens", "top_p", "top_k", "stop", "seed", "stream", "reasoning_effort"}
    | {"frequency_penalty", "presence_penalty", "max_output_tokens", "max_completion_tokens"}
)
_TYPES = {"str": "string", "text": "string", "int": "integer", "float": "number", "bool": "boolean", "list": "array"}
_TYPES |= {"dict": "object", "map": "object", "chat": "messages"}
_ROLES = frozenset({"system", "user", "human", "assistant", "ai", "developer", "tool"})
_PARTS = frozenset({"template", "messages", "template_file"})
_SHOWN = 40


def is_foreign(data: dict[str, Any], known: Collection[str]) -> bool:
    """Report whether fields are those of no prompt: they have no text, and none of them is a misspelt name of one."""
    others = [name for name in data if name not in known]
    return (
        bool(others)
        and _PARTS.isdisjoint(data)
        and not any(_OTHER_NAMES.get(name) or difflib.get_close_matches(name, _PARTS, 1) for name in others[:20])
    )


def for_unknown_field(path: FieldPath, value: Any, known: Collection[str]) -> str:
    """Say where a field belongs, or what its name may be. `known` are the names that have a meaning in its place."""
    name = str(path[-1])
    if " " in name and value is None:
        return "quote a value that contains a comma"
    if name in known:
        # Messages and placeholders share a place, but not their fields.
        return "a placeholder has no role and no template"
    if len(path) == 1 and (home := _home(name, value)) is not None:
        return home
    if path[0] == "messages" and name in _ROLES:
        return f"write 'role: {name}', and the text as 'template'"
    other = _OTHER_NAMES.get(name)
    near = [other] if other in known else difflib.get_close_matches(name, known, 1)
    return f"did you mean '{near[0]}'?" if near else f"fields here: {', '.join(known)}"


def for_wrong_value(path: FieldPath, value: Any, expected: Collection[str]) -> str | None:
    """Show the right form of a value where text, fields or a list are `expected`, or return None."""
    match path:
        case ("variables",) if isinstance(value, list):
            names = ", ".join(f"{name}: {{}}" for name in value[:3] if isinstance(name, str))
            more = ", ..." if len(value) > 3 else ""
            return f"write 'variables: {{{names}{more}}}', or list the names in 'input_variables'"
        case ("variables", str(name)):
            return f"write '{name}: {{{_variable(value)}}}'"
        case ("variables", _, "type") if isinstance(value, str) and value in _TYPES:
            return f"did you mean '{_TYPES[value]}'?"
        case ("model",) if isinstance(value, str):
            return f"write 'model: {{name: {_shown(value)}}}'"
        case ("messages",):
            text = "for a prompt of one text, use 'template'"
            return text if isinstance(value, str) else "begin each message with '- '"
    if "text" in expected and "a whole number" not in expected:
        return _quoted(value)
    return f"write a list: [{_shown(value)}]" if "a list" in expected and isinstance(value, str) else None


def _home(name: str, value: Any) -> str | None:
    if name == "name":
        return "the path of the file is the name of the prompt; for people, write 'metadata: {title: ...}'"
    if name in _METADATA:
        field = _METADATA[name]
        shown = f"[{_shown(value)}]" if field in _LISTS and not isinstance(value, list) else _shown(value)
        return f"write 'metadata: {{{field}: {shown}}}'"
    if name in _MODEL:
        return f"write 'model: {{{name}: {_shown(value)}}}'"
    return "a role belongs to each of the 'messages', or to the front matter of a text file" if name == "role" else None


def _variable(value: Any) -> str:
    if not isinstance(value, str):
        return "" if value is None else f"default: {_shown(value)}"
    return f"type: {_TYPES.get(value, value)}" if value in {*_TYPES, *_TYPES.values()} else "type: string"


def _quoted(value: Any) -> str | None:
    """Show a value in quotes as its author probably wrote it."""
    match value:
        case bool():
            return f'quote it: "{str(value).lower()}"'
        case int():
            return f'quote it: "{value}"'
        case float():
            # The data no longer shows how the author wrote it: 1.10 is 1.1 here.
            return "quote it"
        case dict() if list(value.values()) == [None]:
            text = f"{{{next(iter(value))}}}"
            return f'quote it: "{text}", since YAML reads braces as a mapping' if len(text) <= _SHOWN else "quote it"
        case dict():
            return "quote it, since YAML reads a mapping here"
        case list():
            return "quote it, since YAML reads a list here"
    return None


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if text and len(text) <= _SHOWN and "\n" not in text else "..."
