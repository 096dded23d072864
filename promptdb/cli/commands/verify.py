"""`promptdb verify`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from promptdb.cli.opening import registry
from promptdb.cli.options import json_option
from promptdb.cli.present.output import print_json
from promptdb.cli.present.progress import progress_bar
from promptdb.cli.present.text import count, one_line, print_hint, print_rest, size
from promptdb.settings import load_settings

if TYPE_CHECKING:
    from promptdb.maintenance.verify import Verified

_SHOWN = 100


@click.command("verify")
@click.option("--full/--quick", default=False, help="Read every blob, or check only presence and size (the default).")
@click.option("--git", "with_git", is_flag=True, help="Compare versions with their source commits.")
@click.option("--repair", is_flag=True, help="Restore blobs whose exact content is found elsewhere. Never edits rows.")
@click.option(
    "--from",
    "source",
    type=click.Path(exists=True, path_type=Path),
    help="With --repair, search this folder of blobs, or the registry that its settings name.",
)
@json_option
def command(full: bool, with_git: bool, repair: bool, source: Path | None, as_json: bool) -> int:
    """Check the registry's rows and blobs against their digests.

    Changes nothing without --repair. Exits with status 7 if it finds anything wrong.
    """
    from promptdb.maintenance.repair import verify_and_repair

    if source is not None and not repair:
        raise click.UsageError("--from needs --repair")
    settings = load_settings()
    with registry(settings) as opened:
        found = verify_and_repair(
            opened, settings, full=full, with_git=with_git, repair=repair, source=source, progress=progress_bar
        )
    if as_json:
        print_json(found)
    else:
        _print(found, is_repair=repair)
    return 7 if found.findings else 0


def _print(found: "Verified", *, is_repair: bool) -> None:
    for one in found.findings[:_SHOWN]:
        click.secho(f"{one.code} ", fg="red", bold=True, nl=False)
        click.echo(one_line(f"{one.subject}: {one.message}"))
        print_hint(one.remedy, before="      ", err=False)
    print_rest(len(found.findings) - _SHOWN, more="more; --json has all")
    for digest in found.repaired:
        click.echo(f"restored: {digest}")
    looked = f"{count(found.prompts, 'prompt')}, {count(found.versions, 'version')}, {count(found.aliases, 'alias')}"
    how = "all read" if found.full else "not read: use --full"
    click.echo(f"{looked}, {count(found.blobs, 'blob')} ({size(found.blob_bytes)}, {how})")
    if found.provenance is not None:
        checked, unknown = found.provenance.checked, found.provenance.unknown
        click.echo(f"git: {checked:,} sources compared" + (f", {unknown:,} not in this repository" if unknown else ""))
    if found.unnamed:
        unnamed = f"{count(found.unnamed, 'blob')} ({size(found.unnamed_bytes)})"
        in_doubt = any(one.code.is_about_rows for one in found.findings)  # the rows may be wrong, not the blobs
        click.echo(f"no row refers to {unnamed}" if in_doubt else f"no version needs {unnamed}; see: promptdb gc")
    if not found.findings:
        click.echo("no findings left" if found.repaired else "no findings")
        return
    repairable = sum(one.repairable for one in found.findings)
    flags = "--full --repair" if found.full else "--repair"
    tail = f"; no intact copy of {repairable:,} was found" if is_repair else f"; {flags} may fix {repairable:,}"
    click.echo(f"{count(len(found.findings), 'finding')}{tail if repairable else ''}")
