"""The array that Langfuse's pages import, at most 500 prompts."""

import re
from typing import Any

from promptdb.domain.spec import PromptSpec
from promptdb.neighbours.foreign import Loss
from promptdb.neighbours.outgoing.flat import FlatPlaceholder, without_optional
from promptdb.neighbours.outgoing.languages import LANGFUSE
from promptdb.neighbours.outgoing.origin import Origin
from promptdb.neighbours.outgoing.texts import ROLES, Texts
from promptdb.neighbours.outgoing.unheld import IN_TEXT, unheld

_LABEL = re.compile(r"[a-z0-9_.-]{1,36}")
_NOT_IMPORTED = frozenset({"production", "latest"})


def exported(spec: PromptSpec, origin: Origin) -> tuple[dict[str, Any], list[Loss]]:
    """Write one item. The values that a caller may leave out become text.

    Raises:
        NotHeld: a template has more than variables, or a message more than text.
    """
    losses = unheld(spec, {*IN_TEXT, "metadata.tags", "model", "tools", "response_schema"})
    written = content(spec, losses)
    labels = [alias for alias in origin.aliases if _LABEL.fullmatch(alias) and alias not in _NOT_IMPORTED]
    losses += [
        Loss(f"alias {alias}", "Langfuse does not import this label: set it there")
        for alias in origin.aliases
        if alias not in labels
    ]
    return {
        "name": origin.short_name,
        "type": "text" if spec.template is not None else "chat",
        "prompt": written,
        "config": config(spec, losses),
        "labels": labels,
        "tags": spec.metadata.tags,
    }, losses


def content(spec: PromptSpec, losses: list[Loss]) -> str | list[dict[str, Any]]:
    """Write the text of a string prompt, or the messages of a chat. Arguments as for `config`, errors as in `exported`."""
    prompt, in_text = without_optional(spec)
    losses += in_text
    texts = Texts(spec, LANGFUSE, losses)
    if spec.template is not None:
        return texts.whole(prompt)
    return [_message(item, losses) for item in texts.messages(prompt, {**ROLES, "generic": ""})]


def _message(item: tuple[str, str] | FlatPlaceholder, losses: list[Loss]) -> dict[str, Any]:
    if not isinstance(item, FlatPlaceholder):
        role, text = item
        return {"role": role, "content": text}
    if item.placeholder.optional:
        losses.append(Loss(f"{item.place}.optional", "placeholders there are required"))
    return {"type": "placeholder", "name": item.placeholder.variable_name}


def config(spec: PromptSpec, losses: list[Loss]) -> dict[str, Any]:
    """Return what applications keep there: the settings of the model, its tools, and the schema of the answer.

    Args:
        losses: gets what Langfuse cannot hold.
    """
    more = {"model": spec.model.get("name"), "tools": spec.tools, "response_schema": spec.response_schema}
    found = {name: value for name, value in more.items() if value}
    settings = {name: value for name, value in spec.model.items() if name != "name"}
    losses += [Loss(f"model.{name}", "another field has its name there") for name in settings if name in more]
    return {**settings, **found}
