"""Messages for a model, and the forms in which a caller may pass them to a placeholder."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, get_args

from promptdb.domain.file_rules import ROLE_SYNONYMS
from promptdb.domain.spec import Role
from promptdb.errors import RenderError

Content = str | list[Any]
_ROLES = get_args(Role)
_SPEAKERS = {"system": "System", "human": "Human", "ai": "AI", "tool": "Tool"}
_LANGCHAIN_ROLES = {"AIMessageChunk": "ai", "chat": "generic", "function": "generic"}
"""Message types of LangChain that are not roles of promptdb."""


@dataclass(frozen=True, slots=True)
class RenderedMessage:
    """A message with text or a list of content parts. `role_name` is set for role `generic` only.

    `additional_kwargs` holds the other fields in the form of OpenAI's API, such as `tool_calls` and `tool_call_id`.
    """

    role: Role
    content: Content
    role_name: str | None = None
    name: str | None = None
    additional_kwargs: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"RenderedMessage({', '.join(f'{name}={value!r}' for name, value in self.as_dict().items())})"

    def __str__(self) -> str:
        return f"{self.speaker}: {self.text}"

    @property
    def speaker(self) -> str:
        return self.role_name or _SPEAKERS[self.role]

    @property
    def text(self) -> str:
        """The content, or the joined texts of its parts."""
        if isinstance(self.content, str):
            return self.content
        texts = (part.get("text") if isinstance(part, dict) else part for part in self.content)
        return "".join(text for text in texts if isinstance(text, str))

    def as_dict(self) -> dict[str, Any]:
        """Return the fields that are set, ready for JSON."""
        values = {
            "role": self.role,
            "role_name": self.role_name,
            "name": self.name,
            "content": self.content,
            "additional_kwargs": dict(self.additional_kwargs),
        }
        return {key: value for key, value in values.items() if value or key in ("role", "content")}

    def copy(self) -> "RenderedMessage":
        """Copy everything that a caller could change."""
        return replace(self, content=deepcopy(self.content), additional_kwargs=deepcopy(self.additional_kwargs))


class LangChainMessage(Protocol):
    """A message of LangChain, by the attributes that identify it."""

    @property
    def type(self) -> str: ...

    @property
    def content(self) -> str | list[Any]: ...

    @property
    def additional_kwargs(self) -> dict[str, Any]: ...


MessageLike = RenderedMessage | LangChainMessage | Mapping[str, Any] | tuple[str, Content]
"""The forms that `message_from` reads."""


def as_text(messages: Sequence[RenderedMessage]) -> str:
    """Write a chat as one text, with a line `Speaker: content` for each message, as LangChain does."""
    return "\n".join(f"{message.speaker}: {message.text}" for message in messages)


def message_from(value: object, place: str) -> RenderedMessage:
    """Read a caller's message: a RenderedMessage, a message of LangChain or OpenAI's API, or a `(role, content)` pair.

    Raises:
        RenderError: the value has none of these forms. The message names `place`.
    """
    match value:
        case RenderedMessage():
            return value
        case (str() as role, str() | list() as content):
            return _message(role, content, {}, place)
        case {"role": str() as role, "content": str() | list() as content, **rest}:
            return _message(role, content, rest, place)
        # OpenAI's API has messages without content that only call tools.
        case {"role": "assistant" | "ai" as role, "tool_calls": list() as calls, **rest} if rest.get("content") is None:
            others = {key: item for key, item in rest.items() if key != "content"}
            return _message(role, "", {"tool_calls": calls, **others}, place)
    if (found := _langchain_fields(value)) is not None:
        return _message(found.pop("role"), found.pop("content"), found, place)
    raise RenderError(
        f"{place} is not a message",
        'give {"role": "human", "content": "..."}, a (role, content) pair, a message of LangChain or a RenderedMessage',
    )


def _message(role: str, content: Content, rest: Mapping[Any, Any], place: str) -> RenderedMessage:
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
    others = {str(key): item for key, item in rest.items() if key not in ("role_name", "name", "additional_kwargs")}
    fields = {**kwargs, **others}
    if isinstance(calls := fields.get("tool_calls"), list):
        fields["tool_calls"] = [_openai_call(call, place) for call in calls]
    return RenderedMessage(role, content, role_name, name, fields)  # type: ignore[arg-type]


def _openai_call(call: Any, place: str) -> dict[str, Any]:
    """Convert a tool call from LangChain's form to OpenAI's, if it is not in that form already."""
    match call:
        case {"function": {"name": str(), "arguments": str() as text}}:
            # A model may have written arguments that are not JSON: its message goes back as it was.
            with suppress(ValueError, RecursionError):
                if not isinstance(json.loads(text or "{}"), dict):
                    raise RenderError(f"{place} has a tool call whose arguments are not a JSON object")
            return dict(call)
        case {"name": str() as name, "args": Mapping() as arguments, "id": call_id}:
            function = {"name": name, "arguments": json.dumps(arguments, ensure_ascii=False, default=str)}
            return {"id": call_id, "type": "function", "function": function}
    hint = "write {id, type: function, function: {name, arguments}}, with arguments as JSON text"
    raise RenderError(f"{place} has a tool call that cannot be read", hint)


def _langchain_fields(value: Any) -> dict[str, Any] | None:
    """Read a message of LangChain. Return None for any other value."""
    # Its attributes identify such a message: isinstance would need LangChain, which is slow to import.
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
