"""Errors as the command line tells them: one line, a hint, an exit code."""

import click

from promptdb import errors

EXIT_CODES: dict[type[errors.PromptDBError], int] = {
    errors.PromptDBError: 1,
    errors.InvalidPrompts: 4,
    errors.Conflict: 5,
    errors.LockTimeout: 6,
    errors.IntegrityFailure: 7,
}
"""The nearest class in the error tree decides."""


def exit_code(error: errors.PromptDBError) -> int:
    return next(EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES)


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


def one_line(text: str) -> str:
    """Text from files and databases cannot break lines or send control characters to a terminal."""
    return text if text.isprintable() else "".join(character if character.isprintable() else " " for character in text)
