"""Options and words that the commands on aliases share."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from promptdb.cli.contracts import print_breaking
from promptdb.cli.output import print_json, print_table
from promptdb.cli.shared import root_prefix
from promptdb.domain.moves import ALIASES_FILE

if TYPE_CHECKING:
    from promptdb.service import Expected
    from promptdb.settings import AppSettings
    from promptdb.sync.aliases import Move

_F = TypeVar("_F", bound=Callable[..., Any])
EXPECT_HELP = "Move only if the alias points there now (compare-and-set)."


def reason_option(command: _F) -> _F:
    return click.option("-m", "--reason", help="Why; kept in the history of the alias.")(command)


def breaking_option(command: _F) -> _F:
    help_text = "Move a protected alias although callers may fail; kept in its history."
    return click.option("--allow-breaking", is_flag=True, help=help_text)(command)


def read_expected(text: str | None) -> "Expected":
    if text is None:
        return "any"
    if text == "none":
        return None
    number = text.removeprefix("rev:")
    if not (number.isascii() and number.isdigit()):
        raise click.BadParameter(f"{text!r} is neither rev:N nor none", param_hint="--expect")
    return int(number)


def print_moves(moves: "Sequence[Move]", *, as_json: bool, dry_run: bool = False) -> None:
    if as_json:
        print_json([move for move in moves if move.is_needed])
        return
    needed = [move for move in moves if move.is_needed]
    if needed:
        rows = [
            [f"{move.prompt}:{move.alias}", _revision(move.from_revision), _revision(move.to_revision)]
            for move in needed
        ]
        print_table(["ALIAS", "FROM", "TO"], rows)
        print_breaking((move.prompt, move.breaking) for move in needed)
    if dry_run:
        click.echo("nothing was moved", err=True)
    elif not needed:
        pointing = f"; {moves[0].prompt}:{moves[0].alias} is at rev:{moves[0].to_revision}" if len(moves) == 1 else ""
        click.echo(f"nothing to move{pointing}")


def print_declared(moves: "Sequence[Move]", settings: "AppSettings", *, as_json: bool) -> None:
    """What was written into the file of aliases, and what is left to do."""
    if as_json:
        print_json(moves)
        return
    file = f"{root_prefix(settings)}{ALIASES_FILE}"
    if not moves:
        click.echo(f"{file} says so already")
        return
    rows = [
        [f"{move.prompt}:{move.alias}", _revision(move.from_revision), _revision(move.to_revision)] for move in moves
    ]
    print_table(["ALIAS", "FROM", "TO"], rows)
    click.echo(f"wrote {file}; commit it, and 'promptdb sync' of the commit moves the aliases")


def _revision(revision: int | None) -> str:
    return f"rev:{revision}" if revision is not None else "-"
