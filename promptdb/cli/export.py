"""`promptdb export`, also called `export-file`."""

import click

from promptdb.cli.output import print_json, print_text
from promptdb.cli.shared import json_option, note_lookup, service


@click.command("export")
@click.argument("ref")
@click.argument("file", type=click.Path(dir_okay=False))
@click.option("--force", is_flag=True, help="Replace files that are there and differ.")
@json_option
def command(ref: str, file: str, force: bool, as_json: bool) -> None:
    """Write a version as a prompt file.

    The suffix of FILE decides the form; - prints YAML. Fragments and assets are written beside it.
    """
    from promptdb.files.write import prompt_file_text

    if file == "-" and as_json:
        raise click.UsageError("--json tells which files were written, and - writes none")
    with service() as opened:
        prompt = opened.resolve(ref)
        note_lookup(prompt)
        if file == "-":
            print_text(prompt_file_text(prompt.spec, ".yaml"), nl=False)
            return
        written = opened.export_to_file(ref, file, overwrite=force)
    if as_json:
        print_json({"ref": ref, "files": written})
    else:
        for path in written:
            click.echo(f"wrote {path}")
