"""`promptdb db`."""

import click

from promptdb.cli.options import json_option
from promptdb.cli.present.output import print_json
from promptdb.cli.present.text import one_line
from promptdb.settings import load_settings

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.group("db")
def command() -> None:
    """Manage the database schema and diagnose problems."""


@command.command("upgrade")
def upgrade() -> None:
    """Create the schema or bring it up to date."""
    from promptdb.maintenance import schema

    before, after = schema.upgrade(load_settings())
    click.echo(f"the schema is up to date ({after})" if before == after else f"schema: {before or 'empty'} -> {after}")


@command.command("current")
@json_option
def current(as_json: bool) -> None:
    """Show the migration that the database is at."""
    from promptdb.maintenance.schema import standing

    found = standing(load_settings())
    if as_json:
        print_json(found)
    else:
        click.echo(f"{found.database}: {found.current or 'empty'}, needs {found.needed}")


@command.command("check")
def check() -> None:
    """Compare the schema with the one that this release needs.

    Exits with status 1 if they differ.
    """
    from promptdb.maintenance.schema import require_sound

    click.echo(f"the schema is correct ({require_sound(load_settings())})")


@command.command("doctor")
@json_option
def doctor(as_json: bool) -> int:
    """Diagnose settings, stores, clocks, disks and git.

    Writes a row and rolls it back, and writes a random blob and deletes it. Nothing else changes. Exits with status 1 if a
    check fails.
    """
    from promptdb.maintenance.doctor import Level, examine

    findings = []
    for finding in examine():
        findings.append(finding)
        if not as_json:
            click.secho(f"{finding.level:<6}", fg=_COLOURS[finding.level], nl=False)
            click.echo(one_line(f"{finding.check:<13}{finding.detail}"))
            if finding.remedy:
                click.echo(one_line(f"{'':<6}{'':<13}remedy: {finding.remedy}"))
    failed = any(finding.level is Level.FAIL for finding in findings)
    if as_json:
        print_json({"healthy": not failed, "findings": findings})
    return 1 if failed else 0
