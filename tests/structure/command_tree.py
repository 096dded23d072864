"""All commands, as click knows them."""

import click

from promptdb.cli.app import COMMANDS, cli


def command(name: str) -> click.Command:
    found = cli.get_command(click.Context(cli), name)
    assert found is not None
    return found


def all_commands() -> dict[str, click.Command]:
    """Every command by the words that call it, subcommands included; without those that do not load, told elsewhere."""
    found: dict[str, click.Command] = {}
    for name in COMMANDS:
        try:
            found[name] = command(name)
        except ModuleNotFoundError:
            continue
        if isinstance(found[name], click.Group):
            found |= {f"{name} {inner}": loaded for inner, loaded in sorted(found[name].commands.items())}
    return found


def options(words: str) -> list[click.Option]:
    """The options that help shows."""
    return [option for option in EVERY[words].params if isinstance(option, click.Option) and not option.hidden]


EVERY = all_commands()
