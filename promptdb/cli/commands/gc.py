"""`promptdb gc`."""

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from promptdb.cli.opening import registry
from promptdb.cli.options import json_option
from promptdb.cli.present.output import print_json
from promptdb.cli.present.progress import progress_bar
from promptdb.cli.present.text import count, size

if TYPE_CHECKING:
    from promptdb.maintenance.gc import CollectedGarbage


@click.command("gc")
@click.option("--delete", is_flag=True, help="Remove the blobs; the default only counts them.")
@click.option(
    "--grace",
    type=click.FloatRange(min=0, max=24 * 3650),
    default=24,
    show_default=True,
    metavar="HOURS",
    help="Keep blobs stored more recently than this.",
)
@click.option(
    "--max-delete",
    type=click.IntRange(0, 100),
    default=50,
    show_default=True,
    metavar="PERCENT",
    help="Refuse to remove more than this share of all blobs.",
)
@json_option
def command(delete: bool, grace: float, max_delete: int, as_json: bool) -> None:
    """Find or remove blobs that no version needs.

    Interrupted syncs leave such blobs behind. It is safe to run while others sync.
    """
    from promptdb.maintenance.gc import collect_garbage

    with registry() as opened, progress_bar("removing blobs") as progress:
        found = collect_garbage(opened, timedelta(hours=grace), max_delete, delete=delete, progress=progress)
    if as_json:
        print_json(found)
    else:
        _print(found, delete=delete)


def _print(found: "CollectedGarbage", *, delete: bool) -> None:
    click.echo(f"{count(found.blobs, 'blob')} ({size(found.bytes)}) in the store")
    if found.recent:
        click.echo(f"{count(found.recent, 'blob')} without a version, stored too recently to be removed")
    if delete:
        click.echo(f"removed {count(found.deleted, 'blob')} ({size(found.deleted_bytes)})")
        if found.unfinished:
            click.echo(f"removed {count(found.unfinished, 'unfinished upload')}")
        return
    for digest in found.examples:
        click.echo(f"  {digest}")
    if found.garbage > len(found.examples):
        click.echo(f"  ... and {found.garbage - len(found.examples):,} more")
    click.echo(f"{count(found.garbage, 'blob')} ({size(found.garbage_bytes)}) without a version can be removed")
    if found.unfinished:
        click.echo(f"{count(found.unfinished, 'unfinished upload')} can be removed")
    if found.refusal is not None:
        click.echo(f"note: --delete would be refused: {found.refusal}", err=True)
    elif found.garbage or found.unfinished:
        click.echo("this was a dry run; --delete removes them")
