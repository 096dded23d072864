"""`promptdb plan`."""

from typing import TYPE_CHECKING

import click

from promptdb.cli import markdown
from promptdb.cli.changes import print_plan
from promptdb.cli.order import print_order
from promptdb.cli.output import print_json
from promptdb.cli.problems import print_problems, problems_data
from promptdb.cli.shared import load_tree, on_ref, prune_options, ref_option, root_prefix, service, view_options

if TYPE_CHECKING:
    from promptdb.sync.view import View


@click.command("plan")
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", help="markdown: for a comment."
)
@click.option("--exit-code", is_flag=True, help="Leave with 3 if there is something to sync.")
@prune_options
@ref_option
@view_options
def command(view: "View | None", form: str, exit_code: bool, prune: bool, max_prune: int, ref: str | None) -> int:
    """Show what sync would do.

    Exit code 4 if a file is invalid, 5 if sync would refuse the plan.
    """
    from promptdb.domain.plan import Policy
    from promptdb.sync.tree import plan_tree, planned_updates

    with service() as opened:
        loaded = on_ref(load_tree(opened.settings, view), ref)
        if loaded.desired.errors:
            print_problems(loaded.desired.problems, err=True, root=root_prefix(opened.settings))
            if form == "json":
                print_json({"problems": problems_data(loaded.desired.problems)})
            elif form == "markdown":
                click.echo(markdown.problems_comment(loaded.desired.problems, root_prefix(opened.settings)), nl=False)
            return 4
        policy = Policy(prune, max_prune)
        intended = plan_tree(opened.registry, loaded, policy)
        if form == "json":
            print_json(intended)
        elif form == "markdown":
            updates = planned_updates(opened.registry, loaded, intended)
            click.echo(markdown.plan_comment(intended, updates), nl=False)
        else:
            print_plan(intended, done=False)
            print_order(intended, loaded.origin)
    intended.require_sound(policy)
    return 3 if exit_code and not intended.is_empty else 0
