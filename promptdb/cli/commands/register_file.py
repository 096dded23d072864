"""`promptdb register-file`."""

from pathlib import Path

import click

from promptdb.cli.opening import note_registered, service
from promptdb.cli.options import breaking_option, json_option, reason_option
from promptdb.cli.present.holds import note_holds
from promptdb.cli.present.output import plain, print_json


@click.command("register-file")
@click.argument("file", type=click.Path())
@click.option("--name", help="Use this namespace/name. By default, a file of the tree has its name there.")
@click.option("--alias", help="Point this alias at the version, in the same transaction.")
@breaking_option
@reason_option
@json_option
def command(
    file: str, name: str | None, alias: str | None, allow_breaking: bool, reason: str | None, as_json: bool
) -> None:
    """Add a version from a single file.

    A file outside of the tree gets the name of the file in the namespace default, and files that it refers to must be in its
    folder or below.
    """
    from promptdb.project.placing import is_in_tree
    from promptdb.sync.alias_moves import Pointing

    if alias is None and (allow_breaking or reason is not None):
        raise click.UsageError("--allow-breaking and --reason need --alias")
    pointing = Pointing(alias, reason, allow_breaking) if alias is not None else None
    with service() as opened:
        registered = opened.register_file(file, name, alias=pointing)
        stores = opened.reader.stores
        if registered.created and not stores.is_local and is_in_tree(Path(file), opened.settings):
            note_registered(stores.audience, file)
        if alias is not None:
            note_holds(opened.holds(str(registered.version.prompt)), alias)
    version = registered.version
    if as_json:
        print_json(plain(registered) | {"alias": alias})
    else:
        state = "registered" if registered.created else "unchanged"
        if registered.revived:
            state += ", no longer archived"
        click.echo(f"{state}: {version.prompt} revision {version.revision} {version.spec_hash}")
        if alias is not None:
            click.echo(f"{version.prompt}:{alias} is at rev:{version.revision}")
