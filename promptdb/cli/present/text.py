"""Makes foreign text safe to print, and puts numbers into words."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from promptdb.domain.splits import Split

SHOWN = 50
"""Lines of one list on a terminal or in a log; the summary counts all of them, and JSON has them."""

_UNITS = ("bytes", "KiB", "MiB", "GiB")


def one_line(text: str) -> str:
    """Replace line breaks and control characters by spaces."""
    return text if text.isprintable() else "".join(character if character.isprintable() else " " for character in text)


def escaped(text: str) -> str:
    """Escape the characters that control a terminal or begin a line, other than line feeds and tabs."""
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def print_hint(text: str, *, before: str = "", err: bool = True) -> None:
    click.secho(f"{before}hint: ", fg="cyan", nl=False, err=err)
    click.echo(one_line(text), err=err)


def without_color() -> bool | None:
    """Return True if colors are switched off, for libraries that decide themselves otherwise."""
    context = click.get_current_context(silent=True)
    return True if context is not None and context.color is False else None


def print_rest(number: int, *, more: str = "more", err: bool = False) -> None:
    """Print how many lines of a list were not shown, if any."""
    if number > 0:
        click.echo(f"... and {number:,} {more}", err=err)


def count(number: int, noun: str) -> str:
    """Write a number with its noun: `1 alias`, `2,000 prompts`, `3 deliveries`."""
    return f"{number:,} {noun if number == 1 else _plural(noun)}"


def _plural(noun: str) -> str:
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "ch", "sh")) else f"{noun}s"


def pointed(revision: int | None, split: "Split | None" = None) -> str:
    """Write what an alias points at: `rev:3`, the arms of its split, or nothing."""
    if revision is None:
        return "-"
    return f"rev:{revision}" if split is None else str(split)


def size(number: int) -> str:
    """Write a number of bytes, from 1 KiB up with one decimal."""
    value, unit = float(number), 0
    while value >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{number:,} bytes" if unit == 0 else f"{value:,.1f} {_UNITS[unit]}"
