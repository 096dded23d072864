"""`promptdb promote`."""

import click

from promptdb.cli.opening import note_rename, service, workspace
from promptdb.cli.options import EXPECT_HELP, breaking_option, json_option, read_expected, reason_option
from promptdb.cli.present.alias_moves import print_declared, print_moves


@click.command("promote")
@click.argument("source")
@click.argument("alias")
@click.option(
    "--all", "everywhere", is_flag=True, help="SOURCE is an alias (or latest): move ALIAS for every prompt that has it."
)
@click.option("--dry-run", is_flag=True, help="Show the moves and make none.")
@click.option("--expect", metavar="rev:N|none", help=EXPECT_HELP)
@breaking_option
@click.option("--write", is_flag=True, help="Declare it in _aliases.yaml, to be committed; sync moves the alias then.")
@reason_option
@json_option
def command(
    source: str,
    alias: str,
    everywhere: bool,
    dry_run: bool,
    expect: str | None,
    allow_breaking: bool,
    write: bool,
    reason: str | None,
    as_json: bool,
) -> None:
    """Point an alias at a version.

    \b
    promptdb promote support/triage:staging production
    promptdb promote --all staging production
    promptdb promote --write support/triage:rev:3 production

    Exit code 5 if the alias is protected (setting protected_aliases) and its callers would break.
    """
    if everywhere and expect is not None:
        raise click.UsageError("--expect goes with a single prompt, not with --all")
    if write and (dry_run or expect is not None or reason is not None):
        raise click.UsageError("--write changes a file: --dry-run, --expect and --reason do not go with it")
    if write:
        with workspace() as checkout:
            moves = checkout.declare(source, alias, everywhere=everywhere, allow_breaking=allow_breaking)
            print_declared(moves, checkout.settings, as_json=as_json)
        return
    with service() as opened:
        if everywhere:
            moves = opened.promote_all(source, alias, dry_run=dry_run, reason=reason, allow_breaking=allow_breaking)
        else:
            expected = read_expected(expect)
            move = opened.promote(
                source, alias, expected=expected, reason=reason, dry_run=dry_run, allow_breaking=allow_breaking
            )
            moves = [move]
            note_rename(source, move.prompt)
    print_moves(moves, as_json=as_json, dry_run=dry_run)
