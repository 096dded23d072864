"""Prints alias moves: those of a sync and those made by hand."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from promptdb.cli.present.holds import note_git_targets, print_holds
from promptdb.cli.present.output import print_json, print_table
from promptdb.cli.present.plan import print_breaking
from promptdb.cli.present.text import SHOWN, count, pointed, print_hint, print_rest
from promptdb.domain.aliases import AliasMove, Declaration
from promptdb.domain.layout import ALIASES_FILE
from promptdb.domain.plan import Plan
from promptdb.settings import AppSettings

if TYPE_CHECKING:
    from promptdb.project.view import Origin

_WAITING = "aliases move with the commit: nothing is moved while files are not committed"


def print_alias_moves(plan: Plan, *, done: bool = False, is_dirty: bool = False) -> None:
    """Print the moves of a plan with their reasons. If `is_dirty`, they wait for the commit."""
    if plan.moves:
        _print_table(plan.moves[:SHOWN], with_reasons=True)
        print_rest(len(plan.moves) - SHOWN)
        click.echo(moves_summary(plan, done=done))
        # The changes of the prompts themselves are printed with these.
        said = {(change.prompt, part) for change in plan.changes for part in change.contract}
        print_breaking((m.prompt, [part for part in m.breaking if (m.prompt, part) not in said]) for m in plan.moves)
    print_holds(plan, done=done)
    if plan.moves and is_dirty:
        click.echo(_WAITING, err=True)


def print_waiting_aliases(origin: "Origin", declared: Sequence[Declaration] | None) -> None:
    """Print, after a sync, why it skipped the aliases."""
    if origin.is_dirty and (declared or origin.refs.aliases_of(origin.git_ref)):
        click.echo(_WAITING, err=True)


def moves_summary(plan: Plan, *, done: bool = False) -> str:
    """Count the moves; empty if there are none."""
    return f"{count(len(plan.moves), 'alias move')}{' made' if done else ''}" if plan.moves else ""


def print_moves(
    moves: Sequence[AliasMove],
    settings: AppSettings,
    *,
    as_json: bool,
    dry_run: bool = False,
    marks_refused: bool = False,
) -> None:
    """Print the moves that change something, and what git says of them.

    With `dry_run`, none of them was made. `marks_refused` marks those that break callers.
    """
    needed = [move for move in moves if move.is_needed]
    _note_other_sums(needed)
    if not dry_run:
        note_git_targets(needed, settings)
    if as_json:
        print_json(needed)
        return
    if needed:
        _print_table(needed, marks_refused=marks_refused and any(move.breaking for move in needed))
        print_breaking((move.prompt, move.breaking) for move in needed)
    if dry_run:
        click.echo("nothing was moved", err=True)
    elif not needed:
        pointing = (
            f"; {moves[0].prompt}:{moves[0].alias} is at {pointed(moves[0].to_revision, moves[0].to_split)}"
            if len(moves) == 1
            else ""
        )
        click.echo(f"nothing to move{pointing}")


def _note_other_sums(moves: Sequence[AliasMove]) -> None:
    for move in moves:
        before, after = move.from_split, move.to_split
        if before is not None and after is not None and (what := after.may_move_all(before)) is not None:
            name = f"{move.prompt}:{move.alias}"
            click.echo(f"note: the split of {name} has another {what}, so keys of all its arms may move", err=True)
            print_hint(f"keep the sum {before.total:,} and the control rev:{before.control} to move as few as possible")


def print_declared(moves: Sequence[AliasMove], root: str, *, as_json: bool) -> None:
    """Print the moves that were written to `_aliases.yaml`, and the next step."""
    file = f"{root}{ALIASES_FILE}"
    if as_json:
        print_json(moves)
    elif not moves:
        click.echo(f"{file} declares this already")
    else:
        _print_table(moves)
        click.echo(f"wrote {file}; commit it, and 'promptdb sync' of the commit moves the aliases")


def _print_table(moves: Sequence[AliasMove], *, with_reasons: bool = False, marks_refused: bool = False) -> None:
    rows = []
    for move in moves:
        there, target = pointed(move.from_revision, move.from_split), pointed(move.to_revision, move.to_split)
        rows.append([f"{move.prompt}:{move.alias}", there, target])
        if with_reasons:
            rows[-1].append(move.reason or "")
        if marks_refused:
            rows[-1].append("refused" if move.breaking else "")
    more = [*(["WHY"] if with_reasons else []), *(["STATE"] if marks_refused else [])]
    print_table(["ALIAS", "FROM", "TO", *more], rows)
