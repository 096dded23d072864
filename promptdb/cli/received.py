"""How `import` and `copy` tell what was written."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from promptdb.cli.output import print_json
from promptdb.cli.text import count

if TYPE_CHECKING:
    from promptdb.transfer.receive import Received

_KEPT_TOLD = 10


def print_received(received: "Received", about: dict[str, str], *, as_json: bool) -> None:
    merged = received.merged
    if as_json:
        print_json({**about, **asdict(merged), "blobs": received.blobs})
        return
    if received.is_empty:
        click.echo("nothing to do: all of it is there")
    else:
        click.echo(
            f"wrote {count(merged.prompts, 'prompt')}, {count(merged.versions, 'version')}, "
            f"{count(merged.aliases, 'alias')} and {count(received.blobs, 'blob')}"
        )
    for alias in merged.kept_aliases[:_KEPT_TOLD]:
        click.echo(f"note: {alias} stays as it is here", err=True)
    if len(merged.kept_aliases) > _KEPT_TOLD:
        click.echo(f"note: so do {len(merged.kept_aliases) - _KEPT_TOLD} more aliases", err=True)
