"""Wraps descriptions from prompt files for comments, whatever they contain."""

import json
import textwrap

from promptdb.codegen.model import Field, reasons

_MAX_DEFAULT = 60


def wrapped(text: str, width: int) -> list[str]:
    """Split a text into lines. Characters that an editor would not show become escapes."""
    found: list[str] = []
    for line in text.splitlines():
        clean = "".join(char if char.isprintable() else " " if char.isspace() else _escaped(char) for char in line)
        found += textwrap.wrap(" ".join(clean.split()), width, break_on_hyphens=False) or [""]
    while found and not found[-1]:
        found.pop()
    while found and not found[0]:
        found.pop(0)
    return found


def about(field: Field) -> str:
    """Say what a field means: its description, its default, and parts of its schema that its type leaves out."""
    parts = [field.description.strip()] if field.description.strip() else []
    if field.default is not None:
        shown = field.default if len(field.default) <= _MAX_DEFAULT else f"{field.default[:_MAX_DEFAULT]}..."
        parts.append(f"Default: {shown}.")
    parts += left_out(reasons(field.type))
    return "\n".join(parts)


def left_out(found: list[str]) -> list[str]:
    """Say why a type has "any value" in it."""
    return [f"Any value, because no type says: {', '.join(dict.fromkeys(found))}."] if found else []


def _escaped(char: str) -> str:
    return json.dumps(char)[1:-1]
