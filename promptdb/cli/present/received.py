"""Prints what `import` and `copy` wrote."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from promptdb.cli.present.output import print_json
from promptdb.cli.present.text import count

if TYPE_CHECKING:
    from promptdb.transfer.receive import Received


def print_received(received: "Received", about: dict[str, str], *, as_json: bool) -> None:
    written = received.written
    if as_json:
        print_json({**about, **asdict(written), "blobs": received.blobs})
        return
    if received.is_empty:
        click.echo("nothing to do: everything is there already")
    elif not (written.prompts or written.versions or written.aliases or received.blobs):
        click.echo(f"updated {count(written.rows, 'row')}")  # such as a name, or where a version came from
    else:
        click.echo(
            f"wrote {count(written.prompts, 'prompt')}, {count(written.versions, 'version')}, "
            f"{count(written.aliases, 'alias')} and {count(received.blobs, 'blob')}"
        )
