"""Prompt files of GitHub Models, `*.prompt.yml`."""

import json
from typing import Any

from promptdb.domain.spec import PromptSpec
from promptdb.neighbours.foreign import Loss
from promptdb.neighbours.outgoing.flat import without_optional
from promptdb.neighbours.outgoing.languages import PLAIN_BRACES
from promptdb.neighbours.outgoing.origin import Origin
from promptdb.neighbours.outgoing.texts import Texts, model_of
from promptdb.neighbours.outgoing.unheld import IN_TEXT, unheld

_ROLES = {"system": "system", "human": "user", "ai": "assistant"}
_HELD = {*IN_TEXT, "metadata.title", "metadata.description", "model", "response_schema"}


def exported(spec: PromptSpec, origin: Origin) -> tuple[dict[str, Any], list[Loss]]:
    """Write a prompt. A text is a message of the user.

    Raises:
        NotHeld: a template has more than variables, a message more than text, or there is a placeholder.
    """
    prompt, losses = without_optional(spec)
    losses += unheld(spec, _HELD)
    name, settings = model_of(spec, losses)
    texts = Texts(spec, PLAIN_BRACES, losses)
    fields: dict[str, Any] = {
        "name": spec.metadata.title,
        "description": spec.metadata.description,
        "model": name,
        "modelParameters": settings,
        "messages": [{"role": role, "content": text} for role, text in texts.plain_messages(prompt, _ROLES)],
    }
    if spec.response_schema is not None:
        schema = {"name": origin.flat_name("_"), "schema": spec.response_schema}
        fields |= {"responseFormat": "json_schema", "jsonSchema": json.dumps(schema, ensure_ascii=False, indent=2)}
    return {name: value for name, value in fields.items() if value not in (None, {}, [])}, losses
