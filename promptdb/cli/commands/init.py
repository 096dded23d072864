"""`promptdb init`."""

from pathlib import Path

import click

from promptdb.cli.present.text import count
from promptdb.errors import StorageError


@click.command("init")
@click.option("--root", metavar="FOLDER", help="The prompts root, relative to the repository; found if not given.")
@click.option("--dry-run", is_flag=True, help="Show the proposal and write nothing.")
def command(root: str | None, dry_run: bool) -> None:
    """Find the prompts of a repository and set promptdb up for them.

    Writes promptdb.toml and what else is missing, as new files; files that are there stay as they are.
    """
    from promptdb.project.adopt import propose

    proposal = propose(Path.cwd(), root)
    for fact in proposal.facts:
        click.echo(fact)
    for file, text in proposal.writes.items():
        shown = file.relative_to(proposal.base)
        if dry_run:
            click.secho(f"would write {shown}:", bold=True)
            click.echo("".join(f"    {line}\n" for line in text.splitlines()), nl=False)
        else:
            _write_new(file, text)
            click.echo(f"wrote {shown}")
    for advice in proposal.advice:
        click.secho("next: ", fg="cyan", nl=False)
        click.echo(advice)
    click.echo(f"{count(proposal.prompts, 'prompt')} ready" + ("" if dry_run else "; run: promptdb sync"))


def _write_new(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("xb") as stream:
            stream.write(text.encode(errors="surrogateescape"))  # names of files need not be UTF-8
    except OSError as error:
        hint = "files that are there are never replaced"
        raise StorageError(f"cannot write {file}: {error.strerror}", hint) from error
