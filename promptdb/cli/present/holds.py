"""Words for holds: aliases that were moved by hand, and that syncs leave where they are."""

from collections.abc import Iterable, Sequence

import click

from promptdb.cli.opening import root_prefix
from promptdb.cli.present.output import short_time
from promptdb.cli.present.text import SHOWN, count, one_line, pointed, print_hint, print_rest
from promptdb.domain.aliases import AliasMove
from promptdb.domain.holds import EndedHold, GitTarget, Hold
from promptdb.domain.layout import ALIASES_FILE
from promptdb.domain.plan import Plan
from promptdb.domain.splits import Split
from promptdb.project.declared import said_of
from promptdb.settings import AppSettings


def hold_line(hold: Hold) -> str:
    """Write one line: the alias, where it is, where git has it, and who moved it, when and why."""
    why = f", {hold.reason}" if hold.reason else ""
    moved = f"{hold.action} by {hold.actor}, {short_time(hold.since)}{why}"
    return one_line(f"{hold.prompt}:{hold.alias} is held {_at(hold.revision, hold.split)} ({_git(hold.git)}): {moved}")


def ended_line(ended: EndedHold, *, done: bool = False) -> str:
    """Write one line: the hold, and the change in git that ends it."""
    hold, now = ended.hold, ended.git_revision
    because = (
        "git does not move the alias any more"
        if now is None
        else f"git has the alias at {pointed(now, ended.git_split)} now"
    )
    ends = "ended" if done else "ends with the next sync"
    return one_line(
        f"the hold of {hold.prompt}:{hold.alias} {_at(hold.revision, hold.split)} by {hold.actor} {ends}: {because}"
    )


def print_holds(plan: Plan, *, done: bool = False) -> None:
    """Print the holds that a plan keeps, and those that it ends."""
    for ended in plan.ended_holds[:SHOWN]:
        click.echo(ended_line(ended, done=done))
    print_rest(len(plan.ended_holds) - SHOWN)
    for hold in plan.held[:SHOWN]:
        click.echo(hold_line(hold))
    print_rest(len(plan.held) - SHOWN)
    if plan.held:
        click.echo(f"{holds_summary(plan)}; 'promptdb alias release PROMPT ALIAS' ends a hold", err=True)


def holds_summary(plan: Plan) -> str:
    """Count the holds; empty if there are none."""
    return f"{count(len(plan.held), 'alias')} held, moved by hand" if plan.held else ""


def note_git_targets(moves: Sequence[AliasMove], settings: AppSettings) -> None:
    """Print where git has the aliases that were moved by hand, and what syncs will do."""
    _note_unsynced([move for move in moves if move.git_target is None], settings)
    governed = [(move, move.git_target) for move in moves if move.git_target is not None]
    for move, git in governed[:SHOWN]:
        name = f"{move.prompt}:{move.alias}"
        if move.is_held:
            click.echo(
                one_line(f"note: {name} is held {_at(move.to_revision, move.to_split)} ({_git(git)}); syncs leave it"),
                err=True,
            )
        else:
            click.echo(one_line(f"note: {name} is not held, since {_git(git)} too"), err=True)
    print_rest(len(governed) - SHOWN, err=True)
    held = [(move, git) for move, git in governed if move.is_held]
    if held:
        print_hint(_remedy(held))


def note_holds(holds: Iterable[Hold], alias: str) -> None:
    """Print that a registration moved an alias away from where git has it."""
    for hold in holds:
        if hold.alias == alias:
            click.echo(f"note: {hold_line(hold)}; syncs leave it", err=True)


def _note_unsynced(moves: Sequence[AliasMove], settings: AppSettings) -> None:
    if not moves:
        return
    alias = moves[0].alias
    said = said_of(settings, alias, {move.prompt for move in moves}, root_prefix(settings))
    for prompt, text in sorted(said.items())[:SHOWN]:
        line = f"note: {prompt}:{alias} is not held: {text}, and as no sync has done so yet, the next one will"
        click.echo(one_line(line), err=True)
    print_rest(len(said) - SHOWN, err=True)


def _remedy(held: Sequence[tuple[AliasMove, GitTarget]]) -> str:
    move, git = held[0]
    prompt = move.prompt if len(held) == 1 else "PROMPT"
    until = f"'promptdb alias release {prompt} {move.alias}' ends the hold"
    if git.selector is None:
        return f"{until}, and so does a change of the prompt on {git.git_ref}"
    return f"{until}, and so does a line with another version in {ALIASES_FILE}"


def _at(revision: int | None, split: Split | None) -> str:
    return "without a version" if revision is None else f"at {pointed(revision, split)}"


def _git(git: GitTarget) -> str:
    return f"{git.place} has {pointed(git.revision, git.split)}"
