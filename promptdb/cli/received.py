"""Prints what `import` and `copy` wrote."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from promptdb.cli.output import print_json

if TYPE_CHECKING:
    from promptdb.transfer.receive import Received


def print_received(received: "Received", about: dict[str, str], *, as_json: bool) -> None:
    written = received.written
    if as_json:
        print_json({**about, **asdict(written), "blobs": received.blobs})
        return
    if received.is_empty:
        click.echo("nothing to do: all of it is there")
    else:
        click.echo(
            f"wrote {_counted(written.prompts, 'prompt')}, {_counted(written.versions, 'version')}, "
            f"{_counted(written.aliases, 'alias', 'aliases')} and {_counted(received.blobs, 'blob')}"
        )


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count} {one}" if count == 1 else f"{count} {many or one + 's'}"
