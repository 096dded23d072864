"""What is said when a registry begins in a blob store that has blobs of others. It may; but it may also be a slip."""

from typing import TYPE_CHECKING

import click

from promptdb.cli.text import one_line

if TYPE_CHECKING:
    from uuid import UUID


def tell_sharing(place: str, others: "frozenset[UUID]") -> None:
    whose = "another registry" if len(others) == 1 else f"{len(others)} other registries"
    click.echo(one_line(f"note: {place} has blobs of {whose} too; 'promptdb gc' removes nothing there"), err=True)
    click.secho("hint: ", fg="cyan", nl=False, err=True)
    marks = " and ".join(f"registries/{key}" for key in sorted(map(str, others)))
    click.echo(
        f"give each a store of its own; or, if the other is gone for good, remove {marks} in that store", err=True
    )
