"""`promptdb copy`."""

from pathlib import Path

import click

from promptdb.cli.opening import registry
from promptdb.cli.options import json_option
from promptdb.cli.present.progress import progress_bar
from promptdb.cli.present.received import print_received


@click.command("copy")
@click.argument("target", type=click.Path(dir_okay=False, exists=True, path_type=Path), required=False)
@json_option
def command(target: Path | None, as_json: bool) -> None:
    """Copy the whole registry to another one.

    TARGET is a settings file such as promptdb.toml, whose database_url and blob store are those to copy to. Variables called
    PROMPTDB_TARGET_..., such as PROMPTDB_TARGET_DATABASE_URL, win over it, and are enough alone; passwords belong there.

    The target must be empty or behind, as an earlier copy is: everything in its history is in the source. Afterwards it has
    the same rows. Otherwise copy exits with 5 and names what differs. A copy may be repeated: it sends only what is missing.
    """
    from promptdb.settings import load_target
    from promptdb.transfer.copy import copy_registry

    with registry() as source, registry(load_target(target), _database_of(target)) as other:
        with progress_bar("copying blobs") as progress:
            received = copy_registry(source, other, progress)
        about = {"database": other.address}
    print_received(received, about, as_json=as_json)


def _database_of(target: Path | None) -> str:
    """Stands for the target's database URL: a shell, or a reader, puts it in."""
    from promptdb.settings import TARGET_PREFIX, variable_of

    variable = variable_of("database_url", TARGET_PREFIX)
    return f"'<database_url of {target}>'" if variable is None else f'"${variable}"'
