"""Differences between two versions of a prompt: changed parts, shared files and effects on callers."""

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
"""The parts of a prompt in reports, each with its fields of the spec. Every field belongs to one part."""

TextField = Literal["template", "examples"]
"""The texts that a prompt file can keep in another file, by `template_file` or `examples_file`."""

_TEXTS: dict[TextField, Callable[["PromptSpec"], object]] = {
    "template": lambda spec: spec.template,
    "examples": lambda spec: spec.few_shot.examples if spec.few_shot is not None else None,
}


@dataclass(frozen=True, slots=True, order=True)
class ChangedFile:
    """A file other than the prompt file that changed between two versions. `path` starts at the prompts root.

    A fragment is `added` when a template starts to include it, and `removed` when no template includes it any more.
    A `template_file` or `examples_file` is always `changed`, because versions record its text and not its name.
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
"""The kinds of changes that `compatibility` finds."""


@dataclass(frozen=True, slots=True)
class ContractChange:
    """One difference that callers can notice. `message` describes it on one line.

    `name` is the variable, placeholder or tool. For a response schema it is the path in the answer (`orders[].id`), or empty
    for the answer itself. `is_breaking` means that a caller of the old version may fail with the new one.
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
    """List the files behind the changed texts of a new version, sorted. `texts` maps texts of `new` to their files."""
    before, after = _fragments(old), _fragments(new)
    found = {ChangedFile(name, "added") for name in after.keys() - before.keys()}
    found |= {ChangedFile(name, "removed") for name in before.keys() - after.keys()}
    found |= {ChangedFile(name, "changed") for name in after.keys() & before.keys() if after[name] != before[name]}
    found |= {ChangedFile(path, "changed") for name, path in texts.items() if _TEXTS[name](old) != _TEXTS[name](new)}
    return tuple(sorted(found))


def _fragments(spec: "PromptSpec") -> dict[str, str]:
    # Templates may write ./tone.md for tone.md.
    return {posixpath.normpath(name): text for name, text in spec.includes.items()}


def breaking(changes: tuple[ContractChange, ...]) -> tuple[ContractChange, ...]:
    return tuple(change for change in changes if change.is_breaking)
