"""`promptdb rollback`."""

import click

from promptdb.cli.opening import note_rename, service
from promptdb.cli.options import EXPECT_HELP, json_option, read_expected, reason_option
from promptdb.cli.present.alias_moves import print_moves


@click.command("rollback")
@click.argument("prompt")
@click.argument("alias")
@click.option("--expect", metavar="rev:N", help=EXPECT_HELP)
@reason_option
@json_option
def command(prompt: str, alias: str, expect: str | None, reason: str | None, as_json: bool) -> None:
    """Return an alias to its previous version.

    Again, and it goes one further back.
    """
    with service() as opened:
        move = opened.rollback(prompt, alias, expected=read_expected(expect), reason=reason)
    note_rename(prompt, move.prompt)
    print_moves([move], as_json=as_json)
