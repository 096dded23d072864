"""A prompt without what most tools lack: fragments and examples are text, and templates are text and variables."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from promptdb.domain.field_path import FieldPath, place_of
from promptdb.domain.spec import FewShot, JsonObject, Message, Placeholder, PromptSpec, Role
from promptdb.neighbours.foreign import Loss, NotHeld
from promptdb.neighbours.outgoing.pieces import Pieces, Slot, Verbatim, joined, pieces_of, refuse
from promptdb.render.compiled import examples_variable
from promptdb.render.formats import CompiledTemplate, engine
from promptdb.render.templates import map_strings


@dataclass(frozen=True)
class FlatMessage:
    """A message of text, or of content parts whose texts are pieces. `original` is the template, if it is the same."""

    place: str
    message: Message
    content: Pieces | list[Any]
    original: object = None

    @property
    def role(self) -> Role:
        return self.message.role

    def text(self) -> Pieces:
        """Return the content of a message that has nothing but text.

        Raises:
            NotHeld: it has content parts.
        """
        if isinstance(self.content, list):
            refuse(self.place, "content parts")
        return self.content


@dataclass(frozen=True)
class FlatPlaceholder:
    place: str
    placeholder: Placeholder


@dataclass(frozen=True)
class FlatPrompt:
    """A string prompt with its `text`, or a chat with its `items`. `original` is the template, if it is the same."""

    text: Pieces
    items: tuple[FlatMessage | FlatPlaceholder, ...]
    original: object = None

    def filled(self, values: Mapping[str, Any]) -> "FlatPrompt":
        """Put values in the place of their variables."""
        items = tuple(_with(item, values) if isinstance(item, FlatMessage) else item for item in self.items)
        text = _filled(self.text, values)
        return FlatPrompt(text, items, self.original if text == self.text else None)


def flat(spec: PromptSpec) -> FlatPrompt:
    """Flatten a prompt.

    Raises:
        NotHeld: a template has more than text and variables, or the examples are in an asset.
    """
    examples = spec.few_shot
    if examples is not None and examples.examples_asset is not None:
        refuse("few_shot.examples_asset", "examples in an asset")
    if spec.template is not None:
        text = pieces_of(spec, spec.template, "template")
        filled = examples_variable(spec)
        shown = "" if examples is None else _examples_text(spec, examples)
        found = FlatPrompt(text, (), spec.template)
        return found if filled is None else found.filled({filled: shown})
    items: list[FlatMessage | FlatPlaceholder] = [
        _message(spec, item, place_of(("messages", index)))
        if isinstance(item, Message)
        else FlatPlaceholder(place_of(("messages", index)), item)
        for index, item in enumerate(spec.messages or ())
    ]
    if examples is not None:
        index = examples.insert_at
        if not isinstance(index, int):
            roles = [item.role if isinstance(item, FlatMessage) else None for item in items]
            index = next((at for at, role in enumerate(roles) if role != "system"), len(roles))
        items[index:index] = _example_messages(spec, examples)
    return FlatPrompt((), tuple(items))


class Absent(str):
    """The value of an optional variable without one: empty in any format."""

    def __format__(self, spec: str) -> str:
        return ""

    def __repr__(self) -> str:
        return ""


def fixed_values(spec: PromptSpec) -> dict[str, Any]:
    """Return the values that a caller may leave out. A variable without a default is empty."""
    declared = {name: found for name, found in (spec.variables or {}).items() if not found.required}
    values: dict[str, Any] = {
        **{name: Absent() if found.default is None else found.default for name, found in declared.items()},
        **spec.partial_variables,
    }
    is_nothing = spec.template_format == "mustache"
    return {name: "" if value is None and is_nothing else value for name, value in values.items()}


def without_optional(spec: PromptSpec) -> tuple[FlatPrompt, list[Loss]]:
    """Flatten a prompt for tools in which a caller gives every variable: the others become text."""
    values = fixed_values(spec)
    losses = [
        Loss(
            f"variables.{name}", "it is left out" if isinstance(value, Absent) else f"the text has its value {value!r}"
        )
        for name, value in values.items()
    ]
    return flat(spec).filled(values), losses


def verbatim_jinja(spec: PromptSpec) -> FlatPrompt | None:
    """Return a jinja2 prompt with its templates as they are, or None if it is none, or has examples."""
    if spec.template_format != "jinja2" or spec.few_shot is not None:
        return None
    if spec.template is not None:
        return FlatPrompt((Verbatim(spec.template),), ())
    items = (
        FlatPlaceholder(place_of(("messages", index)), item)
        if isinstance(item, Placeholder)
        else FlatMessage(place_of(("messages", index)), item, _verbatim(item))
        for index, item in enumerate(spec.messages or ())
    )
    return FlatPrompt((), tuple(items))


def _verbatim(message: Message) -> Pieces | list[Any]:
    return [*message.template] if isinstance(message.template, list) else (Verbatim(message.template),)


def _message(spec: PromptSpec, message: Message, place: str) -> FlatMessage:
    where = f"{place}.template"
    content = map_strings(message.template, (), lambda _, text: pieces_of(spec, text, where))
    return FlatMessage(place, message, content, message.template)


def _with(item: FlatMessage, values: Mapping[str, Any]) -> FlatMessage:
    content = _filled(item.content, values)
    return replace(item, content=content, original=item.original if content == item.content else None)


def _example_messages(spec: PromptSpec, few_shot: FewShot) -> Iterator[FlatMessage]:
    for example in few_shot.examples:
        for index, message in enumerate(few_shot.chat_messages or ()):
            content = map_strings(message.template, (), partial(_rendered, spec, example))
            yield FlatMessage(place_of(("few_shot", "chat_messages", index)), message, content)


def _rendered(spec: PromptSpec, example: JsonObject, _: FieldPath, text: str) -> Pieces:
    return joined((_compiled(spec, text).render(example),))


def _examples_text(spec: PromptSpec, few_shot: FewShot) -> str:
    example = _compiled(spec, few_shot.string_template or "")
    return few_shot.example_separator.join(map(example.render, few_shot.examples))


def _compiled(spec: PromptSpec, text: str) -> CompiledTemplate:
    return engine(spec.template_format, spec.undefined).compile_template(text, spec.includes)


def _filled(content: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(content, list):
        return [_filled(item, values) for item in content]
    if isinstance(content, dict):
        return {key: item if key == "type" else _filled(item, values) for key, item in content.items()}
    if not isinstance(content, tuple):
        return content
    return joined(
        _as_text(piece, values[piece.name]) if isinstance(piece, Slot) and piece.name in values else piece
        for piece in content
    )


def _as_text(slot: Slot, value: Any) -> str:
    try:
        return str(slot).replace(slot.name, "value", 1).format(value=value)
    except (ValueError, TypeError) as error:
        raise NotHeld(f"{slot}: the default does not fit: {error}") from error
