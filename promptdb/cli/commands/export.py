"""`promptdb export`, also called `export-file`."""

from pathlib import Path

import click

from promptdb.cli.foreign_export import export_all, export_one
from promptdb.cli.opening import note_lookup, registry, service
from promptdb.cli.options import json_option, ref_argument
from promptdb.cli.present.output import print_json, print_text
from promptdb.cli.present.text import one_line
from promptdb.neighbours.foreign import FORMATS


@click.command("export")
@ref_argument("ref")
@click.argument("file", type=click.Path(dir_okay=False), required=False)
@click.option("--all", "whole", is_flag=True, help="Export the whole registry to a zip file: export --all FILE.")
@click.option("--to", "other", type=click.Choice(FORMATS), help="Write a file of this other tool.")
@click.option("--alias", help="With --to and --all: export only prompts with this alias, in its version.")
@click.option("--keep-going", is_flag=True, help="With --to and --all: leave out prompts that the format cannot hold.")
@click.option("--force", is_flag=True, help="Overwrite existing files that differ.")
@json_option
@click.pass_context
def command(
    context: click.Context,
    ref: str,
    file: str | None,
    whole: bool,
    other: str | None,
    alias: str | None,
    keep_going: bool,
    force: bool,
    as_json: bool,
) -> int:
    """Export a version or the whole registry to a file.

    The suffix of FILE sets the format. A prompt file (.yaml, .txt, ...) gets its fragments and assets beside it. A
    .bundle.json file holds the version with its id, revision, digest and provenance; a .zip file also holds its assets. Use
    - to print YAML.

    'promptdb import' reads .bundle.json and .zip files, and those that --all writes.

    With --to, FILE is for another tool; without FILE, it is printed. Standard error lists what the format cannot hold. With
    --to and --all, REF is the folder or the file for all prompts. Exits with status 4, and writes nothing, if the format
    cannot hold one of them.
    """
    if given := [name for name in ("alias", "keep_going") if context.params[name] and not (other and whole)]:
        raise click.UsageError(f"--{given[0].replace('_', '-')} needs --to and --all")
    if whole:
        if file is not None:
            raise click.UsageError("--all cannot be combined with REF")
        if other is not None and ref == "-":
            raise click.UsageError("--all writes files: name a file or a folder")
        if other is not None:
            return export_all(other, ref, alias, force=force, keep_going=keep_going, as_json=as_json)
        parameter = context.command.params[1]
        _export_all(str(parameter.type.convert(ref, parameter, context)), force=force, as_json=as_json)
        return 0
    if other is not None:
        return export_one(other, ref, file, force=force, as_json=as_json)
    if file is None:
        raise click.UsageError("Missing argument 'FILE'.")
    _export_version(ref, file, force=force, as_json=as_json)
    return 0


def _export_version(ref: str, file: str, *, force: bool, as_json: bool) -> None:
    from promptdb.project.edits.write_version import prompt_text

    if file == "-" and as_json:
        raise click.UsageError("--json lists written files: it cannot be combined with -")
    with service() as opened:
        prompt = opened.get(ref)
        note_lookup(prompt)
        if file == "-":
            print_text(prompt_text(prompt.spec), nl=False)
            return
        written = opened.export_to_file(ref, file, overwrite=force)
    if as_json:
        print_json({"ref": ref, "files": written})
    else:
        for path in written:
            click.echo(one_line(f"wrote {path}"))


def _export_all(file: str, *, force: bool, as_json: bool) -> None:
    from promptdb.transfer.export import export_registry, is_zip

    if not is_zip(Path(file)):
        raise click.UsageError(f"--all writes a zip file: {file!r} does not end in .zip")
    with registry() as opened:
        counts = export_registry(opened, Path(file), overwrite=force)
    rows = {name: number for name, number in counts.items() if name != "blobs"}
    if as_json:
        print_json({"file": file, "rows": rows, "blobs": counts["blobs"]})
    else:
        exported = f"{rows['prompts']} prompts, {rows['prompt_versions']} versions and {counts['blobs']} blobs"
        click.echo(one_line(f"wrote {file}: {exported}"))
