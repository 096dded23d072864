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
@click.option(
    "--vscode",
    is_flag=True,
    help="Write what Visual Studio Code needs to complete and check prompt files, also where promptdb is set up already.",
)
@click.option("--dry-run", is_flag=True, help="Show the proposal without writing files.")
def command(roots: tuple[str, ...], vscode: bool, dry_run: bool) -> None:
    """Find the prompts in a repository and set up promptdb for them.

    Writes promptdb.toml and other missing files. Existing files are not changed.
    """
    from promptdb.project.adopt.proposal import propose

    proposal = propose(Path.cwd(), roots, vscode=vscode)
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
    if not proposal.prompts:
        return
    values = "".join(f" -v {name}=..." for name in proposal.values)
    first = f"promptdb render {proposal.example} --worktree{values}, then " if proposal.example else ""
    click.echo(f"{count(proposal.prompts, 'prompt')} ready" + ("" if dry_run else f"; run: {first}promptdb sync"))


def _print_places(proposal: "Proposal") -> None:
    """Print the places with prompts if there is a choice."""
    found = {place.root for place in proposal.places}
    # Someone may have named other folders than those that were found.
    asked = [root for root in proposal.chosen if root not in found] if found else []
    if len(found) + len(asked) < 2:
        return
    click.echo(f"{count(len(found), 'place')} with prompts:")
    for root in asked:
        click.echo(f"* {root}" + (f": {count(proposal.prompts, 'prompt')}" if len(proposal.chosen) == 1 else ""))
    for place in sorted(proposal.places, key=lambda place: place.root not in proposal.chosen)[:_PLACES_SHOWN]:
        mark = "*" if place.root in proposal.chosen else " "
        folders = f" in {place.folders} folders" if place.folders > 1 else ""
        click.echo(f"{mark} {place.root}: {count(place.prompts, 'prompt')}{folders}")
    if len(proposal.places) > _PLACES_SHOWN:
        click.echo(f"  and {len(proposal.places) - _PLACES_SHOWN} more")
    click.echo("* is the prompts root; for another one, or for more: promptdb init --root FOLDER --root FOLDER")
