"""`promptdb import`."""

from pathlib import Path

import click

from promptdb.cli.opening import registry
from promptdb.cli.options import json_option
from promptdb.cli.present.progress import progress_bar
from promptdb.cli.present.received import print_received


@click.command("import")
@click.argument("file", type=click.Path(dir_okay=False, exists=True, allow_dash=True, path_type=Path))
@json_option
def command(file: Path, as_json: bool) -> None:
    """Import a file written by 'export'.

    Versions keep their ids, revisions and digests. Import writes all of the file, or nothing: exit code 5 if the registry has
    a history of its own, 7 if the file is damaged.

    A whole registry can be imported into an empty one, or into one that is behind: everything in its history is in the file,
    as in an earlier copy. A single version is added to any registry, as the next revision of its prompt.
    """
    if str(file) == "-":
        raise click.UsageError("import reads its file more than once, and takes none from standard input: name a file")
    from promptdb.transfer.copy import import_file

    with registry() as opened, progress_bar("storing blobs") as progress:
        received = import_file(opened, file, progress)
    print_received(received, {"file": str(file)}, as_json=as_json)
