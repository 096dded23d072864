"""`promptdb init`."""

from pathlib import Path

import click

from promptdb.cli.present.text import count


@click.command("init")
@click.option(
    "--root", metavar="FOLDER", help="Set the prompts root, relative to the repository. Found automatically by default."
)
@click.option("--dry-run", is_flag=True, help="Show the proposal without writing files.")
def command(root: str | None, dry_run: bool) -> None:
    """Find the prompts in a repository and set up promptdb for them.

    Writes promptdb.toml and other missing files. Existing files are not changed.
    """
    from promptdb.project.adopt import propose

    proposal = propose(Path.cwd(), root)
    if not dry_run:
        proposal.write()
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
    click.echo(f"{count(proposal.prompts, 'prompt')} ready" + ("" if dry_run else "; run: promptdb sync"))
