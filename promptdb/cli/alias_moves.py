"""The aliases that a sync moves, in words."""

import click

from promptdb.cli.output import print_table
from promptdb.cli.problems import count
from promptdb.domain.plan import Plan

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
    if plan.moves and is_dirty:
        click.echo("aliases move with the commit: nothing is moved from files that are not committed", err=True)


def moves_summary(plan: Plan, *, done: bool = False) -> str:
    """How many aliases move, and how many of them were moved by hand; empty where none does."""
    if not plan.moves:
        return ""
    drift = f", {len(plan.drift):,} of them moved by hand (drift)" if plan.drift else ""
    return f"{count(len(plan.moves), 'alias move')}{' made' if done else ''}{drift}"
