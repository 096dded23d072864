"""Options that the commands on aliases share."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from promptdb.service import Expected

_F = TypeVar("_F", bound=Callable[..., Any])
EXPECT_HELP = "Move only if the alias points there now (compare-and-set)."


def reason_option(command: _F) -> _F:
    return click.option("-m", "--reason", help="Why; kept in the history of the alias.")(command)


def breaking_option(command: _F) -> _F:
    help_text = "Move a protected alias although callers may fail; kept in its history."
    return click.option("--allow-breaking", is_flag=True, help=help_text)(command)


def read_expected(text: str | None) -> "Expected":
    if text is None:
        return "any"
    if text == "none":
        return None
    number = text.removeprefix("rev:")
    if not (number.isascii() and number.isdigit()):
        raise click.BadParameter(f"{text!r} is neither rev:N nor none", param_hint="--expect")
    return int(number)
