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

    Versions keep their ids, revisions and digests. Import writes the whole file or nothing. Exits with status 5 if the
    registry has a different history, and with 7 if the file is damaged.

    A file of a whole registry needs an empty registry or an earlier copy, so the whole history of the registry is in the
    file. A file of one version can be imported into any registry, as the next revision of its prompt.
    """
    if str(file) == "-":
        raise click.UsageError("import reads its file more than once: pass a file, not standard input")
    from promptdb.transfer.copy import import_file

    with registry(create=True) as opened, progress_bar("storing blobs") as progress:
        received = import_file(opened, file, progress)
    print_received(received, {"file": str(file)}, as_json=as_json)
