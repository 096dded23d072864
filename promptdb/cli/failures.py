"""Errors as the command line tells them: one line and a hint."""

import click

from promptdb import errors
from promptdb.cli.text import one_line


def tell(error: errors.PromptDBError) -> None:
    """Print an error to standard error; the problems of invalid prompts one by one."""
    if isinstance(error, errors.InvalidPrompts):
        from promptdb.cli.problems import print_problems

        print_problems(error.problems, err=True)
        return
    click.secho("error: ", fg="red", bold=True, nl=False, err=True)
    click.echo(one_line(error.message), err=True)
    if error.hint:
        click.secho("hint: ", fg="cyan", nl=False, err=True)
        click.echo(one_line(error.hint), err=True)
