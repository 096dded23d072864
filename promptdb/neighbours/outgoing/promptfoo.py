"""Prompt files of promptfoo: chats in JSON."""

from typing import Any

from promptdb.domain.spec import PromptSpec
from promptdb.neighbours.foreign import Loss
from promptdb.neighbours.outgoing.flat import without_optional
from promptdb.neighbours.outgoing.languages import NUNJUCKS
from promptdb.neighbours.outgoing.origin import Origin
from promptdb.neighbours.outgoing.texts import Texts
from promptdb.neighbours.outgoing.unheld import IN_TEXT, unheld


def exported(spec: PromptSpec, origin: Origin) -> tuple[list[dict[str, Any]], list[Loss]]:  # noqa: ARG001  like its siblings
    """Write a chat. A text is a message of the user.

    Raises:
        NotHeld: a template has more than variables, a message more than text, or there is a placeholder.
    """
    prompt, losses = without_optional(spec)
    losses += unheld(spec, IN_TEXT)
    texts = Texts(spec, NUNJUCKS, losses)
    return [{"role": role, "content": text} for role, text in texts.plain_messages(prompt)], losses
