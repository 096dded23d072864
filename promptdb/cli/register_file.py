"""`promptdb register-file`."""

import click

from promptdb.cli.opening import service
from promptdb.cli.options import json_option
from promptdb.cli.output import print_json


@click.command("register-file")
@click.argument("file", type=click.Path())
@click.option("--name", help="namespace/name; by default the file's name, in the namespace default.")
@json_option
def command(file: str, name: str | None, as_json: bool) -> None:
    """Add a version from a single file.

    For prompts that live outside the tree. Files that FILE names must lie in its folder or below.
    """
    with service() as opened:
        registered = opened.register_file(file, name)
    version = registered.version
    if as_json:
        print_json(registered)
    else:
        state = "registered" if registered.created else "unchanged"
        if registered.revived:
            state += ", no longer archived"
        click.echo(f"{state}: {version.prompt} revision {version.revision} {version.spec_hash}")
