"""Rows of a CSV file, with a string prompt in each."""

import csv
from collections.abc import Sequence
from io import StringIO
from typing import Any

from promptdb.domain.spec import PromptSpec
from promptdb.neighbours.foreign import Loss
from promptdb.neighbours.outgoing.origin import Origin
from promptdb.neighbours.outgoing.pieces import refuse
from promptdb.neighbours.outgoing.unheld import unheld

_COLUMNS = ("name", "title", "description", "prompt")


def exported(spec: PromptSpec, origin: Origin) -> tuple[dict[str, Any], list[Loss]]:
    """Write a row with the template as it is.

    Raises:
        NotHeld: the prompt is a chat, or has few-shot examples.
    """
    if spec.template is None:
        refuse("messages", "a chat")
    if spec.few_shot is not None:
        refuse("few_shot", "examples")
    if not spec.template.strip():
        refuse("template", "a blank text")
    losses = unheld(spec, {"metadata.title", "metadata.description"})
    if spec.template_format != "plain":
        losses.append(Loss("template_format", "a row does not say in which format its text is"))
    losses += [Loss(f"partial_variables.{name}", "a row has only the text") for name in spec.partial_variables]
    if spec.template.strip("\n") != spec.template:
        losses.append(Loss("template", "an import drops line breaks at both ends"))
    row = (origin.short_name, spec.metadata.title, spec.metadata.description, spec.template)
    return dict(zip(_COLUMNS, row, strict=True)), losses


def table(items: Sequence[dict[str, Any]]) -> str:
    """Write the rows below their columns."""
    text = StringIO(newline="")
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(items)
    return text.getvalue()
