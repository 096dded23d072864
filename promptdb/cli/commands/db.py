"""`promptdb db`."""

import click

from promptdb.cli.commands import doctor
from promptdb.cli.opening import load_settings
from promptdb.cli.options import json_option
from promptdb.cli.present.output import print_json


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


command.add_command(doctor.command)
