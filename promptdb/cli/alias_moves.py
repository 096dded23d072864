"""The aliases that a sync moves, in words."""

from typing import TYPE_CHECKING

import click

from promptdb.cli.contracts import print_breaking
from promptdb.cli.output import print_table
from promptdb.cli.problems import count
from promptdb.domain.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promptdb.domain.moves import Declaration
    from promptdb.sync.view import Origin

_WAITING = "aliases move with the commit: nothing is moved from files that are not committed"
_SHOWN = 50
"""Moves on a terminal or in a log; JSON has all."""


def print_alias_moves(plan: Plan, *, done: bool = False, is_dirty: bool = False) -> None:
    """Where aliases go, why, and which of them were moved by hand.

    Args:
        plan: with its moves.
        done: whether they were made, or would be.
        is_dirty: the files are not committed, so that they are not made yet.
    """
    if plan.moves:
        drifted = {(move.prompt, move.alias) for move in plan.drift}
        rows = [
            [
                f"{move.prompt}:{move.alias}",
                f"rev:{move.from_revision}" if move.from_revision is not None else "-",
                f"rev:{move.to_revision}",
                f"{move.reason}; moved by hand" if (move.prompt, move.alias) in drifted else move.reason,
            ]
            for move in plan.moves[:_SHOWN]
        ]
        print_table(["ALIAS", "FROM", "TO", "WHY"], rows)
        if len(plan.moves) > _SHOWN:
            click.echo(f"... and {len(plan.moves) - _SHOWN:,} more")
        click.echo(moves_summary(plan, done=done))
        print_breaking((move.prompt, move.breaking) for move in plan.moves)
    if plan.moves and is_dirty:
        click.echo(_WAITING, err=True)


def tell_waiting_aliases(origin: "Origin", declared: "Sequence[Declaration]") -> None:
    """After a sync: why aliases were not looked at."""
    if origin.is_dirty and (declared or origin.refs.aliases_of(origin.git_ref)):
        click.echo(_WAITING, err=True)


def moves_summary(plan: Plan, *, done: bool = False) -> str:
    """How many aliases move, and how many of them were moved by hand; empty where none does."""
    if not plan.moves:
        return ""
    drift = f", {len(plan.drift):,} of them moved by hand (drift)" if plan.drift else ""
    return f"{count(len(plan.moves), 'alias move')}{' made' if done else ''}{drift}"
