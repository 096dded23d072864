"""`promptdb import`."""

from pathlib import Path

import click

from promptdb.cli.bars import progress_bar
from promptdb.cli.opening import load_settings, registry
from promptdb.cli.options import json_option
from promptdb.cli.received import print_received


@click.command("import")
@click.argument("file", type=click.Path(dir_okay=False, exists=True, allow_dash=True, path_type=Path))
@json_option
def command(file: Path, as_json: bool) -> None:
    """Take in a file that 'export' has written.

    Versions come back with their ids, revisions and digests, and those that are there already are left alone. All of the file
    is taken in, or nothing: exit code 5 where its history and that of the registry differ, 7 where the file is damaged.

    A whole registry comes exactly into an empty one, or into one that it was exported from before; any other gets what it
    lacks, and keeps its aliases and names as they are.
    """
    if str(file) == "-":
        raise click.UsageError("import reads its file more than once, and takes none from standard input: name a file")
    from promptdb.transfer.copy import import_file

    with registry(load_settings()) as opened, progress_bar("storing blobs") as progress:
        received = import_file(opened, file, progress)
    print_received(received, {"file": str(file)}, as_json=as_json)
