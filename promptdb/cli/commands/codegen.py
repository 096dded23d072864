"""`promptdb codegen`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from promptdb.cli.opening import root_prefix, workspace
from promptdb.cli.present.problems import DIFF_COLOURS, print_invalid
from promptdb.cli.present.text import count, escaped, one_line, print_hint
from promptdb.errors import InvalidPrompts, PromptNotFound, StorageError

if TYPE_CHECKING:
    from promptdb.codegen.contract import Contract
    from promptdb.workspace import Workspace

_SUFFIXES = {".py": "python", ".ts": "typescript"}
"""Suffix of a file -> its language."""


@click.command("codegen")
@click.argument("only", metavar="[PROMPT]...", nargs=-1)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write this file. By default, print the code.",
)
@click.option(
    "--language",
    type=click.Choice(sorted(_SUFFIXES.values())),
    help="Write this language. The default is that of the suffix of FILE, or python.",
)
@click.option("--check", is_flag=True, help="Write nothing. Exit with status 3 if FILE is not up to date.")
def command(only: tuple[str, ...], output: Path | None, language: str | None, check: bool) -> int:
    """Write the types of prompts as Python or TypeScript.

    Reads the prompt files, without a database. With the module, a type checker refuses wrong references, and missing, unknown
    and wrongly typed values.

    PROMPT is a name, a namespace, or the path of a file or folder, to write no others.
    """
    if check and output is None:
        raise click.UsageError("--check needs the file: --check -o FILE")
    chosen = language or _SUFFIXES.get(output.suffix if output is not None else "", "python")
    with workspace() as opened:
        try:
            contracts = _contracts(opened, only)
        except InvalidPrompts as error:
            return print_invalid(error.problems, root_prefix(opened.settings), as_json=False)
    code = _LANGUAGES[chosen](contracts)
    if output is None:
        click.echo(code, nl=False)
        return 0
    present = _read(output)
    if present == code:
        click.echo(one_line(f"{output} is up to date: {count(len(contracts), 'prompt')}"))
        return 0
    if check:
        return _differs(output, present, code)
    try:
        output.write_text(code, encoding="utf-8", newline="\n")
    except OSError as error:
        raise StorageError(f"cannot write {output}: {error.strerror}") from error
    click.echo(one_line(f"wrote {output}: {count(len(contracts), 'prompt')}"))
    return 0


def _python(contracts: "list[Contract]") -> str:
    from promptdb.codegen.python import python_module

    return python_module(contracts)


def _typescript(contracts: "list[Contract]") -> str:
    from promptdb.codegen.typescript import typescript_module

    return typescript_module(contracts)


_LANGUAGES = {"python": _python, "typescript": _typescript}


def _contracts(opened: "Workspace", only: Sequence[str]) -> "list[Contract]":
    from promptdb.codegen.contract import contract_of
    from promptdb.project.placing import wanted

    desired, settings = opened.load().desired, opened.settings
    desired.require_valid()
    chosen = wanted(only, settings)
    items = [item for item in desired.items if not only or any(one.has(item.prompt, item.path) for one in chosen)]
    for one in chosen:
        if not any(one.has(item.prompt, item.path) for item in items):
            raise PromptNotFound(f"there is no prompt file for {one.text}", "'promptdb check' reads all prompt files")
    # Aliases of every prompt, and those that its files declare for one.
    everywhere = {*settings.protected_aliases, *(alias for moved in settings.refs.values() for alias in moved)}
    declared = [(entry.prompt, entry.alias) for entry in desired.declared or ()]
    return [
        contract_of(
            item.prompt,
            desired.content(item).spec,
            everywhere.union(alias for prompt, alias in declared if prompt == item.prompt),
        )
        for item in items
    ]


def _read(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"cannot read {file}: {error.strerror}") from error


def _differs(file: Path, present: str | None, code: str) -> int:
    from promptdb.render.text_diff import text_diff

    if present is None:
        click.echo(one_line(f"{file} does not exist"))
    else:
        for line in text_diff(present, code).split("\n"):
            click.secho(escaped(line), fg=DIFF_COLOURS.get(line[:1]))
        click.echo(one_line(f"{file} is not what the prompt files give"))
    print_hint("run the command without --check, and commit the file")
    return 3
