"""`promptdb promote`."""

from typing import TYPE_CHECKING

import click

from promptdb.cli.opening import note_rename, root_prefix, service, workspace
from promptdb.cli.options import breaking_option, expect_option, json_option, reason_option, ref_argument
from promptdb.cli.present.alias_moves import print_declared, print_moves

if TYPE_CHECKING:
    from promptdb.domain.alias_condition import Expected
    from promptdb.service import PromptService


@click.command("promote")
@ref_argument("source")
@click.argument("alias")
@click.option(
    "--all", "everywhere", is_flag=True, help="Move ALIAS for every prompt that has SOURCE, an alias or latest."
)
@click.option("--dry-run", is_flag=True, help="Show the moves without making them, with --all also the refused ones.")
@expect_option
@breaking_option
@click.option(
    "--write",
    is_flag=True,
    help="Write the move to _aliases.yaml as rev:N. Once it is committed, sync moves the alias.",
)
@reason_option
@json_option
def command(
    source: str,
    alias: str,
    everywhere: bool,
    dry_run: bool,
    expected: "Expected",
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

    Exits with status 5 if the alias is protected (setting protected_aliases) and the move breaks its callers.
    """
    if everywhere and expected != "any":
        raise click.UsageError("--all cannot be combined with --expect")
    if write and (dry_run or expected != "any" or reason is not None):
        raise click.UsageError("--write cannot be combined with --dry-run, --expect or --reason")
    if write:
        with workspace() as checkout:
            moves = checkout.declare(source, alias, everywhere=everywhere, allow_breaking=allow_breaking)
            print_declared(moves, root_prefix(checkout.settings), as_json=as_json)
        return
    with service() as opened:
        if everywhere and dry_run:
            _show_all(opened, source, alias, reason, allow_breaking=allow_breaking, as_json=as_json)
            return
        if everywhere:
            moves = opened.promote_all(source, alias, reason=reason, allow_breaking=allow_breaking)
        else:
            move = opened.promote(
                source, alias, expected=expected, reason=reason, dry_run=dry_run, allow_breaking=allow_breaking
            )
            note_rename(source, move.prompt)
            moves = [move]
    print_moves(moves, opened.settings, as_json=as_json, dry_run=dry_run)


def _show_all(
    opened: "PromptService", source: str, alias: str, reason: str | None, *, allow_breaking: bool, as_json: bool
) -> None:
    """Print the moves of a dry run, also those that would be refused, and then refuse them."""
    from promptdb.registry.protection import require_unbroken

    moves = opened.promote_all(source, alias, dry_run=True, reason=reason, allow_breaking=True)
    print_moves(moves, opened.settings, as_json=as_json, dry_run=True, marks_refused=not allow_breaking)
    if not allow_breaking:
        require_unbroken(moves)
