"""Messages as they go to a model, and what a caller may put into a placeholder."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, get_args

from promptdb.domain.spec import ROLE_SYNONYMS, Role
from promptdb.errors import RenderError

Content = str | list[Any]
_ROLES = get_args(Role)
_SPEAKERS = {"system": "System", "human": "Human", "ai": "AI", "tool": "Tool"}
_LANGCHAIN_ROLES = {"AIMessageChunk": "ai", "chat": "generic", "function": "generic"}
"""Types of LangChain's messages that are not roles of ours."""


@dataclass(frozen=True, slots=True)
class RenderedMessage:
    """`content` is text, or a list of content parts. `role_name` is set for role `generic` only.

    `additional_kwargs` holds whatever else the message says, in the form of OpenAI's API: `tool_calls`, `tool_call_id`.
    """

    role: Role
    content: Content
    role_name: str | None = None
    name: str | None = None
    additional_kwargs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def speaker(self) -> str:
        return self.role_name or _SPEAKERS[self.role]

    @property
    def text(self) -> str:
        """The content, or the texts among its parts put together."""
        if isinstance(self.content, str):
            return self.content
        return "".join(map(_text_of, self.content))

    def as_dict(self) -> dict[str, Any]:
        """For JSON: the fields that are set."""
        values = {
            "role": self.role,
            "role_name": self.role_name,
            "name": self.name,
            "content": self.content,
            "additional_kwargs": dict(self.additional_kwargs),
        }
        return {key: value for key, value in values.items() if value or key in ("role", "content")}

    def copy(self) -> "RenderedMessage":
        """One that shares nothing a caller could change."""
        content = self.content if isinstance(self.content, str) else deepcopy(self.content)
        return RenderedMessage(self.role, content, self.role_name, self.name, deepcopy(self.additional_kwargs))


def as_text(messages: Sequence[RenderedMessage]) -> str:
    """A chat as one text, a `Speaker: content` line per message, in the form LangChain uses."""
    return "\n".join(f"{message.speaker}: {message.text}" for message in messages)


def message_from(value: object, place: str) -> RenderedMessage:
    """One message a caller gave: a RenderedMessage, a message of LangChain or OpenAI's API, or a `(role, content)` pair.

    Raises:
        RenderError: it is none of these, naming `place`.
    """
    match value:
        case RenderedMessage():
            return value
        case (str() as role, str() | list() as content):
            return _message(role, content, {}, place)
        case {"role": str() as role, "content": str() | list() as content, **rest}:
            return _message(role, content, {str(key): item for key, item in rest.items()}, place)
        case {"role": "assistant" | "ai" as role, "tool_calls": list(), **rest} if rest.get("content") is None:
            fields = {str(key): item for key, item in value.items() if key not in ("role", "content")}  # type: ignore[attr-defined]
            return _message(role, "", fields, place)
    if (found := _langchain_fields(value)) is not None:
        return _message(found.pop("role"), found.pop("content"), found, place)
    raise RenderError(
        f"{place} is not a message",
        'give {"role": "human", "content": "..."}, a (role, content) pair, a message of LangChain or a RenderedMessage',
    )


def _message(role: str, content: Content, rest: Mapping[str, Any], place: str) -> RenderedMessage:
    role = ROLE_SYNONYMS.get(role, role)
    role_name, name, kwargs = rest.get("role_name"), rest.get("name"), rest.get("additional_kwargs") or {}
    if role not in _ROLES or (role == "generic") != isinstance(role_name, str):
        allowed = ", ".join((*_ROLES, *ROLE_SYNONYMS))
        raise RenderError(f"{place} has a bad role {role!r}", f"roles are {allowed}; generic needs a role_name")
    if not (name is None or isinstance(name, str)) or not isinstance(kwargs, Mapping):
        raise RenderError(f"{place} has a bad field", "'name' is text, 'additional_kwargs' is an object")
    if not isinstance(content, str) and not all(isinstance(part, str | dict) for part in content):
        raise RenderError(
            f"{place} has a bad content part", "a part is text or an object such as {'type': 'text', ...}"
        )
    others = {key: item for key, item in rest.items() if key not in ("role_name", "name", "additional_kwargs")}
    fields = {**kwargs, **others}
    if isinstance(calls := fields.get("tool_calls"), list):
        fields["tool_calls"] = [_call(call, place) for call in calls]
    return RenderedMessage(role, content, role_name, name, fields)  # type: ignore[arg-type]


def _call(call: Any, place: str) -> dict[str, Any]:
    """A call of a tool in OpenAI's form, which may have been in LangChain's."""
    match call:
        case {"function": {"name": str(), "arguments": str() as arguments}}:
            arguments_given: Any = {}
            with suppress(ValueError, RecursionError):  # what is no JSON is what the model wrote
                arguments_given = json.loads(arguments or "{}")
            if not isinstance(arguments_given, dict):
                raise RenderError(f"{place} has a tool call whose arguments are no JSON object")
            return dict(call)
        case {"name": str(), "args": Mapping(), "id": _}:
            return _openai_call(call)
    hint = "write {id, type: function, function: {name, arguments}}, with arguments as JSON text"
    raise RenderError(f"{place} has a tool call that cannot be read", hint)


def _langchain_fields(value: Any) -> dict[str, Any] | None:
    """Of a message of LangChain, known by its attributes: it is never imported to look. None for anything else."""
    kind, content, kwargs = (getattr(value, name, None) for name in ("type", "content", "additional_kwargs"))
    if not isinstance(kind, str) or not isinstance(content, str | list) or not isinstance(kwargs, dict):
        return None
    role = _LANGCHAIN_ROLES.get(kind, kind)
    fields = {"role": role, "content": content, "name": getattr(value, "name", None), "additional_kwargs": dict(kwargs)}
    if role == "generic":
        fields["role_name"] = getattr(value, "role", kind)
    if calls := getattr(value, "tool_calls", None):
        fields["tool_calls"] = list(calls)
    if role == "tool":
        fields["tool_call_id"] = getattr(value, "tool_call_id", None)
    return fields


def _openai_call(call: Mapping[str, Any]) -> dict[str, Any]:
    function = {"name": call["name"], "arguments": json.dumps(call["args"], ensure_ascii=False, default=str)}
    return {"id": call["id"], "type": "function", "function": function}


def _text_of(part: object) -> str:
    if isinstance(part, dict):
        part = part.get("text")
    return part if isinstance(part, str) else ""
