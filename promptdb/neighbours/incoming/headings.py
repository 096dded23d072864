"""Splits a text at headings for roles, such as `# System:` or `user:`."""

import re
from contextlib import suppress
from typing import Any

from promptdb.domain.spec import MAX_ITEMS
from promptdb.errors import TemplateError
from promptdb.neighbours.foreign import ForeignPrompt, Loss, NotHeld
from promptdb.neighbours.reading import text_in
from promptdb.render.jinja.engine import assigned_names, find_names

SUFFIXES = (".jinja", ".jinja2", ".j2", ".txt", ".md")

HEADING = re.compile(
    r"^[ \t]*(?:#{1,3}[ \t]*)?\[?(system|developer|user|human|assistant|ai|tool|function)\]?[ \t]*:[ \t]*$",
    re.MULTILINE | re.IGNORECASE,
)
IMAGE = re.compile(r"!\[[^\]\n]*\]\([^)\n]*\)")
_OTHER_FILES = re.compile(r"\{%[-+]?\s*(include|import|from|extends)\b")
_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
_BLOCK = re.compile(r"\{%[-+]?\s*(for|if|endfor|endif)\b")
_ROLES = {"system": "system", "developer": "system", "user": "human", "human": "human", "assistant": "ai", "ai": "ai"}


def messages_in(text: str, heading: re.Pattern[str] = HEADING) -> tuple[str, list[dict[str, Any]]]:
    """Split a text at its headings, whose first group is the role. Return the text before the first one, and the messages.

    Raises:
        NotHeld: there are too many, or one has another role.
    """
    found = list(heading.finditer(text))
    if not found:
        return text, []
    if len(found) > MAX_ITEMS:
        raise NotHeld(f"it has more than {MAX_ITEMS:,} messages")
    if other := next((match[0].strip() for match in found if match[1].lower() not in _ROLES), None):
        raise NotHeld(f"promptdb has no message for the line {other!r:.60}")
    ends = [match.start() for match in found[1:]] + [len(text)]
    messages = [
        {"role": _ROLES[match[1].lower()], "template": text[match.end() : end].strip("\n")}
        for match, end in zip(found, ends, strict=True)
    ]
    return text[: found[0].start()], messages


def require_whole_blocks(messages: list[dict[str, Any]]) -> None:
    """Require that every block of jinja2 ends in its message. Raise NotHeld for one that goes over several."""
    assigned: set[str] = set()
    for at, message in enumerate(messages):
        if _OTHER_FILES.search(message["template"]):
            raise NotHeld(f"messages[{at}]: it reads other files: put all of them below the prompts root as they are")
        with suppress(TemplateError):  # a check of the new file says what is wrong
            given = assigned_names(message["template"])
            if carried := sorted(find_names(message["template"], assigned)):
                raise NotHeld(
                    f"messages[{at}]: {carried[0]!r} is set in another message, and each is a template of its own"
                )
            assigned |= given
        words = _BLOCK.findall(message["template"])
        if sum(-1 if word.startswith("end") else 1 for word in words):
            raise NotHeld(
                f"messages[{at}]: a block of jinja2 goes over several roles; a placeholder takes a list of messages"
            )


def read(data: bytes) -> list[ForeignPrompt]:
    """Read one chat of jinja2 templates."""
    before, messages = messages_in(text_in(data))
    if not messages:
        raise NotHeld(
            "no line is a heading for a role, such as '# System:'; a file without them works below the prompts root as it is"
        )
    if _COMMENT.sub("", before).strip():
        raise NotHeld("there is text before the first heading, which belongs to no message")
    require_whole_blocks(messages)
    losses = [Loss("line 1", "the comment before the first heading")] if before.strip() else []
    if IMAGE.search(str(messages)):
        losses.append(Loss("the text", "an image stays as Markdown text: write it as a content part"))
    return [ForeignPrompt(None, {"template_format": "jinja2", "messages": messages}, tuple(losses))]
