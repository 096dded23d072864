"""`promptdb alias`."""

import click

from promptdb.cli.opening import note_rename, service
from promptdb.cli.options import EXPECT_HELP, breaking_option, json_option, read_expected, reason_option
from promptdb.cli.present.alias_moves import print_moves
from promptdb.cli.present.output import print_json, print_table, short_time


@click.group("alias")
def command() -> None:
    """List, set and delete aliases, and show their history."""


@command.command("list")
@click.argument("prompt", required=False)
@json_option
def list_(prompt: str | None, as_json: bool) -> None:
    """List the aliases of one prompt, or of all."""
    with service() as opened:
        found = opened.aliases(prompt)
    if prompt is not None and found:
        note_rename(prompt, found[0].prompt)
    if as_json:
        print_json(found)
    elif found:
        rows = [[str(view.prompt), view.alias, f"rev:{view.revision}", short_time(view.updated_at)] for view in found]
        print_table(["PROMPT", "ALIAS", "REVISION", "MOVED"], rows)
    else:
        click.echo("no aliases; 'promptdb promote' makes them", err=True)


@command.command("set")
@click.argument("ref")
@click.argument("alias")
@click.option("--expect", metavar="rev:N|none", help=EXPECT_HELP)
@breaking_option
@reason_option
@json_option
def set_(ref: str, alias: str, expect: str | None, allow_breaking: bool, reason: str | None, as_json: bool) -> None:
    """Point an alias at a version, as promote does."""
    with service() as opened:
        expected = read_expected(expect)
        move = opened.promote(ref, alias, expected=expected, reason=reason, allow_breaking=allow_breaking)
    note_rename(ref, move.prompt)
    print_moves([move], as_json=as_json)


@command.command("delete")
@click.argument("prompt")
@click.argument("alias")
@click.option("--expect", metavar="rev:N", help=EXPECT_HELP)
@reason_option
@json_option
def delete(prompt: str, alias: str, expect: str | None, reason: str | None, as_json: bool) -> None:
    """Delete an alias; its history stays."""
    with service() as opened:
        move = opened.delete_alias(prompt, alias, expected=read_expected(expect), reason=reason)
    note_rename(prompt, move.prompt)
    print_moves([move], as_json=as_json)


@command.command("log")
@click.argument("prompt")
@click.argument("alias", required=False)
@json_option
def log(prompt: str, alias: str | None, as_json: bool) -> None:
    """Show the moves of a prompt's aliases, the newest first."""
    with service() as opened:
        found = opened.alias_log(prompt, alias)
    if found:
        note_rename(prompt, found[0].prompt)
    if as_json:
        print_json(found)
        return
    if not found:
        click.echo("no moves", err=True)
        return
    has_broken = any(event.breaking for event in found)
    rows = [
        [
            short_time(event.created_at),
            event.alias,
            event.action,
            f"rev:{event.from_revision}" if event.from_revision else "-",
            f"rev:{event.to_revision}" if event.to_revision else "-",
            event.actor,
            event.reason or "",
            *(["; ".join(change.message for change in event.breaking)] if has_broken else []),
        ]
        for event in found
    ]
    headers = ["WHEN", "ALIAS", "ACTION", "FROM", "TO", "WHO", "WHY"]
    print_table([*headers, "BREAKING"] if has_broken else headers, rows)
