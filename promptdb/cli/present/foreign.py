"""Prints the outcome of an import from another tool, or of an export to one."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from promptdb.cli.present.text import count, one_line

if TYPE_CHECKING:
    from promptdb.neighbours.foreign import Loss


def print_carried(
    rows: Iterable[tuple[str, str, "Sequence[Loss]"]],
    refused: Iterable[tuple[str, str]],
    *,
    is_written: bool,
    hint: str | None,
) -> None:
    """Print the prompts with their losses, then those that were refused, and the counts.

    Args:
        rows: where each prompt came from, where it goes, and what it loses.
        refused: the other prompts, each with its reason.
        hint: how to get the prompts that are not refused, unless that was asked for.
    """
    prompts = lost = 0
    for source, place, losses in rows:
        prompts, lost = prompts + 1, lost + len(losses)
        click.echo(one_line(f"{source} -> {place}"))
        for loss in losses:
            click.secho(one_line(f"  lost {loss}"), fg="yellow")
    failed = 0
    for name, reason in refused:
        failed += 1
        click.secho("error: ", fg="red", nl=False, err=True)
        click.echo(one_line(f"{name}: {reason}"), err=True)
    if is_written:
        done = f"wrote {count(prompts, 'prompt')}"
    elif hint and failed:
        done = f"wrote nothing: {count(failed, 'prompt')} refused, {prompts} can be written"
    else:
        done = f"would write {count(prompts, 'prompt')}"
    click.echo(f"{done}; {count(lost, 'part')} lost" + (", listed above" if lost else ""))
    if hint and failed and prompts and not is_written:
        click.echo(f"hint: {hint}", err=True)
