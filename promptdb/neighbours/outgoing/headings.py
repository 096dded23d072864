"""Texts in jinja2 with headings for roles, such as `# System:`."""

import re

from promptdb.domain.spec import PromptSpec
from promptdb.neighbours.foreign import Loss
from promptdb.neighbours.incoming.headings import HEADING
from promptdb.neighbours.outgoing.flat import FlatPrompt, verbatim_jinja, without_optional
from promptdb.neighbours.outgoing.languages import Jinja
from promptdb.neighbours.outgoing.origin import Origin
from promptdb.neighbours.outgoing.pieces import refuse
from promptdb.neighbours.outgoing.texts import Texts, require_edges
from promptdb.neighbours.outgoing.unheld import IN_TEXT, unheld

_ROLES = {"system": "System", "human": "User", "ai": "Assistant"}


def exported(spec: PromptSpec, origin: Origin) -> tuple[str, list[Loss]]:  # noqa: ARG001  like its siblings
    """Write a chat, in which jinja2 templates stay as they are. A text is a message of the user.

    Raises:
        NotHeld: a template in another language has more than variables, a message more than text, or there is a placeholder.
    """
    prompt = verbatim_jinja(spec)
    if prompt is not None:
        losses = unheld(spec, kept=True)
    else:
        prompt, losses = without_optional(spec)
        losses += unheld(spec, IN_TEXT)
    return f"{body(spec, prompt, losses, '# {}:', _ROLES)}\n", losses


def body(
    spec: PromptSpec,
    prompt: FlatPrompt,
    losses: list[Loss],
    heading: str,
    roles: dict[str, str],
    role_line: re.Pattern[str] = HEADING,
) -> str:
    """Write the messages below their headings. Raises `NotHeld` for a line that would be a heading too."""
    found = []
    for at, (role, text) in enumerate(Texts(spec, Jinja(), losses).plain_messages(prompt, roles)):
        place = f"message {at + 1}"
        if (line := role_line.search(text)) is not None:
            refuse(place, f"the line {line[0]!r}, which would start another message")
        found.append(f"{heading.format(role)}\n{require_edges(text, place, losses)}")
    return "\n\n".join(found)
