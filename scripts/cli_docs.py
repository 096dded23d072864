"""Prints docs/cli.md from the commands themselves: `python scripts/cli_docs.py > docs/cli.md`. A test compares the two."""

import sys
from collections.abc import Iterator

import click

from promptdb.cli.app import COMMANDS, SYNONYMS, cli

_INTRODUCTION = """\
# Commands

<!-- blocks run by: tests/structure/test_structure_docs.py -->

Data goes to standard output, everything else to standard error. On a terminal, output has colours and tables; in a pipe it is
plain. Exit codes stand in [errors.md](errors.md), what `--json` prints in [json-output.md](json-output.md). The options of
`promptdb` itself come before the name of the command: `promptdb -C ../app check`.
"""


def document() -> str:
    context = click.Context(cli, info_name="promptdb", terminal_width=100, **cli.context_settings)
    introduction = f"{_INTRODUCTION}\n```\n{cli.get_help(context)}\n```\n"
    return "\n".join([introduction, *(_section(name, command) for name, command in _all_commands())])


def _all_commands() -> Iterator[tuple[str, click.Command]]:
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)  # type: ignore[attr-defined]
        yield name, command
        for sub in getattr(command, "commands", {}).values():
            yield f"{name} {sub.name}", sub


def _section(name: str, command: click.Command) -> str:
    root = click.Context(cli, info_name="promptdb", **cli.context_settings)
    context = click.Context(command, root, info_name=name, terminal_width=100)
    synonyms = [synonym for synonym, target in SYNONYMS.items() if target == name]
    also = f"Also called `{synonyms[0]}`.\n\n" if synonyms else ""
    return f"## {name}\n\n{also}```\n{command.get_help(context)}\n```\n"


if __name__ == "__main__":
    sys.stdout.write(document())
