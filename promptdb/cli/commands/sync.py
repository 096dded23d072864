"""`promptdb sync`."""

from typing import TYPE_CHECKING

import click

from promptdb.cli.opening import note_drafts, root_prefix, workspace
from promptdb.cli.options import json_option, max_prune_option, prune_option, ref_option, view_options
from promptdb.cli.present.alias_moves import print_alias_moves, print_waiting_aliases
from promptdb.cli.present.output import print_json
from promptdb.cli.present.plan import is_superseded, order_line, print_plan
from promptdb.cli.present.problems import print_invalid, print_problems
from promptdb.cli.sync_history import record_history
from promptdb.cli.sync_hook import run_hook
from promptdb.domain.plan import Policy
from promptdb.errors import InvalidPrompts
from promptdb.project.view import WORK_TREE, View

if TYPE_CHECKING:
    from promptdb.sync.sync_tree import Synced


@click.command("sync")
@prune_option
@max_prune_option
@click.option(
    "--keep-going", is_flag=True, help="Write the valid prompts even if others are invalid, and exit with status 4."
)
@click.option(
    "--require-clean/--allow-dirty",
    default=None,
    help="Refuse uncommitted changes, or record them as dirty, for everyone who reads the registry. By default, only a "
    "local registry takes them: SQLite in or beside the checkout, with blobs in a folder.",
)
@ref_option
@click.option(
    "--follow-force-push",
    is_flag=True,
    help="Accept a rewritten history if the remote branch is at this commit.",
)
@click.option(
    "--local", is_flag=True, help="Follow whatever is checked out. Needs a local registry (SQLite and a folder)."
)
@click.option("--allow-breaking", is_flag=True, help="Move protected aliases even if that breaks callers.")
@json_option
@click.option(
    "--history", is_flag=True, help="Record each commit that changed a prompt, oldest first, instead of the work tree."
)
@view_options
@click.option(
    "--hook",
    is_flag=True,
    help="Sync HEAD into a local registry, for a git hook. Report an error in one line and exit with status 0. Cannot be "
    "combined with other options.",
)
def command(
    view: View | None,
    prune: bool,
    max_prune: int,
    keep_going: bool,
    require_clean: bool | None,
    ref: str | None,
    follow_force_push: bool,
    local: bool,
    allow_breaking: bool,
    as_json: bool,
    history: bool,
    hook: bool,
) -> int:
    """Record new versions of changed prompt files.

    Sync writes everything or nothing. Exits with status 4 if a file is invalid, with 5 if a safety limit prevents it, and with
    6 if another writer holds the lock for too long. A commit older than the last one synced from its ref changes nothing.

    With --history, sync reads the first-parent history of HEAD, or of --rev. Each change becomes a version with its author,
    time and commit. Invalid files in old commits are reported and skipped. Commits that are already recorded are not read
    again.
    """
    if hook:
        return run_hook()
    if history:
        others = (keep_going, prune, ref, local, follow_force_push, allow_breaking)
        if (view is not None and view.rev is None) or any(others):
            raise click.UsageError("--history can be combined only with --rev and --json")
        return record_history(view.rev if view and view.rev else "HEAD", as_json=as_json)
    if local and (ref or follow_force_push):
        raise click.UsageError("--local cannot be combined with --ref or --follow-force-push")
    policy = Policy(prune, max_prune, local, follow_force_push, allow_breaking)
    with workspace() as opened:
        root = root_prefix(opened.settings)
        try:
            done = opened.sync(policy, view or WORK_TREE, ref, keep_going=keep_going, clean=require_clean)
        except InvalidPrompts as error:
            return print_invalid(error.problems, root, as_json=as_json, outcome="nothing was written")
        if done.applied.run_id is not None and done.tree.dirty_paths and not opened.stores.is_local:
            note_drafts(opened.stores.audience, done.tree.some_dirty)
    desired = done.tree.desired
    if desired.problems:
        print_problems(desired.problems, err=True, root=root, only_errors=True)
    if as_json:
        print_json(done.applied)
    else:
        _print(done, follow_force_push=follow_force_push)
    return 4 if desired.errors else 0


def _print(done: "Synced", *, follow_force_push: bool) -> None:
    applied, loaded = done.applied, done.tree
    if not is_superseded(applied.plan):
        print_plan(applied.plan, done=True, confirmed=len(applied.confirmed))
        print_alias_moves(applied.plan, done=True)
        print_waiting_aliases(loaded.origin, loaded.desired.declared)
        return
    click.echo(f"{order_line(applied.plan, loaded.origin)}; nothing written")
    if follow_force_push:
        click.echo(f"not followed: {loaded.origin.git_ref} is at another commit at its remote", err=True)
