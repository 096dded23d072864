"""Differences between two versions of a prompt: changed parts, shared files and effects on callers."""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from promptdb.domain.field_path import FieldPath

if TYPE_CHECKING:
    from promptdb.domain.spec import PromptSpec

PARTS: dict[str, tuple[str, ...]] = {
    "template": ("kind", "template_format", "undefined", "template", "messages", "few_shot", "includes"),
    "variables": ("variables", "partial_variables"),
    "config": ("model", "tools", "response_schema"),
    "assets": ("assets",),
    "metadata": ("metadata",),
}
"""The parts of a prompt in reports, each with its fields of the spec. Every field belongs to one part."""


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
    "variable_renamed",
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

    `name` is the variable, placeholder or tool, by its old name if it is renamed. For a response schema it is the path in the
    answer (`orders[].id`), or empty for the answer itself. `is_breaking` means that a caller of the old version may fail with
    the new one.
    """

    kind: ContractKind
    name: str
    message: str
    is_breaking: bool


def changed_parts(old: "PromptSpec", new: "PromptSpec") -> tuple[str, ...]:
    return tuple(
        part for part, fields in PARTS.items() if any(getattr(old, name) != getattr(new, name) for name in fields)
    )


def changed_files(old: "PromptSpec", new: "PromptSpec", texts: Mapping[FieldPath, str]) -> tuple[ChangedFile, ...]:
    """List the files behind the changed texts of a new version, sorted. `texts` maps places in `new` to their files."""
    includes = {str(place[1]): path for place, path in texts.items() if place[0] == "includes"}
    before, after = _fragments(old, includes), _fragments(new, includes)
    found = {ChangedFile(name, "added") for name in after.keys() - before.keys()}
    found |= {ChangedFile(name, "removed") for name in before.keys() - after.keys()}
    found |= {ChangedFile(name, "changed") for name in after.keys() & before.keys() if after[name] != before[name]}
    others = {place: path for place, path in texts.items() if place[0] != "includes"}
    found |= {
        ChangedFile(path, "changed") for place, path in others.items() if _text(new, place) not in _texts(old, place)
    }
    return tuple(sorted(found))


def _text(spec: "PromptSpec", place: FieldPath) -> object:
    value: Any = spec
    for part in place:
        value = value[part] if isinstance(part, int) else getattr(value, part, None)
    return value


def _texts(spec: "PromptSpec", place: FieldPath) -> list[object]:
    """Return the texts that a file may have held: a message moves if another one comes before it."""
    if place[0] == "few_shot":
        return [_text(spec, place)]
    return [spec.template, *(getattr(item, "template", None) for item in spec.messages or ())]


def _fragments(spec: "PromptSpec", files: Mapping[str, str]) -> dict[str, str]:
    """Return the fragments by their files. A template may name one from its own folder, or write ./tone.md for tone.md."""
    return {files.get(name) or posixpath.normpath(name): text for name, text in spec.includes.items()}


def breaking(changes: tuple[ContractChange, ...]) -> tuple[ContractChange, ...]:
    return tuple(change for change in changes if change.is_breaking)
