"""`promptdb rollback`."""

from typing import TYPE_CHECKING

import click

from promptdb.cli.opening import note_rename, service
from promptdb.cli.options import expect_option, json_option, reason_option, ref_argument
from promptdb.cli.present.alias_moves import print_moves

if TYPE_CHECKING:
    from promptdb.domain.alias_condition import Expected


@click.command("rollback")
@ref_argument("prompt")
@click.argument("alias")
@expect_option
@reason_option
@json_option
def command(prompt: str, alias: str, expected: "Expected", reason: str | None, as_json: bool) -> None:
    """Move an alias back to its previous version.

    A second rollback moves it back by one more version.
    """
    with service() as opened:
        move = opened.rollback(prompt, alias, expected=expected, reason=reason)
    note_rename(prompt, move.prompt)
    print_moves([move], opened.settings, as_json=as_json)
