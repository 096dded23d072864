"""What differs between two versions of a prompt: its parts, the files that it shares with others, what its callers notice."""

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from promptdb.domain.spec import PromptSpec

PARTS: dict[str, tuple[str, ...]] = {
    "template": ("kind", "template_format", "template", "messages", "few_shot", "includes"),
    "variables": ("variables", "partial_variables"),
    "config": ("model", "tools", "response_schema"),
    "assets": ("assets",),
    "metadata": ("metadata",),
}
"""The parts that people speak of, each with its fields of the spec. Every field is in one part."""

TextField = Literal["template", "examples"]
"""What a prompt file may keep in another file: `template_file`, `examples_file`."""

_TEXTS: dict[TextField, Callable[["PromptSpec"], object]] = {
    "template": lambda spec: spec.template,
    "examples": lambda spec: spec.few_shot.examples if spec.few_shot is not None else None,
}


@dataclass(frozen=True, slots=True, order=True)
class ChangedFile:
    """Another file than the prompt's own, by its path from the prompts root, and what became of it between two versions.

    A fragment is `added` when a template starts to include it and `removed` when none does any more. Of a `template_file` or
    an `examples_file` versions have the text but not the name, so that it is always `changed`.
    """

    path: str
    change: Literal["changed", "added", "removed"]


ContractKind = Literal[
    "kind",
    "variable_added",
    "variable_removed",
    "variable_required",
    "variable_optional",
    "variable_narrowed",
    "variable_widened",
    "variable_default",
    "response_schema",
    "tool",
]
"""`compatibility` finds them."""


@dataclass(frozen=True, slots=True)
class ContractChange:
    """One difference, told in `message` on one line.

    `name` is that of the variable, placeholder or tool; of a response schema it is the path in the answer (`orders[].id`),
    empty for the answer itself. `is_breaking`: a caller that works with the old version may fail with the new one.
    """

    kind: ContractKind
    name: str
    message: str
    is_breaking: bool


def changed_parts(old: "PromptSpec", new: "PromptSpec") -> tuple[str, ...]:
    return tuple(
        part for part, fields in PARTS.items() if any(getattr(old, name) != getattr(new, name) for name in fields)
    )


def changed_files(old: "PromptSpec", new: "PromptSpec", texts: Mapping[TextField, str]) -> tuple[ChangedFile, ...]:
    """The files from which a new version has another text, sorted.

    Args:
        old: the spec of the version before.
        new: the spec of the new one.
        texts: the files that texts of the new one come from.
    """
    before, after = _fragments(old), _fragments(new)
    found = {ChangedFile(name, "added") for name in after.keys() - before.keys()}
    found |= {ChangedFile(name, "removed") for name in before.keys() - after.keys()}
    found |= {ChangedFile(name, "changed") for name in after.keys() & before.keys() if after[name] != before[name]}
    found |= {ChangedFile(path, "changed") for name, path in texts.items() if _TEXTS[name](old) != _TEXTS[name](new)}
    return tuple(sorted(found))


def _fragments(spec: "PromptSpec") -> dict[str, str]:
    """By path: templates may write `./tone.md`."""
    return {posixpath.normpath(name): text for name, text in spec.includes.items()}


def breaking(changes: tuple[ContractChange, ...]) -> tuple[ContractChange, ...]:
    return tuple(change for change in changes if change.is_breaking)
