"""Compares two versions of a prompt as the text of their files, each followed by its frozen fragments."""

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from promptdb.domain.spec import PromptSpec


def diff_lines(old: "PromptSpec", new: "PromptSpec", before: str, after: str) -> list[str]:
    """Return the lines of a unified diff between the names; none if the texts are equal."""
    return list(difflib.unified_diff(_lines(old), _lines(new), before, after, lineterm=""))


def _lines(spec: "PromptSpec") -> list[str]:
    from promptdb.project.edits.write_version import prompt_text

    lines = prompt_text(spec).splitlines()
    for name, text in spec.includes.items():
        lines += [f"# fragment {name}", *text.splitlines()]
    return lines
