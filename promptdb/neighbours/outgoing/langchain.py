"""LangChain's `dumpd` JSON, which `langchain_core.load.load` reads."""

from collections.abc import Iterable, Mapping
from typing import Any

from promptdb.domain.spec import PromptSpec, Role
from promptdb.neighbours.foreign import Loss, NotHeld
from promptdb.neighbours.outgoing.flat import Absent, FlatMessage, FlatPlaceholder, fixed_values, flat
from promptdb.neighbours.outgoing.languages import FString
from promptdb.neighbours.outgoing.origin import Origin
from promptdb.neighbours.outgoing.pieces import Pieces, refuse, slots
from promptdb.neighbours.outgoing.texts import Texts
from promptdb.neighbours.outgoing.unheld import unheld

Node = dict[str, Any]

_MESSAGES: Mapping[Role, str] = {
    "system": "SystemMessagePromptTemplate",
    "human": "HumanMessagePromptTemplate",
    "ai": "AIMessagePromptTemplate",
    "generic": "ChatMessagePromptTemplate",
}


def exported(spec: PromptSpec, origin: Origin) -> tuple[Node, list[Loss]]:  # noqa: ARG001  like its siblings
    """Write a PromptTemplate or a ChatPromptTemplate. Values that a caller may leave out become partial variables.

    Raises:
        NotHeld: a template, role or content part has no form in LangChain.
    """
    prompt, partial = flat(spec), fixed_values(spec)
    losses = unheld(spec, {"variables.default", "variables.required"})
    texts = Texts(spec, FString(), losses)
    if spec.template is not None:
        return _template(prompt.text, texts.whole(prompt), _used(partial, prompt.text, losses)), losses
    slots_of = [item for item in prompt.items if isinstance(item, FlatPlaceholder)]
    everything = tuple(piece for item in prompt.items if isinstance(item, FlatMessage) for piece in _all(item.content))
    used = _used(partial, everything, losses)
    needed = {item.placeholder.variable_name for item in slots_of if not item.placeholder.optional}
    optional = sorted({item.placeholder.variable_name for item in slots_of if item.placeholder.optional})
    fields: Node = {"input_variables": sorted({*_names(everything), *needed} - used.keys())}
    if optional:
        fields["optional_variables"] = optional
    if used:
        fields["partial_variables"] = used
    fields["messages"] = [
        _placeholder(item) if isinstance(item, FlatPlaceholder) else _message(item, texts, losses)
        for item in prompt.items
    ]
    return _node("chat", "ChatPromptTemplate", fields), losses


def _message(item: FlatMessage, texts: Texts, losses: list[Loss]) -> Node:
    message = item.message
    if message.role not in _MESSAGES:
        refuse(item.place, f"a message of role {message.role!r}")
    if message.name is not None:
        losses.append(Loss(f"{item.place}.name", "LangChain's templates of messages have no name"))
    fields: Node = {"prompt": _content(item, texts)}
    if message.role_name is not None:
        fields["role"] = message.role_name
    if message.additional_kwargs:
        fields["additional_kwargs"] = message.additional_kwargs
    return _node("chat", _MESSAGES[message.role], fields)


def _content(item: FlatMessage, texts: Texts) -> Node | list[Node]:
    if isinstance(item.content, list):
        if item.role == "generic":
            refuse(item.place, "content parts in a message of role 'generic'")
        return [_part(part, f"{item.place}.template[{index}]") for index, part in enumerate(item.content)]
    text = texts.text(item.content, item.original, f"{item.place}.template")
    return _template(item.content, text, {})


def _part(part: Node, place: str) -> Node:
    match part:
        case {"type": "text", "text": tuple() as text} if len(part) == 2:
            return _template(text, FString().written(text), {})
        case {"type": "image_url", "image_url": dict() as image} if len(part) == 2 and set(image) <= {"url", "detail"}:
            texts = {key: FString().written(value) for key, value in image.items()}
            if texts.get("url", "").startswith("asset:"):
                refuse(f"{place}.image_url.url", "an image in an asset")
            names = sorted({name for value in image.values() for name in _names(value)})
            fields = {"input_variables": names, "template": texts, "template_format": "f-string"}
            return _node("image", "ImagePromptTemplate", fields)
    raise NotHeld(f"{place}: there is no form for a content part of type {part.get('type')!r} with these fields")


def _placeholder(item: FlatPlaceholder) -> Node:
    fields: Node = {"variable_name": item.placeholder.variable_name}
    if item.placeholder.optional:
        fields["optional"] = True
    return _node("chat", "MessagesPlaceholder", fields)


def _template(pieces: Pieces, text: str, partial: Mapping[str, Any]) -> Node:
    fields: Node = {"input_variables": sorted(_names(pieces) - partial.keys())}
    if partial:
        fields["partial_variables"] = dict(partial)
    return _node("prompt", "PromptTemplate", {**fields, "template": text, "template_format": "f-string"})


def _node(module: str, name: str, fields: Node) -> Node:
    return {"lc": 1, "type": "constructor", "id": ["langchain", "prompts", module, name], "kwargs": fields}


def _names(pieces: Pieces) -> set[str]:
    return {slot.name for slot in slots(pieces)}


def _used(values: Mapping[str, Any], pieces: Pieces, losses: list[Loss]) -> dict[str, Any]:
    """Return the values that the templates use."""
    names = _names(pieces)
    losses += [Loss(f"partial_variables.{name}", "no template uses it") for name in values if name not in names]
    for slot in slots(pieces):
        if slot.form and isinstance(values.get(slot.name), Absent):
            refuse(f"variables.{slot.name}", f"an optional variable with the format {slot}")
    return {name: value for name, value in values.items() if name in names}


def _all(content: Any) -> Iterable[Any]:
    """Collect the pieces in a content, however deep."""
    if isinstance(content, tuple):
        return content
    inner = content.values() if isinstance(content, dict) else content if isinstance(content, list) else ()
    return [piece for item in inner for piece in _all(item)]
