"""`promptdb init`."""

from pathlib import Path

import click

from promptdb.cli.present.text import count
from promptdb.errors import StorageError


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
            stream.write(text.encode(errors="surrogateescape"))  # a file name may not be UTF-8
    except OSError as error:
        raise StorageError(f"cannot write {file}: {error.strerror}", "init never replaces a file") from error
