"""How `sync` tells what it did, or why it wrote nothing."""

from typing import TYPE_CHECKING

import click

from promptdb.cli.alias_moves import print_alias_moves, tell_waiting_aliases
from promptdb.cli.changes import print_plan
from promptdb.cli.order import is_superseded, order_line
from promptdb.cli.output import print_json
from promptdb.cli.problems import print_problems, problems_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promptdb.problems import Problem
    from promptdb.sync.apply import Applied
    from promptdb.sync.source import LoadedTree


def tell_refused(problems: "Sequence[Problem]", root: str, *, as_json: bool) -> int:
    """Gives the exit code."""
    print_problems(problems, err=True, root=root)
    click.echo("nothing was written", err=True)
    if as_json:
        print_json({"problems": problems_data(problems)})
    return 4


def print_synced(applied: "Applied", loaded: "LoadedTree", *, follow_force_push: bool) -> None:
    if not is_superseded(applied.plan):
        print_plan(applied.plan, done=True, confirmed=len(applied.confirmed))
        print_alias_moves(applied.plan, done=True)
        tell_waiting_aliases(loaded.origin, loaded.desired.declared)
        return
    click.echo(f"{order_line(applied.plan, loaded.origin)}; nothing written")
    if follow_force_push:
        click.echo(f"not followed: {loaded.origin.git_ref} is elsewhere at its remote", err=True)
