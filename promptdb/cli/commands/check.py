"""`promptdb check`."""

from typing import TYPE_CHECKING

import click

from promptdb.cli.opening import root_prefix, workspace
from promptdb.cli.options import json_option, require_one_form, view_options
from promptdb.cli.present.output import print_json
from promptdb.cli.present.problems import print_github, print_problems, problems_data, summary
from promptdb.cli.present.text import count, one_line

if TYPE_CHECKING:
    from promptdb.project.view import View


@click.command("check")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "github"]),
    default="text",
    help="Print text, or annotations for GitHub Actions.",
)
@json_option
@click.option("--update-tests", is_flag=True, help="Rewrite failing golden tests to expect the present output.")
@view_options
def command(view: "View | None", form: str, as_json: bool, update_tests: bool) -> int:
    """Check the prompt files without a database.

    Reads every file, compiles its templates, checks contracts, includes and assets, and runs its golden tests. Exits with
    status 4 if there are errors.

    --update-tests writes the present output into `equals` and `messages` of failing tests. Review the changes before you
    commit them. Other expectations, such as `contains`, cannot be derived: their failures are only reported.
    """
    from promptdb.project.view import WORK_TREE

    require_one_form(form, as_json=as_json)
    if update_tests and view is not None and not view.is_work_tree:
        raise click.UsageError("--update-tests writes files: it cannot be combined with --staged or --rev")
    with workspace() as opened:
        checked = opened.update_tests() if update_tests else opened.check(view or WORK_TREE)
        root = root_prefix(opened.settings)
    problems = checked.problems
    if as_json:
        data = {"prompts": checked.prompts, "tests": checked.tests, "problems": problems_data(problems)}
        print_json({**data, "updated": checked.updated} if update_tests else data)
    else:
        for test in checked.updated:
            click.echo(one_line(f"updated {root}{test.path}: test {test.test!r} ({', '.join(test.fields)})"))
        if not problems:
            click.echo(f"{count(checked.prompts, 'prompt')} and {count(checked.tests, 'test')}: no problems")
        elif form == "github":
            print_github(problems, root_prefix(opened.settings, opened.top))
            click.echo(summary(problems))
        else:
            print_problems(problems, root=root)
    return 4 if any(problem.is_error for problem in problems) else 0
