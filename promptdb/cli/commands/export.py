"""`promptdb export`, also called `export-file`."""

from pathlib import Path

import click

from promptdb.cli.opening import note_lookup, registry, service
from promptdb.cli.options import json_option, ref_argument
from promptdb.cli.present.output import print_json, print_text
from promptdb.cli.present.text import one_line


@click.command("export")
@ref_argument("ref")
@click.argument("file", type=click.Path(dir_okay=False), required=False)
@click.option("--all", "whole", is_flag=True, help="Export the whole registry to a zip file: export --all FILE.")
@click.option("--force", is_flag=True, help="Overwrite existing files that differ.")
@json_option
@click.pass_context
def command(context: click.Context, ref: str, file: str | None, whole: bool, force: bool, as_json: bool) -> None:
    """Export a version or the whole registry to a file.

    The suffix of FILE sets the format. A prompt file (.yaml, .txt, ...) gets its fragments and assets beside it. A
    .bundle.json file holds the version with its id, revision, digest and provenance; a .zip file also holds its assets. Use
    - to print YAML.

    'promptdb import' reads .bundle.json and .zip files, and those that --all writes.
    """
    if whole:
        if file is not None:
            raise click.UsageError("--all cannot be combined with REF")
        parameter = context.command.params[1]
        return _export_all(str(parameter.type.convert(ref, parameter, context)), force=force, as_json=as_json)
    if file is None:
        raise click.UsageError("Missing argument 'FILE'.")
    from promptdb.project.edits.write_version import prompt_text

    if file == "-" and as_json:
        raise click.UsageError("--json lists written files: it cannot be combined with -")
    with service() as opened:
        prompt = opened.get(ref)
        note_lookup(prompt)
        if file == "-":
            print_text(prompt_text(prompt.spec), nl=False)
            return None
        written = opened.export_to_file(ref, file, overwrite=force)
    if as_json:
        print_json({"ref": ref, "files": written})
    else:
        for path in written:
            click.echo(one_line(f"wrote {path}"))
    return None


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
