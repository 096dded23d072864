"""`promptdb sync`."""

import os
from typing import TYPE_CHECKING

import click

from promptdb.cli.opening import root_prefix, workspace
from promptdb.cli.options import json_option, max_prune_option, prune_option, ref_option, view_options
from promptdb.cli.present.alias_moves import print_alias_moves, tell_waiting_aliases
from promptdb.cli.present.output import print_json
from promptdb.cli.present.plan import is_superseded, order_line, print_plan
from promptdb.cli.present.problems import print_invalid, print_problems
from promptdb.cli.sync_history import record as record_history
from promptdb.cli.sync_hook import run_hook

if TYPE_CHECKING:
    from promptdb.project.load import LoadedTree
    from promptdb.project.view import View
    from promptdb.sync.apply import Applied


@click.command("sync")
@prune_option
@max_prune_option
@click.option("--keep-going", is_flag=True, help="Write the valid prompts even if others are invalid (exit code 4).")
@click.option(
    "--require-clean/--allow-dirty",
    default=lambda: os.environ.get("CI", "").lower() in ("true", "1"),
    help="Refuse uncommitted changes, or record them as dirty. Where CI=true, they are refused unless allowed.",
)
@ref_option
@click.option(
    "--follow-force-push",
    is_flag=True,
    help="Accept another history if the commit is where its branch is at the remote.",
)
@click.option(
    "--local", is_flag=True, help="Follow whatever is checked out; only where the registry is SQLite and a folder."
)
@click.option("--allow-breaking", is_flag=True, help="Move protected aliases although callers may fail.")
@json_option
@click.option(
    "--history", is_flag=True, help="Record each commit that changed a prompt, the oldest first; not the work tree."
)
@view_options
@click.option(
    "--hook",
    is_flag=True,
    help="For hooks of git: sync HEAD into a local registry (SQLite), and whatever goes wrong, say so in one line and "
    "leave with 0. Goes with no other option.",
)
def command(
    view: "View | None",
    prune: bool,
    max_prune: int,
    keep_going: bool,
    require_clean: bool,
    ref: str | None,
    follow_force_push: bool,
    local: bool,
    allow_breaking: bool,
    as_json: bool,
    history: bool,
    hook: bool,
) -> int:
    """Make new versions of the prompt files that changed.

    Everything is written, or nothing: exit code 4 if a file is invalid, 5 if a safety limit or another writer is in the way.
    A commit that is older than what was synced from its ref changes nothing.

    With --history, the first-parent history of HEAD, or of --rev, is read instead: each change becomes a version with its
    author, time and commit. Files that were invalid in an old commit are told and skipped. What is recorded already is not
    read again.
    """
    if hook:
        return run_hook()
    if history:
        others = (keep_going, prune, ref, local, follow_force_push, allow_breaking)
        if (view is not None and view.rev is None) or any(others):
            raise click.UsageError("--history reads commits, and goes with --rev and --json only")
        return record_history(view.rev if view and view.rev else "HEAD", as_json=as_json)
    if local and (ref or follow_force_push):
        raise click.UsageError(
            "--local follows whatever is checked out: --ref and --follow-force-push do not go with it"
        )
    from promptdb.domain.plan import Policy
    from promptdb.errors import InvalidPrompts
    from promptdb.project.view import WORK_TREE

    policy = Policy(prune, max_prune, local, follow_force_push, allow_breaking)
    with workspace() as opened:
        root = root_prefix(opened.settings)
        try:
            done = opened.sync(policy, view or WORK_TREE, ref, keep_going=keep_going, clean=require_clean)
        except InvalidPrompts as error:
            return print_invalid(error.problems, root, as_json=as_json, outcome="nothing was written")
    desired = done.tree.desired
    if desired.problems:
        print_problems(desired.problems, err=True, root=root)
    if as_json:
        print_json(done.applied)
    else:
        _print(done.applied, done.tree, follow_force_push=follow_force_push)
    return 4 if desired.errors else 0


def _print(applied: "Applied", loaded: "LoadedTree", *, follow_force_push: bool) -> None:
    if not is_superseded(applied.plan):
        print_plan(applied.plan, done=True, confirmed=len(applied.confirmed))
        print_alias_moves(applied.plan, done=True)
        tell_waiting_aliases(loaded.origin, loaded.desired.declared)
        return
    click.echo(f"{order_line(applied.plan, loaded.origin)}; nothing written")
    if follow_force_push:
        click.echo(f"not followed: {loaded.origin.git_ref} is elsewhere at its remote", err=True)
