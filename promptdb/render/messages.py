"""Messages as they go to a model, and what a caller may put into a placeholder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from promptdb.domain.spec import ROLE_SYNONYMS, Role
from promptdb.errors import RenderError

Content = str | list[Any]
_ROLES = get_args(Role)
_SPEAKERS = {"system": "System", "human": "Human", "ai": "AI", "tool": "Tool"}


@dataclass(frozen=True, slots=True)
class RenderedMessage:
    """`content` is text, or a list of content parts. `role_name` is set for role `generic` only."""

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
        return "".join(
            part["text"] for part in self.content if isinstance(part, dict) and isinstance(part.get("text"), str)
        )

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


def as_text(messages: Sequence[RenderedMessage]) -> str:
    """A chat as one text, a `Speaker: content` line per message, in the form LangChain uses."""
    return "\n".join(f"{message.speaker}: {message.text}" for message in messages)


def message_from(value: object, place: str) -> RenderedMessage:
    """One message a caller gave: a RenderedMessage, `{"role": ..., "content": ...}` or `(role, content)`.

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
    raise RenderError(
        f"{place} is not a message",
        'give {"role": "human", "content": "..."}, a (role, content) pair or a RenderedMessage',
    )


def _message(role: str, content: Content, rest: Mapping[str, Any], place: str) -> RenderedMessage:
    role = ROLE_SYNONYMS.get(role, role)
    role_name, name, kwargs = rest.get("role_name"), rest.get("name"), rest.get("additional_kwargs") or {}
    if role not in _ROLES or (role == "generic") != isinstance(role_name, str):
        allowed = ", ".join((*_ROLES, *ROLE_SYNONYMS))
        raise RenderError(f"{place} has a bad role {role!r}", f"roles are {allowed}; generic needs a role_name")
    if not (name is None or isinstance(name, str)) or not isinstance(kwargs, Mapping):
        raise RenderError(f"{place} has a bad field", "'name' is text, 'additional_kwargs' is an object")
    others = {key: item for key, item in rest.items() if key not in ("role_name", "name", "additional_kwargs")}
    return RenderedMessage(role, content, role_name, name, {**kwargs, **others})  # type: ignore[arg-type]
