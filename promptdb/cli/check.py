"""`promptdb check`."""

import click

from promptdb.cli.output import print_json
from promptdb.cli.problems import count, print_github, print_problems, problems_data, summary
from promptdb.cli.shared import load_settings, progress_bar, root_prefix


@click.command("check")
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "github"]), default="text", help="github: annotations."
)
def command(form: str) -> int:
    """Check the prompt files; needs no database.

    Reads every file, compiles its templates, checks contracts, includes and assets, and runs its golden tests. Exit code 4
    if there are errors.
    """
    from promptdb.git.worktree import repository_root
    from promptdb.sync.check import check_tree

    settings = load_settings()
    with progress_bar("checking prompts") as progress:
        checked = check_tree(settings, progress)
    root = root_prefix(settings)
    problems = checked.problems
    if form == "json":
        print_json(
            {
                "prompts": checked.prompts,
                "tests": checked.tests,
                "problems": problems_data(problems),
            }
        )
    elif form == "github":
        print_github(problems, root_prefix(settings, repository_root(settings.base)))
        if problems:
            click.echo(summary(problems))
    elif problems:
        print_problems(problems, root=root)
    if form != "json" and not problems:
        click.echo(f"{count(checked.prompts, 'prompt')} and {count(checked.tests, 'test')}: all fine")
    return 4 if any(problem.is_error for problem in problems) else 0
