"""The difference between two versions of a prompt as text: as files, with the fragments that were frozen into them."""

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from promptdb.domain.spec import PromptSpec


def diff_lines(old: "PromptSpec", new: "PromptSpec", before: str, after: str) -> list[str]:
    """Give the lines of a unified diff, with both names at the top; none where the texts are equal."""
    return list(difflib.unified_diff(_lines(old), _lines(new), before, after, lineterm=""))


def _lines(spec: "PromptSpec") -> list[str]:
    from promptdb.project.edits.write_version import prompt_text

    lines = prompt_text(spec).splitlines()
    for name, text in spec.includes.items():
        lines += [f"# fragment {name}", *text.splitlines()]
    return lines
