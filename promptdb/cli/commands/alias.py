"""`promptdb alias`."""

from typing import TYPE_CHECKING

import click

from promptdb.cli.opening import note_rename, root_prefix, service, workspace
from promptdb.cli.options import breaking_option, expect_option, json_option, reason_option, ref_argument
from promptdb.cli.present.alias_moves import print_declared, print_moves
from promptdb.cli.present.output import print_json, print_table, short_time
from promptdb.cli.present.text import pointed
from promptdb.domain.splits import parse_arm

if TYPE_CHECKING:
    from promptdb.domain.alias_condition import Expected


@click.group("alias")
def command() -> None:
    """List, set, split, release and delete aliases, and show their history."""


@command.command("list")
@ref_argument("prompt", required=False)
@json_option
def list_(prompt: str | None, as_json: bool) -> None:
    """List the aliases of one prompt or of all prompts."""
    with service() as opened:
        found = opened.aliases(prompt)
        deleted = [] if as_json else [hold for hold in opened.holds(prompt) if hold.revision is None]
    if prompt is not None and found:
        note_rename(prompt, found[0].prompt)
    if as_json:
        print_json(found)
    elif found or deleted:
        held = bool(deleted) or any(view.held for view in found)
        rows = [
            [
                *(str(view.prompt), view.alias, pointed(view.revision, view.split), short_time(view.updated_at)),
                *(["held" if view.held else ""] if held else []),
            ]
            for view in found
        ]
        # Syncs do not set these again, which a list without them would hide.
        rows += [[str(hold.prompt), hold.alias, "deleted", short_time(hold.since), "held"] for hold in deleted]
        rows.sort(key=lambda row: row[:2])
        print_table(["PROMPT", "ALIAS", "REVISION", "MOVED", *(["STATE"] if held else [])], rows)
    else:
        click.echo("no aliases; 'promptdb promote' sets them", err=True)


@command.command("set")
@ref_argument("ref")
@click.argument("alias")
@expect_option
@breaking_option
@reason_option
@json_option
def set_(ref: str, alias: str, expected: "Expected", allow_breaking: bool, reason: str | None, as_json: bool) -> None:
    """Point an alias at a version, as promote does."""
    with service() as opened:
        move = opened.promote(ref, alias, expected=expected, reason=reason, allow_breaking=allow_breaking)
    note_rename(ref, move.prompt)
    print_moves([move], opened.settings, as_json=as_json)


@command.command("split")
@ref_argument("prompt")
@click.argument("alias")
@click.argument("arms", nargs=-1, metavar="[SELECTOR=WEIGHT]...")
@click.option("--end", metavar="SELECTOR", help="End the split with this arm for everyone.")
@click.option(
    "--write", is_flag=True, help="Write the split to _aliases.yaml. Once it is committed, sync splits the alias."
)
@expect_option
@breaking_option
@reason_option
@json_option
def split(
    prompt: str,
    alias: str,
    arms: tuple[str, ...],
    end: str | None,
    write: bool,
    expected: "Expected",
    allow_breaking: bool,
    reason: str | None,
    as_json: bool,
) -> None:
    """Give a part of the users another version than the rest.

    \b
    promptdb alias split support/triage production rev:3=90 rev:4=10
    promptdb alias split support/triage production --end rev:4

    The first arm is the control: lookups without a key get it. Weights are whole numbers. Keep their sum, so that a change
    moves only users of the arms that shrink. Any other move of the alias ends the split, and a rollback brings it back.
    """
    if bool(arms) == (end is not None):
        raise click.UsageError("give the arms, or --end SELECTOR")
    if write and (end is not None or expected != "any" or reason is not None):
        raise click.UsageError("--write cannot be combined with --end, --expect or --reason")
    wanted = [parse_arm(arm) for arm in arms]
    if write:
        with workspace() as checkout:
            moves = checkout.declare(prompt, alias, arms=wanted, allow_breaking=allow_breaking)
            print_declared(moves, root_prefix(checkout.settings), as_json=as_json)
        return
    with service() as opened:
        if end is not None:
            move = opened.end_split(prompt, alias, end, expected=expected, reason=reason, allow_breaking=allow_breaking)
        else:
            move = opened.split(prompt, alias, wanted, expected=expected, reason=reason, allow_breaking=allow_breaking)
    note_rename(prompt, move.prompt)
    print_moves([move], opened.settings, as_json=as_json)


@command.command("delete")
@ref_argument("prompt")
@click.argument("alias")
@expect_option
@reason_option
@json_option
def delete(prompt: str, alias: str, expected: "Expected", reason: str | None, as_json: bool) -> None:
    """Delete an alias and keep its history."""
    with service() as opened:
        move = opened.delete_alias(prompt, alias, expected=expected, reason=reason)
    note_rename(prompt, move.prompt)
    print_moves([move], opened.settings, as_json=as_json)


@command.command("release")
@ref_argument("prompt")
@click.argument("alias")
@reason_option
@json_option
def release(prompt: str, alias: str, reason: str | None, as_json: bool) -> None:
    """End the hold of an alias that was moved by hand.

    The next sync moves the alias to where git has it: to the version in _aliases.yaml, or in the commit of its ref.
    """
    with service() as opened:
        ended = opened.release_alias(prompt, alias, reason=reason)
    note_rename(prompt, ended.prompt)
    if as_json:
        print_json(ended)
    else:
        to = f"{pointed(ended.git.revision, ended.git.split)}, as {ended.git.place} says"
        click.echo(f"{ended.prompt}:{alias} is not held any more; the next sync moves it to {to}")


@command.command("log")
@ref_argument("prompt")
@click.argument("alias", required=False)
@json_option
def log(prompt: str, alias: str | None, as_json: bool) -> None:
    """List the moves of a prompt's aliases, newest first."""
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
            pointed(event.to_revision, event.split),
            event.actor,
            event.reason or "",
            *(["; ".join(change.message for change in event.breaking)] if has_broken else []),
        ]
        for event in found
    ]
    headers = ["WHEN", "ALIAS", "ACTION", "FROM", "TO", "WHO", "WHY"]
    print_table([*headers, "BREAKING"] if has_broken else headers, rows)
