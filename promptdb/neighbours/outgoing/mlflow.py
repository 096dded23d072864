"""A version of MLflow's prompt registry, with the fields of its class `PromptVersion`."""

from typing import Any

from promptdb.domain.spec import PromptSpec
from promptdb.neighbours.foreign import Loss
from promptdb.neighbours.outgoing.flat import without_optional
from promptdb.neighbours.outgoing.languages import MLFLOW
from promptdb.neighbours.outgoing.origin import Origin
from promptdb.neighbours.outgoing.texts import Texts
from promptdb.neighbours.outgoing.unheld import IN_TEXT, unheld

_HELD = {*IN_TEXT, "metadata.description", "metadata.labels", "model", "response_schema"}

SEPARATOR = "."
"""It stands for `/` in names."""


def exported(spec: PromptSpec, origin: Origin) -> tuple[dict[str, Any], list[Loss]]:
    """Write a version. The description is its commit message, and labels are its tags.

    Raises:
        NotHeld: a template has more than variables, a message more than text, or there is a placeholder.
    """
    prompt, losses = without_optional(spec)
    losses += unheld(spec, _HELD)
    texts = Texts(spec, MLFLOW, losses)
    template: Any = (
        texts.whole(prompt)
        if spec.template is not None
        else [{"role": role, "content": text} for role, text in texts.plain_messages(prompt)]
    )
    fields = {
        "name": origin.flat_name(SEPARATOR),
        "template": template,
        "commit_message": spec.metadata.description,
        "tags": spec.metadata.labels,
        "aliases": list(origin.aliases),
        "response_format": spec.response_schema,
        "model_config": spec.model,
    }
    return {name: value for name, value in fields.items() if value not in (None, {}, [])}, losses
