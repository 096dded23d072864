"""`promptdb promote`."""

import click

from promptdb.cli.moves import EXPECT_HELP, breaking_option, print_moves, read_expected, reason_option
from promptdb.cli.shared import json_option, note_rename, service


@click.command("promote")
@click.argument("source")
@click.argument("alias")
@click.option(
    "--all", "everywhere", is_flag=True, help="SOURCE is an alias (or latest): move ALIAS for every prompt that has it."
)
@click.option("--dry-run", is_flag=True, help="Show the moves and make none.")
@click.option("--expect", metavar="rev:N|none", help=EXPECT_HELP)
@breaking_option
@reason_option
@json_option
def command(
    source: str,
    alias: str,
    everywhere: bool,
    dry_run: bool,
    expect: str | None,
    allow_breaking: bool,
    reason: str | None,
    as_json: bool,
) -> None:
    """Point an alias at a version.

    \b
    promptdb promote support/triage:staging production
    promptdb promote --all staging production

    \b
    Exit code 5 if the alias is protected (setting protected_aliases) and its callers would break.
    """
    if everywhere and expect is not None:
        raise click.UsageError("--expect goes with a single prompt, not with --all")
    with service() as opened:
        if everywhere:
            moves = opened.promote_all(source, alias, dry_run=dry_run, reason=reason, allow_breaking=allow_breaking)
        else:
            expected = read_expected(expect)
            moves = [
                opened.promote(
                    source, alias, expected=expected, reason=reason, dry_run=dry_run, allow_breaking=allow_breaking
                )
            ]
            note_rename(source, moves[0].prompt)
    print_moves(moves, as_json=as_json, dry_run=dry_run)
