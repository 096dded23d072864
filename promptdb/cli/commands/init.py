"""`promptdb init`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from promptdb.cli.present.text import count

if TYPE_CHECKING:
    from promptdb.project.adopt.proposal import Proposal

_PLACES_SHOWN = 10


@click.command("init")
@click.option(
    "--root",
    "roots",
    metavar="FOLDER",
    multiple=True,
    help="Set the prompts root, relative to the repository: a folder, or a pattern such as 'app/*/prompts'. Repeat it for more."
    " By default, the place with the most prompts.",
)
@click.option("--dry-run", is_flag=True, help="Show the proposal without writing files.")
def command(roots: tuple[str, ...], dry_run: bool) -> None:
    """Find the prompts in a repository and set up promptdb for them.

    Writes promptdb.toml and other missing files. Existing files are not changed.
    """
    from promptdb.project.adopt.proposal import propose

    proposal = propose(Path.cwd(), roots)
    if not dry_run:
        proposal.write()
    _print_places(proposal)
    for fact in proposal.facts:
        click.echo(fact)
    for file, text in proposal.writes.items():
        shown = file.relative_to(proposal.base)
        if dry_run:
            click.secho(f"would write {shown}:", bold=True)
            click.echo("".join(f"    {line}\n" for line in text.splitlines()), nl=False)
        else:
            click.echo(f"wrote {shown}")
    for advice in proposal.advice:
        click.secho("next: ", fg="cyan", nl=False)
        click.echo(advice)
    first = f"promptdb render {proposal.example} --worktree, then " if proposal.example else ""
    click.echo(f"{count(proposal.prompts, 'prompt')} ready" + ("" if dry_run else f"; run: {first}promptdb sync"))


def _print_places(proposal: "Proposal") -> None:
    """Print the places with prompts if there is a choice."""
    if len(proposal.places) < 2:
        return
    click.echo(f"{len(proposal.places)} places with prompts:")
    for place in proposal.places[:_PLACES_SHOWN]:
        mark = "*" if place.root in proposal.chosen else " "
        folders = f" in {place.folders} folders" if place.folders > 1 else ""
        click.echo(f"{mark} {place.root}: {count(place.prompts, 'prompt')}{folders}")
    if len(proposal.places) > _PLACES_SHOWN:
        click.echo(f"  and {len(proposal.places) - _PLACES_SHOWN} more")
    click.echo("* is the prompts root; for another one, or for more: promptdb init --root FOLDER --root FOLDER")
