"""`promptdb fmt`."""

from collections.abc import Iterator
from difflib import unified_diff
from typing import TYPE_CHECKING

import click

from promptdb.cli.opening import root_prefix
from promptdb.cli.options import json_option
from promptdb.cli.present.output import print_json
from promptdb.cli.present.problems import DIFF_COLOURS, print_problems, problems_data
from promptdb.cli.present.progress import progress_bar
from promptdb.cli.present.text import count, escaped, one_line
from promptdb.settings import load_settings

if TYPE_CHECKING:
    from promptdb.project.edits.format_files import Formatting, Reformatted


@click.command("fmt")
@click.argument("only", metavar="[PROMPT]...", nargs=-1)
@click.option("--check", "check", is_flag=True, help="Write nothing, and exit with status 3 if a file would change.")
@click.option("--diff", "diff", is_flag=True, help="Write nothing, and show what would change.")
@json_option
def command(only: tuple[str, ...], check: bool, diff: bool, as_json: bool) -> int:
    """Write the prompt files in one form.

    Sorts fields, indents with two spaces, writes texts of several lines as blocks (|), and removes quotes without effect.
    Comments, templates, golden tests and the digest of every prompt stay the same.

    PROMPT is a name, a namespace, or the path of a file or folder. Files that are not prompts are passed over. A file with
    an error is reported and stays as it is, as does one with anchors. The command then exits with status 4 for errors.
    """
    from promptdb.project.edits.format_files import format_files

    settings = load_settings()
    with progress_bar("formatting prompts") as progress:
        done = format_files(settings, only, progress, write=not (check or diff))
    root = root_prefix(settings)
    if as_json:
        print_json(_data(done, root, diff=diff, written=not (check or diff)))
    else:
        _print(done, root, diff=diff, written=not (check or diff))
    if done.problems:
        return 4
    return 1 if done.failed else 3 if check and done.changed else 0


def _print(done: "Formatting", root: str, *, diff: bool, written: bool) -> None:
    for file in done.changed:
        if diff:
            for line in _diff(file, root):
                click.secho(escaped(line), fg=DIFF_COLOURS.get(line[:1]))
        else:
            click.echo(one_line(f"{'formatted' if written else 'would format'} {root}{file.path}"))
    for left in done.left:
        click.echo(one_line(f"note: {root}{left.path} stays as it is: {left.reason}"), err=True)
    for failed in done.failed:
        click.secho("error: ", fg="red", bold=True, nl=False, err=True)
        click.echo(one_line(f"{root}{failed.path} is not formatted: {failed.reason}"), err=True)
    if done.passed_over:
        click.echo(f"note: {count(len(done.passed_over), 'path')} passed over: not prompt files", err=True)
    if done.problems:
        print_problems(done.problems, err=True, root=root)
    if not diff:
        click.echo(_summary(done, written=written))


def _summary(done: "Formatting", *, written: bool) -> str:
    changed, left = len(done.changed), len(done.left)
    rest = done.files - changed - left - len(done.failed)
    parts = [f"{count(changed, 'file')} {'formatted' if written else 'would be formatted'}", f"{rest:,} unchanged"]
    if left:
        parts.append("1 left as it is" if left == 1 else f"{left:,} left as they are")
    return ", ".join(parts)


def _diff(file: "Reformatted", root: str) -> Iterator[str]:
    before, after = (data.decode().split("\n") for data in (file.old, file.new))
    yield from unified_diff(before, after, f"{root}{file.path}", f"{root}{file.path}, formatted", lineterm="")


def _data(done: "Formatting", root: str, *, diff: bool, written: bool) -> dict[str, object]:
    return {
        "files": done.files,
        "changed": [{"path": file.path, "diff": list(_diff(file, root)) if diff else None} for file in done.changed],
        "left": done.left,
        "failed": done.failed,
        "passed_over": done.passed_over,
        "problems": problems_data(done.problems),
        "written": written,
    }
