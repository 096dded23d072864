"""Prints errors, and problems of prompt files for people, programs and GitHub's log."""

from collections.abc import Sequence
from typing import Any

import click

from promptdb.cli.exit_codes import exit_code
from promptdb.cli.github_log import print_command
from promptdb.cli.present.output import plain, print_json
from promptdb.cli.present.text import count, escaped, one_line, print_hint
from promptdb.errors import InvalidPrompts, PromptDBError
from promptdb.problems import Problem

DIFF_COLOURS = {"+": "green", "-": "red", "@": "cyan"}
"""First character of a diff line -> colour."""


def print_problems(
    problems: Sequence[Problem], *, err: bool = False, root: str = "", only_errors: bool = False
) -> None:
    """Print each problem on a line that editors can jump to, then a count. `root` precedes each path.

    With `only_errors`, warnings are only counted.
    """
    shown = [problem for problem in problems if problem.is_error or not only_errors]
    for problem in shown:
        place = one_line(f"{root}{problem.path}:{problem.line}:{problem.column}: ")
        click.secho(place, bold=True, nl=False, err=err)
        click.secho(f"{problem.severity} ", fg="red" if problem.is_error else "yellow", nl=False, err=err)
        click.echo(f"[{problem.code}] {one_line(problem.message)}", err=err)
        for line in escaped(problem.detail).split("\n") if problem.detail else ():
            click.echo("    | ", nl=False, err=err)  # otherwise a line of a prompt could pass for our output
            click.secho(line, fg=DIFF_COLOURS.get(line[:1]), err=err)
        if problem.hint:
            print_hint(problem.hint, before="    ", err=err)
    rest = "the warnings" if shown else "them"
    click.echo(summary(problems) + (f"; 'promptdb check' shows {rest}" if len(shown) < len(problems) else ""), err=err)


def print_github(problems: Sequence[Problem], root: str) -> None:
    """Print annotations (https://docs.github.com/actions/reference/workflow-commands-for-github-actions)."""
    for problem in problems:
        place = f"file={_property(root + problem.path)},line={problem.line},col={problem.column}"
        detail = escaped(problem.detail) if problem.detail else None
        text = "\n".join(filter(None, (problem.message, detail, problem.hint)))
        print_command(f"::{problem.severity} {place},title={problem.code}::{_data(text)}")


def print_invalid(problems: Sequence[Problem], root: str, *, as_json: bool, outcome: str = "") -> int:
    """Print the problems that stop a command, and `outcome` as the last line. Return the exit code."""
    print_problems(problems, err=True, root=root, only_errors=True)
    if outcome:
        click.echo(outcome, err=True)
    if as_json:
        print_json({"problems": problems_data(problems)})
    return exit_code(InvalidPrompts(problems))


def print_error(error: PromptDBError) -> None:
    if isinstance(error, InvalidPrompts):
        print_problems(error.problems, err=True)
        return
    click.secho("error: ", fg="red", bold=True, nl=False, err=True)
    click.echo(one_line(error.message), err=True)
    if error.hint:
        print_hint(error.hint)


def problems_data(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    return [plain(problem) | {"severity": problem.severity} for problem in problems]


def summary(problems: Sequence[Problem]) -> str:
    errors = sum(problem.is_error for problem in problems)
    warnings = len(problems) - errors
    files = len({problem.path for problem in problems})
    counted = [text for text in (count(errors, "error"), count(warnings, "warning")) if not text.startswith("0")]
    return f"{' and '.join(counted) or 'no problems'} in {count(files, 'file')}"


def _data(text: str) -> str:
    storable = text.encode(errors="backslashreplace").decode()  # a file name may not be UTF-8
    return storable.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
