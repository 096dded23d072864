"""`promptdb copy`."""

from pathlib import Path

import click

from promptdb.cli.opening import registry
from promptdb.cli.options import json_option
from promptdb.cli.present.progress import progress_bar
from promptdb.cli.present.received import print_received
from promptdb.settings import TARGET_PREFIX, load_target, variable_of


@click.command("copy")
@click.argument("target", type=click.Path(dir_okay=False, exists=True, path_type=Path), required=False)
@json_option
def command(target: Path | None, as_json: bool) -> None:
    """Copy the whole registry to another one.

    TARGET is a settings file, such as promptdb.toml, with the database_url and the blob store to copy to. Environment
    variables such as PROMPTDB_TARGET_DATABASE_URL override it or replace it. Keep passwords there.

    The target must be empty or an earlier copy, so its whole history is in the source. Otherwise copy reports the
    difference and exits with status 5. Copying again sends only what is missing.
    """
    from promptdb.transfer.copy import copy_registry

    with registry() as source, registry(load_target(target), _database_of(target), create=True) as other:
        with progress_bar("copying blobs") as progress:
            received = copy_registry(source, other, progress)
        about = {"database": other.address}
    print_received(received, about, as_json=as_json)


def _database_of(target: Path | None) -> str:
    # Hints show this in place of the URL, which may hold a password: a shell expands it, or a reader replaces it.
    variable = variable_of("database_url", TARGET_PREFIX)
    return f"'<database_url of {target}>'" if variable is None else f'"${variable}"'
