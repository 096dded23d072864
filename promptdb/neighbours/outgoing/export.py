"""Exports prompts to files of another tool, each with what it loses."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from promptdb.domain.spec import PromptSpec
from promptdb.neighbours.foreign import Loss, NotHeld
from promptdb.neighbours.outgoing.origin import Origin
from promptdb.neighbours.outgoing.targets import OUTGOING


@dataclass(frozen=True, slots=True)
class Exported:
    """A prompt in a file of another tool. `file` is its name below the folder of an export, or None for the only file."""

    ref: str
    file: str | None
    losses: tuple[Loss, ...]


@dataclass(frozen=True, slots=True)
class NotExported:
    """A prompt that the format cannot hold."""

    ref: str
    reason: str


@dataclass(frozen=True)
class Export:
    """The files of an export by their names, None for the only file, and what became of each prompt."""

    files: dict[str | None, str] = field(default_factory=dict)
    exported: list[Exported] = field(default_factory=list)
    refused: list[NotExported] = field(default_factory=list)


def export_prompts(name: str, prompts: Sequence[tuple[str, PromptSpec, Origin]], *, is_folder: bool) -> Export:
    """Write prompts in a format of `OUTGOING`. Each has its reference, spec and origin.

    With `is_folder`, each prompt has a file of its own, unless one file of the format holds many.
    """
    target, export, items = OUTGOING[name], Export(), []
    names: dict[str, str] = {}
    for ref, spec, origin in prompts:
        flat = origin.flat_name(target.separator)
        try:
            if (other := names.setdefault(flat, ref)) != ref:
                raise NotHeld(f"its name there is {flat!r}, as that of {other}")
            item, losses = target.item(spec, origin)
        except NotHeld as error:
            export.refused.append(NotExported(ref, str(error)))
            continue
        items.append(item)
        file = f"{origin.short_name}{target.suffix}" if is_folder and not target.holds_many else None
        export.exported.append(Exported(ref, file, tuple(losses)))
        if file is not None:
            export.files[file] = target.text([item])
    if items and None in [one.file for one in export.exported]:
        export.files[None] = target.text(items)
    return export
