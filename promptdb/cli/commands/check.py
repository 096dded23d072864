"""`promptdb check`."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from promptdb.cli.opening import root_prefix, workspace
from promptdb.cli.options import json_option, require_one_form, view_options
from promptdb.cli.present.output import print_json
from promptdb.cli.present.problems import print_github, print_problems, problems_data, summary
from promptdb.cli.present.text import count, one_line
from promptdb.problems import Problem
from promptdb.project.check_files import Checked, are_single_files, check_files
from promptdb.settings import AppSettings, load_settings

if TYPE_CHECKING:
    from promptdb.project.view import View


@click.command("check")
@click.argument("only", metavar="[PROMPT]...", nargs=-1)
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
def command(view: "View | None", only: tuple[str, ...], form: str, as_json: bool, update_tests: bool) -> int:
    """Check the prompt files without a database.

    Reads every file, compiles its templates, checks contracts, includes and assets, and runs its golden tests. Exits with
    status 4 if there are errors.

    PROMPT is a name, a namespace, or the path of a file or folder. Paths of files are checked without a walk over the tree,
    quickly enough for an editor.

    --update-tests writes the present output into `equals` and `messages` of failing tests. Review the changes before you
    commit them. Other expectations, such as `contains`, cannot be derived: their failures are only reported.
    """
    require_one_form(form, as_json=as_json)
    if update_tests and only:
        raise click.UsageError("--update-tests cannot be combined with PROMPT")
    if update_tests and view is not None and not view.is_work_tree:
        raise click.UsageError("--update-tests writes files: it cannot be combined with --staged or --rev")
    settings = load_settings()
    checked = _check(settings, view, only, update_tests=update_tests)
    root, problems = root_prefix(settings), checked.problems
    if as_json:
        data = {"prompts": checked.prompts, "tests": checked.tests, "problems": problems_data(problems)}
        data["blank_chats"] = checked.blank
        print_json({**data, "updated": checked.updated} if update_tests else data)
    else:
        for test in checked.updated:
            click.echo(one_line(f"updated {root}{test.path}: test {test.test!r} ({', '.join(test.fields)})"))
        if not problems:
            click.echo(f"{count(checked.prompts, 'prompt')} and {count(checked.tests, 'test')}: no problems")
        elif form == "github":
            with workspace(settings) as opened:
                print_github(_from(root_prefix(settings, opened.top), problems), "")
            click.echo(summary(problems))
        else:
            print_problems(_from(root, problems))
        if checked.blank and form == "text":
            click.echo(f"{count(checked.blank, 'chat folder')} without any text: not prompts")
    return 4 if any(problem.is_error for problem in problems) else 0


def _from(root: str, problems: Sequence[Problem]) -> list[Problem]:
    return [
        replace(found, path=os.path.normpath(root + found.path) if ".." in found.path else root + found.path)
        for found in problems
    ]


def _check(settings: AppSettings, view: "View | None", only: Sequence[str], *, update_tests: bool) -> Checked:
    if (view is None or view.is_work_tree) and are_single_files(only, settings):
        return check_files(list(map(Path, only)), settings)
    from promptdb.project.view import WORK_TREE

    with workspace(settings) as opened:
        return opened.update_tests() if update_tests else opened.check(view or WORK_TREE, only)
