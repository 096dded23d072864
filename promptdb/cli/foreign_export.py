"""`promptdb export --to`: prompts in files of other tools."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from promptdb.cli.opening import note_lookup, service
from promptdb.cli.present.foreign import print_carried
from promptdb.cli.present.output import print_json, print_text
from promptdb.cli.present.text import one_line
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import LATEST
from promptdb.errors import ConfigError

if TYPE_CHECKING:
    from promptdb.neighbours.outgoing.export import Export
    from promptdb.render.resolved import ResolvedPrompt
    from promptdb.service import PromptService


def export_one(other: str, ref: str, file: str | None, *, force: bool, as_json: bool) -> int:
    """Export the version that a reference names to a file, or print it."""
    if as_json and file in (None, "-"):
        raise click.UsageError("--json lists written files: give a FILE")
    with service() as opened:
        prompt = opened.get(ref)
        note_lookup(prompt)
        export = _export(opened, other, [prompt], is_folder=False)
    if export.refused:
        hint = "as a prompt file it keeps everything: promptdb export REF FILE.yaml"
        raise ConfigError(f"{ref} cannot be written for {other}: {export.refused[0].reason}", hint)
    if file in (None, "-"):
        _print_losses(export)
        print_text(export.files[None], nl=False)
        return 0
    _write(export, Path(str(file)), force=force)
    _report(export, other, Path(str(file)), is_written=True, as_json=as_json)
    return 0


def export_all(other: str, place: str, alias: str | None, *, force: bool, keep_going: bool, as_json: bool) -> int:
    """Export every prompt that is not archived, in its newest version or that of an alias. Return the exit code."""
    with service() as opened:
        chosen = [
            f"{one.prompt}:{alias or LATEST}" for one in opened.list_prompts() if alias is None or alias in one.aliases
        ]
        if not chosen:
            raise ConfigError("there are no prompts to export" if alias is None else f"no prompt has the alias {alias}")
        export = _export(opened, other, [opened.get(ref) for ref in chosen], is_folder=True)
    is_written = bool(export.exported) and (keep_going or not export.refused)
    if is_written:
        _write(export, Path(place), force=force)
    _report(export, other, Path(place), is_written=is_written, as_json=as_json)
    return 4 if export.refused else 0


def _export(opened: "PromptService", other: str, prompts: Sequence["ResolvedPrompt"], *, is_folder: bool) -> "Export":
    from promptdb.neighbours.outgoing.export import export_prompts
    from promptdb.neighbours.outgoing.origin import Origin

    pointing: dict[tuple[PromptId, int], list[str]] = {}
    for one in opened.aliases(str(prompts[0].prompt) if len(prompts) == 1 else None):
        pointing.setdefault((one.prompt, one.revision), []).append(one.alias)
    given = []
    for prompt in prompts:
        aliases = pointing.get((prompt.prompt, prompt.version.revision), [])
        given.append((prompt.ref, prompt.spec, Origin(prompt.prompt, tuple(sorted(aliases)))))
    return export_prompts(other, given, is_folder=is_folder)


def _write(export: "Export", place: Path, *, force: bool) -> None:
    from promptdb.domain.blob import Blob
    from promptdb.project.edits.write_all import write_all

    files = {place if name is None else place / name: Blob.of(text.encode()) for name, text in export.files.items()}
    write_all(files, overwrite=force)


def _print_losses(export: "Export") -> None:
    for one in export.exported:
        for loss in one.losses:
            click.secho(one_line(f"lost {loss}"), fg="yellow", err=True)


def _report(export: "Export", other: str, place: Path, *, is_written: bool, as_json: bool) -> None:
    rows = [
        {"ref": one.ref, "file": str(place if one.file is None else place / one.file), "losses": one.losses}
        for one in export.exported
    ]
    if as_json:
        print_json({"format": other, "written": is_written, "exported": rows, "refused": export.refused})
        return
    refused = [(one.ref, one.reason) for one in export.refused]
    listed = [(one.ref, str(row["file"]), one.losses) for one, row in zip(export.exported, rows, strict=True)]
    print_carried(listed, refused, is_written=is_written, hint="pass --keep-going to export the others")
