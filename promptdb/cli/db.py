"""`promptdb db`."""

import click

from promptdb.cli import doctor
from promptdb.cli.opening import service
from promptdb.cli.options import json_option
from promptdb.cli.output import print_json
from promptdb.errors import ConfigError


@click.group("db")
def command() -> None:
    """Create, update and check the database schema, and find what is wrong."""


@command.command("upgrade")
def upgrade() -> None:
    """Bring the schema up to date, or create it."""
    from promptdb.db import migrate

    with service() as opened:
        before = migrate.current_revision(opened.engine)
        migrate.upgrade(opened.engine)
    if before == migrate.HEAD:
        click.echo(f"the schema is up to date ({migrate.HEAD})")
    else:
        click.echo(f"schema: {before or 'empty'} -> {migrate.HEAD}")


@command.command("current")
@json_option
def current(as_json: bool) -> None:
    """Show which migration the database is at."""
    from promptdb.db import migrate
    from promptdb.db.engine import address

    with service() as opened:
        found = migrate.current_revision(opened.engine)
        where = address(opened.engine)
    if as_json:
        print_json({"database": where, "current": found, "needed": migrate.HEAD})
    else:
        click.echo(f"{where}: {found or 'empty'}, needs {migrate.HEAD}")


@command.command("check")
def check() -> None:
    """Compare the schema with what this release needs.

    Exit code 1 if they differ.
    """
    from promptdb.db import migrate

    with service() as opened:
        found = migrate.current_revision(opened.engine)
        if found != migrate.HEAD:
            where = f"the schema is at {found or 'nothing'}, not at {migrate.HEAD}"
            raise ConfigError(where, "run: promptdb db upgrade")
        differences = migrate.drift(opened.engine)
    if differences:
        raise ConfigError(f"the schema was changed: {'; '.join(differences)}", "restore it, or report a defect")
    click.echo(f"the schema is as it should be ({migrate.HEAD})")


command.add_command(doctor.command)
