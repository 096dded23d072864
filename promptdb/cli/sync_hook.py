"""`promptdb sync --hook`: what hooks of git run. They must not fail: git would pass that on for a commit that was made."""

import click
from click.core import ParameterSource

from promptdb.cli.opening import workspace
from promptdb.cli.present.plan import summary
from promptdb.cli.present.text import one_line
from promptdb.errors import PromptDBError


def run_hook() -> int:
    """Sync HEAD without ever failing, but for a wrong use of the option itself."""
    context = click.get_current_context()
    given = {name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    if given != {"hook"}:
        raise click.UsageError("--hook goes with no other option")
    try:
        _sync_head()
    except (PromptDBError, OSError) as error:
        click.echo(f"promptdb sync --hook: {one_line(str(error))}; nothing was synced", err=True)
    return 0


def _sync_head() -> None:
    with workspace() as opened:
        applied = opened.sync_head()
    if applied is not None and applied.plan.changes:
        click.echo(f"promptdb: {summary(applied.plan, done=True)}")
