"""`promptdb plan`."""

from typing import TYPE_CHECKING

import click

from promptdb.cli.opening import note_absence, root_prefix, workspace
from promptdb.cli.options import json_option, max_prune_option, prune_option, ref_option, require_one_form, view_options
from promptdb.cli.present.alias_moves import print_alias_moves
from promptdb.cli.present.output import print_json
from promptdb.cli.present.plan import print_order, print_plan
from promptdb.cli.present.plan_markdown import plan_comment, problems_comment
from promptdb.cli.present.problems import print_invalid, print_problems
from promptdb.domain.plan import Policy
from promptdb.errors import InvalidPrompts
from promptdb.project.placing import wanted

if TYPE_CHECKING:
    from promptdb.project.view import View


@click.command("plan")
@click.argument("only", metavar="[PROMPT]...", nargs=-1)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown"]),
    default="text",
    help="Print text, or markdown for a comment on a pull request.",
)
@json_option
@click.option("--exit-code", is_flag=True, help="Exit with status 3 if there is something to sync.")
@prune_option
@max_prune_option
@ref_option
@click.option(
    "--allow-breaking",
    is_flag=True,
    help="Allow moves of protected aliases that break callers, as the same option of sync.",
)
@view_options
def command(
    view: "View | None",
    only: tuple[str, ...],
    form: str,
    as_json: bool,
    exit_code: bool,
    prune: bool,
    max_prune: int,
    ref: str | None,
    allow_breaking: bool,
) -> int:
    """Show what sync would do.

    PROMPT is a name, a namespace, or the path of a file or folder, and limits what is shown. Exits with status 4 if a file is
    invalid, and with 5 if sync would refuse the plan.
    """
    from promptdb.project.view import WORK_TREE

    require_one_form(form, as_json=as_json)
    policy = Policy(prune, max_prune, allow_breaking=allow_breaking)
    with workspace() as opened:
        try:
            planned = opened.plan(policy, view or WORK_TREE, ref).only(wanted(only, opened.settings))
        except InvalidPrompts as error:
            root = root_prefix(opened.settings)
            if form == "markdown":
                click.echo(problems_comment(error.problems, root), nl=False)
            return print_invalid(error.problems, root, as_json=as_json)
        note_absence(opened)
        intended, origin = planned.plan, planned.tree.origin
        if problems := planned.tree.desired.problems:
            print_problems(problems, err=True, only_errors=True)
        if as_json:
            print_json(intended)
        elif form == "markdown":
            click.echo(plan_comment(intended, planned.texts(), planned.standing()), nl=False)
        else:
            print_plan(intended, done=False, is_dirty=origin.is_dirty)
            print_alias_moves(intended, is_dirty=origin.is_dirty)
            print_order(intended, origin)
    planned.require_allowed(policy)
    return 3 if exit_code and not intended.is_empty else 0
