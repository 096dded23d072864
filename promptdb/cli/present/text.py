"""Text of others on its way to a terminal: it cannot control it, nor pass for output of ours. And numbers in words."""

import click

_UNITS = ("bytes", "KiB", "MiB", "GiB")


def one_line(text: str) -> str:
    """Text from files and databases cannot break lines or send control characters to a terminal."""
    return text if text.isprintable() else "".join(character if character.isprintable() else " " for character in text)


def escaped(text: str) -> str:
    """Text of several lines without the characters that would control a terminal or begin a line of their own."""
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def print_hint(text: str, *, before: str = "", err: bool = True) -> None:
    """Print what to do next, on a line of its own after `before`."""
    click.secho(f"{before}hint: ", fg="cyan", nl=False, err=err)
    click.echo(one_line(text), err=err)


def print_rest(number: int, *, more: str = "more", err: bool = False) -> None:
    """Print how many lines were left out, if any."""
    if number > 0:
        click.echo(f"... and {number:,} {more}", err=err)


def count(number: int, noun: str) -> str:
    """Name a number of things: `1 alias`, `2,000 prompts`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "es" if noun.endswith("s") else "s")


def size(number: int) -> str:
    """Name a number of bytes, with one digit after the point from a KiB on."""
    value, unit = float(number), 0
    while value >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{number:,} bytes" if unit == 0 else f"{value:,.1f} {_UNITS[unit]}"
