"""`promptdb sync --hook`, for hooks of git."""

import click
from click.core import ParameterSource

from promptdb.cli.opening import workspace
from promptdb.cli.present.plan import summary
from promptdb.cli.present.text import one_line
from promptdb.errors import PromptDBError


def run_hook() -> int:
    """Sync HEAD and return 0. Only wrong use of the option fails."""
    context = click.get_current_context()
    given = {name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    if given != {"hook"}:
        raise click.UsageError("--hook cannot be combined with other options")
    try:
        with workspace() as opened:
            applied = opened.sync_head()
        if applied is not None and applied.plan.changes:
            click.echo(f"promptdb: {summary(applied.plan, done=True)}")
    # The commit is already made: if its hook failed, git would report a failed commit.
    except (PromptDBError, OSError) as error:
        click.echo(f"promptdb sync --hook: {one_line(str(error))}; nothing was synced", err=True)
    return 0
