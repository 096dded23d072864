"""Dotprompt files: front matter, and a Handlebars template with markers for roles."""

from typing import Any

from promptdb.domain.spec import PromptSpec, Variable
from promptdb.neighbours.foreign import Loss
from promptdb.neighbours.outgoing.files import with_front_matter
from promptdb.neighbours.outgoing.flat import FlatPlaceholder, FlatPrompt, flat
from promptdb.neighbours.outgoing.languages import HANDLEBARS
from promptdb.neighbours.outgoing.origin import Origin
from promptdb.neighbours.outgoing.pieces import refuse
from promptdb.neighbours.outgoing.texts import Texts, model_of, require_edges
from promptdb.neighbours.outgoing.unheld import IN_TEXT, unheld

_ROLES = {"system": "system", "human": "user", "ai": "model"}
_HELD = {"metadata.title", "metadata.description", "model", "response_schema", "variables", *IN_TEXT}
_INPUTS = {"variables.type", "variables.description", "variables.enum"}


def exported(spec: PromptSpec, origin: Origin) -> tuple[str, list[Loss]]:  # noqa: ARG001  like its siblings
    """Write a prompt, with its contract as the schema and the defaults of its input.

    Raises:
        NotHeld: a template has more than variables, a message more than text, or there are several placeholders.
    """
    prompt = flat(spec).filled(spec.partial_variables)
    losses = unheld(spec, {*_HELD, *_INPUTS})
    losses += [
        Loss(f"partial_variables.{name}", f"the text has its value {value!r}")
        for name, value in spec.partial_variables.items()
    ]
    name, settings = model_of(spec, losses)
    fields: dict[str, Any] = {
        "name": spec.metadata.title,
        "description": spec.metadata.description,
        "model": name,
        "config": settings,
        "input": _input(spec, losses),
        "output": None if spec.response_schema is None else {"format": "json", "schema": spec.response_schema},
    }
    body = _body(spec, prompt, losses)
    given = {key: value for key, value in fields.items() if value not in (None, {}, [])}
    if not given and body.startswith("---"):
        refuse("template", "a text that starts as front matter does")
    # Without front matter, a line break at the end is part of the text.
    return with_front_matter(given, body) if given else body, losses


def _body(spec: PromptSpec, prompt: FlatPrompt, losses: list[Loss]) -> str:
    texts = Texts(spec, HANDLEBARS, losses)
    if spec.template is not None:
        return _text(texts.whole(prompt), "template", losses)
    found: list[str] = []
    has_history = False
    for at, item in enumerate(texts.messages(prompt, _ROLES)):
        if found and found[-1].endswith(HANDLEBARS.closed_before):
            refuse(f"message {at}", f"{found[-1][-1]!r} at the end of a text that another message follows")
        if isinstance(item, FlatPlaceholder):
            if has_history:
                refuse(item.place, "a second placeholder")
            has_history = True
            if item.placeholder.variable_name != "history":
                losses.append(Loss(f"{item.place}.variable_name", "the messages there are the history"))
            if not item.placeholder.optional:
                losses.append(Loss(f"{item.place}.optional", "the history there is optional"))
            found.append("{{history}}")
        else:
            # No line break before the text: it would be part of the message.
            found.append(f'{{{{role "{item[0]}"}}}}{_text(item[1], f"message {at + 1}", losses)}')
    return "".join(found)


def _text(text: str, place: str, losses: list[Loss]) -> str:
    if not text.strip():
        refuse(place, "a blank text, which is not a message there")
    return require_edges(text, place, losses)


def _input(spec: PromptSpec, losses: list[Loss]) -> dict[str, Any]:
    variables = spec.variables or {}
    if not variables:
        return {}
    losses += [
        Loss(f"variables.{name}.type", "a schema has no messages")
        for name, one in variables.items()
        if one.type == "messages"
    ]
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {name: _property(variable) for name, variable in variables.items()},
    }
    if required := [name for name, variable in variables.items() if variable.required]:
        schema["required"] = required
    defaults = {name: variable.default for name, variable in variables.items() if variable.default is not None}
    return {"schema": schema, **({"default": defaults} if defaults else {})}


def _property(variable: Variable) -> dict[str, Any]:
    fields = {
        "type": variable.type if variable.type != "messages" else None,
        "description": variable.description,
        "enum": variable.enum,
    }
    return {name: value for name, value in fields.items() if value is not None}
