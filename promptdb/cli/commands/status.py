"""`promptdb status`."""

import click

from promptdb.cli.opening import note_absence, workspace
from promptdb.cli.options import json_option
from promptdb.cli.present.alias_moves import moves_summary
from promptdb.cli.present.output import print_json
from promptdb.cli.present.plan import order_line, rename_notices, summary, unconfirmed
from promptdb.cli.present.problems import summary as problem_summary
from promptdb.cli.present.text import count


@click.command("status")
@json_option
def command(as_json: bool) -> None:
    """Show the settings, the database and unsynced changes."""
    with workspace() as opened:
        found = opened.status()
        note_absence(opened)
    loaded, intended = found.tree, found.plan
    facts = {
        "prompts_root": found.prompts_root,
        "database": found.database,
        "schema": found.schema,
        "blobs": found.blobs,
        "branch": loaded.origin.git_ref,
        "commit": loaded.origin.commit_id,
        "dirty": loaded.origin.is_dirty,
    }
    if as_json:
        print_json({**facts, "problems": len(loaded.desired.problems), "plan": intended})
        return
    for key in ("prompts_root", "database", "schema", "blobs"):
        click.echo(f"{key.removesuffix('_root'):<10}{facts[key] or 'none'}")
    if loaded.origin.commit_id:
        dirty = f", {count(len(loaded.dirty_paths), 'file')} dirty" if facts["dirty"] else ""
        click.echo(f"{'git':<10}{loaded.origin.git_ref or 'detached'} at {loaded.origin.commit_id[:12]}{dirty}")
    if loaded.desired.problems:
        click.echo(f"{'files':<10}{problem_summary(loaded.desired.problems)}; 'promptdb check' shows them")
    in_sync = not (intended.changes or intended.label_conflicts) and not intended.missing and not loaded.desired.errors
    state = "in sync" if in_sync else "not synced"
    missing = f", {len(intended.missing)} without a file" if intended.missing else ""
    waiting = f", {unconfirmed(intended)}" if intended.unconfirmed else ""
    click.echo(f"{'registry':<10}{state}: {summary(intended)}{missing}{waiting}")
    if moving := moves_summary(intended):
        click.echo(f"{'aliases':<10}{moving}; 'promptdb plan' shows them")
    if standing := order_line(intended, loaded.origin):
        click.echo(f"{'order':<10}{standing}")
    for notice in rename_notices(intended):
        click.echo(f"{'':<10}{notice}")
