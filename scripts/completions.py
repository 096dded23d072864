"""Prints the options of every command, for completion in shells: python scripts/completions.py > promptdb/cli/options.json."""

import json
from collections.abc import Iterator

import click

from promptdb.cli.app import COMMANDS, cli

KINDS = {
    **dict.fromkeys(("ref", "source", "prompt", "only", "old", "other"), "reference"),
    "alias": "alias",
    "aliases": "alias",
    "namespace": "namespace",
    "pattern": "pattern",
}
"""The names of parameters that are prompts, aliases or namespaces, with the kind of their completion."""


def _values(param: click.Parameter) -> str | list[str]:
    """Return the kind of the values of a parameter, or the values themselves."""
    return list(param.type.choices) if isinstance(param.type, click.Choice) else KINDS.get(str(param.name), "")


def entries(name: str, command: click.Command) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield a command and those of its group, by their whole names."""
    options = [param for param in command.params if isinstance(param, click.Option) and not param.hidden]
    names = sorted(one for option in options for one in (*option.opts, *option.secondary_opts) if one.startswith("--"))
    takes = [_values(param) for param in command.params if isinstance(param, click.Argument)]
    valued = {
        one: _values(option) for option in options if not option.is_flag and not option.count for one in option.opts
    }
    yield name, {"options": [*names, "--help"], "valued": dict(sorted(valued.items())), "takes": takes}
    if isinstance(command, click.Group) and command is not cli:
        for inner, one in command.commands.items():
            yield from entries(f"{name} {inner}", one)


def main() -> None:
    context = click.Context(cli)
    found = dict(entries("", cli))
    for name in COMMANDS:
        if command := cli.get_command(context, name):
            found.update(entries(name, command))
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
