"""Prompt files of promptfoo: texts between `---` lines, and chats in JSON or YAML. Its templates are jinja2 for promptdb.

The end of the file name decides, as it does there: a text may have a line such as `prompts:`, or begin with a brace.
"""

import re
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from promptdb.neighbours.foreign import Fields, ForeignPrompt, NotHeld, Unread, message, read_each
from promptdb.neighbours.reading import data_in, text_in

SUFFIXES = (".json", ".yaml", ".yml", ".txt", ".md")

_SEPARATOR = re.compile(r"^---[ \t]*$", re.MULTILINE)


def read(data: bytes) -> list[ForeignPrompt | Unread]:
    """Read the prompts of a configuration, or a chat."""
    found = data_in(data)
    return [_chat(None, found)] if isinstance(found, list) else _configuration(found)


def read_text(data: bytes) -> list[ForeignPrompt]:
    """Read the texts between `---` lines."""
    parts = [part.strip("\n") for part in _SEPARATOR.split(text_in(data))]
    if not any(part.strip() for part in parts):
        raise NotHeld("there is no text")
    return [_text_or_chat(None, part) for part in parts if part.strip()]


def _text_or_chat(name: str | None, text: str) -> ForeignPrompt:
    # promptfoo takes a rendered text for a chat if it is one.
    if text.lstrip().startswith(("[", "- role:")):
        with suppress(NotHeld):
            found = data_in(text.encode())
            if isinstance(found, list) and all(isinstance(item, dict) and "role" in item for item in found):
                return _chat(name, found)
    return _text(name, text)


def _configuration(data: Any) -> list[ForeignPrompt | Unread]:
    found = Fields(data)
    prompts = found.take("prompts", (list, str))
    items = [prompts] if isinstance(prompts, str) else prompts or []
    for name in ("tests", "defaultTest", "scenarios"):
        if found.take(name, object) is not None:
            found.lose(name, "they judge answers of models, and golden tests compare renders")
    losses = found.rest("it configures promptfoo")
    if not items:
        raise NotHeld("prompts: there are none")
    made = read_each((None, partial(_prompt, item, f"prompts[{at}]")) for at, item in enumerate(items))
    # Once, with the first prompt.
    for at, one in enumerate(made):
        if isinstance(one, ForeignPrompt):
            made[at] = replace(one, losses=(*one.losses, *losses))
            break
    return made


def _prompt(item: Any, place: str) -> ForeignPrompt:
    if isinstance(item, str):
        if item.startswith(("file://", "exec:")) or re.fullmatch(r"[\w./*-]+\.(txt|json|ya?ml|md|j2|py|js)", item):
            raise NotHeld(f"{place}: it names a file; import that file itself")
        if re.match(r"\w+://", item):
            raise NotHeld(f"{place}: it names a prompt on a server; export it there, and import that")
        return _text_or_chat(None, item)
    found = Fields(item, place)
    raw, label = found.text("raw"), found.text("label")
    label = label if label is not None else found.text("id")
    if raw is None:
        raise NotHeld(f"{place}: it has no raw text; import the file that it names")
    made = _text_or_chat(label, raw)
    return ForeignPrompt(made.name, made.fields, found.rest())


def _text(name: str | None, text: str) -> ForeignPrompt:
    return ForeignPrompt(name, {"template_format": "jinja2", "template": text})


def _chat(name: str | None, items: list[Any]) -> ForeignPrompt:
    messages = []
    for at, item in enumerate(items):
        if not isinstance(item, dict):
            raise NotHeld(f"[{at}] is not a message")
        content = item.get("content")
        # Nunjucks keeps a line break at the end, and jinja2 drops one.
        if isinstance(content, str) and content.endswith("\n"):
            content += "\n"
        messages.append(message(item.get("role"), content, f"[{at}]"))
    if not messages:
        raise NotHeld("there are no messages")
    return ForeignPrompt(name, {"template_format": "jinja2", "messages": messages})
