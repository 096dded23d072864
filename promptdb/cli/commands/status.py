"""`promptdb status`."""

import click

from promptdb.cli.opening import note_absence, workspace
from promptdb.cli.options import json_option
from promptdb.cli.present.alias_moves import moves_summary
from promptdb.cli.present.holds import ended_line, hold_line
from promptdb.cli.present.output import print_json
from promptdb.cli.present.plan import order_line, rename_notices, summary, unconfirmed
from promptdb.cli.present.problems import summary as problem_summary
from promptdb.cli.present.text import count, one_line, print_rest
from promptdb.domain.plan import Plan, Policy
from promptdb.errors import Conflict

_HOLDS = 5
"""The number of holds to show."""


@click.command("status")
@json_option
def command(as_json: bool) -> None:
    """Show the settings, the database and unsynced changes."""
    with workspace() as opened:
        found = opened.status()
        note_absence(opened)
    loaded, intended, roots = found.tree, found.plan, opened.settings.prompts_root
    facts = {
        "prompts_root": found.prompts_root,
        "database": found.database,
        "schema": found.schema,
        "blobs": found.blobs,
        "branch": loaded.origin.git_ref,
        "commit": loaded.origin.commit_id,
        "dirty": loaded.origin.is_dirty,
    }
    refused = _refusal(intended)
    if as_json:
        print_json({**facts, "problems": len(loaded.desired.problems), "plan": intended, "refused": refused})
        return
    if not opened.settings.layout.is_plain:
        facts["prompts_root"] = f"{', '.join(roots)} in {opened.settings.base}"
    for key in ("prompts_root", "database", "schema", "blobs"):
        click.echo(f"{key.removesuffix('_root'):<10}{facts[key] or 'none'}")
    if loaded.origin.commit_id:
        dirty = f", {count(len(loaded.dirty_paths), 'file')} dirty" if facts["dirty"] else ""
        click.echo(f"{'git':<10}{loaded.origin.git_ref or 'detached'} at {loaded.origin.commit_id[:12]}{dirty}")
    if loaded.desired.problems:
        click.echo(f"{'files':<10}{problem_summary(loaded.desired.problems)}; 'promptdb check' shows them")
    in_sync = intended.is_empty and not intended.missing and not loaded.desired.errors
    state = "in sync" if in_sync else "not synced"
    missing = f", {len(intended.missing)} without a file" if intended.missing else ""
    waiting = f", {unconfirmed(intended)}" if intended.unconfirmed else ""
    click.echo(f"{'registry':<10}{state}: {summary(intended)}{missing}{waiting}")
    if moving := moves_summary(intended):
        click.echo(f"{'aliases':<10}{moving}; 'promptdb plan' shows them")
    for hold in intended.held[:_HOLDS]:
        click.echo(f"{'held':<10}{hold_line(hold)}")
    print_rest(len(intended.held) - _HOLDS, more="more aliases held; 'promptdb plan' shows them")
    for ended in intended.ended_holds[:_HOLDS]:
        click.echo(f"{'held':<10}{ended_line(ended)}")
    if refused is not None:
        click.echo(one_line(f"{'sync':<10}would refuse: {refused}"))
    if standing := order_line(intended, loaded.origin):
        click.echo(f"{'order':<10}{standing}")
    for notice in rename_notices(intended):
        click.echo(f"{'':<10}{notice}")


def _refusal(intended: Plan) -> str | None:
    from promptdb.sync.sync_tree import require_allowed

    try:
        require_allowed(intended, Policy())
    except Conflict as error:
        return error.message
    return None
