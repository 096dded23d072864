"""The texts of a prompt in the language of a tool, and its messages where they have a role and a text."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from promptdb.domain.spec import PromptSpec, TemplateFormat
from promptdb.neighbours.foreign import Loss
from promptdb.neighbours.outgoing.flat import FlatMessage, FlatPlaceholder, FlatPrompt
from promptdb.neighbours.outgoing.pieces import Pieces, Verbatim, refuse

ROLES = {"system": "system", "human": "user", "ai": "assistant", "tool": "tool"}

_TAG = re.compile(r"\{\{[ \t]*(\w+)[ \t]*\}\}")


class Language(Protocol):
    """A template language of a tool. `read_as` is the format that an import gives it."""

    @property
    def read_as(self) -> TemplateFormat: ...

    def written(self, pieces: Pieces, place: str) -> str:
        """Write a template. Raise NotHeld if the language has no form for it."""


class Texts:
    """Writes the templates of one prompt, and collects what changes."""

    def __init__(self, spec: PromptSpec, language: Language, losses: list[Loss]) -> None:
        self._spec, self._language, self._losses = spec, language, losses
        self._is_same = spec.template_format == language.read_as
        if not self._is_same:
            losses.append(Loss("template_format", f"the templates became {language.read_as}"))

    def text(self, pieces: Pieces, original: object, place: str) -> str:
        """Write a template, as it was if that means the same."""
        match pieces:
            case (Verbatim(text),):
                return text
        found = self._language.written(pieces, place)
        if self._is_same and isinstance(original, str) and found != original:
            if _TAG.sub(r"{{\1}}", original) == _TAG.sub(r"{{\1}}", found):
                return original
            self._losses.append(Loss(place, "the same text is written in another way"))
        return found

    def whole(self, prompt: FlatPrompt) -> str:
        """Write a string prompt."""
        return self.text(prompt.text, prompt.original, "template")

    def messages(
        self, prompt: FlatPrompt, roles: Mapping[str, str] = ROLES
    ) -> Iterator[tuple[str, str] | FlatPlaceholder]:
        """Write the messages of a chat as pairs of role and text. A string prompt is one of the user.

        Raises:
            NotHeld: a role is not in `roles`, or a message has content parts.
        """
        if self._spec.template is not None:
            self._losses.append(Loss("template", "the text became a message of the user"))
            yield roles["human"], self.whole(prompt)
        for item in prompt.items:
            yield self._message(item, roles) if isinstance(item, FlatMessage) else item

    def plain_messages(self, prompt: FlatPrompt, roles: Mapping[str, str] = ROLES) -> Iterator[tuple[str, str]]:
        """Write the messages of a chat for tools without placeholders. Raises `NotHeld` for one."""
        for item in self.messages(prompt, roles):
            if isinstance(item, FlatPlaceholder):
                refuse(item.place, "a placeholder")
            yield item

    def _message(self, item: FlatMessage, roles: Mapping[str, str]) -> tuple[str, str]:
        message = item.message
        if message.role not in roles and not (message.role_name and "generic" in roles):
            refuse(item.place, f"a message of role {message.role!r}")
        for field, value in (("name", message.name), ("additional_kwargs", message.additional_kwargs)):
            if value:
                self._losses.append(Loss(f"{item.place}.{field}", "messages there have a role and a text"))
        text = self.text(item.text(), item.original, f"{item.place}.template")
        return message.role_name or roles[message.role], text


def require_edges(text: str, place: str, losses: list[Loss]) -> str:
    """Return a text, and lose its white space at both ends."""
    if text.strip() != text or not text:
        losses.append(Loss(place, "white space at both ends is not part of a text there"))
    return text


def model_of(spec: PromptSpec, losses: list[Loss]) -> tuple[str | None, dict[str, Any]]:
    """Split the settings of the model into its name and the others, for tools that know no provider."""
    settings = dict(spec.model)
    name = settings.pop("name", None)
    if settings.pop("provider", None) is not None:
        losses.append(Loss("model.provider", "the format has no place for it"))
    if name is not None and not isinstance(name, str):
        losses.append(Loss("model.name", "it is not a text"))
        return None, settings
    return name, settings
