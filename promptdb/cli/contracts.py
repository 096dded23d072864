"""Changes of contracts in words: what breaks callers stands out."""

from collections.abc import Iterable, Sequence

import click

from promptdb.cli.text import one_line
from promptdb.domain.changes import ContractChange
from promptdb.domain.identity import PromptId

_SHOWN = 50


def print_breaking(found: Iterable[tuple[PromptId, Sequence[ContractChange]]]) -> None:
    """A line for each change that breaks callers of a prompt."""
    told = [f"{prompt}: {change.message}" for prompt, changes in found for change in changes if change.is_breaking]
    for line in told[:_SHOWN]:
        _print(line, is_breaking=True)
    if len(told) > _SHOWN:
        click.echo(f"... and {len(told) - _SHOWN:,} more breaking changes")


def print_contract(changes: Iterable[ContractChange]) -> None:
    """A line for each change of one prompt."""
    for change in changes:
        _print(change.message, is_breaking=change.is_breaking)


def _print(text: str, *, is_breaking: bool) -> None:
    if is_breaking:
        click.secho("breaking: ", fg="red", bold=True, nl=False)
    else:
        click.echo("contract: ", nl=False)
    click.echo(one_line(text))
