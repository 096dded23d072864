"""`promptdb diff`."""

from typing import TYPE_CHECKING

import click

from promptdb.cli.contracts import print_contract
from promptdb.cli.output import print_json, printable
from promptdb.cli.problems import print_problems
from promptdb.cli.prompt_diff import diff_lines
from promptdb.cli.shared import json_option, note_rename, root_prefix, service, view_options
from promptdb.errors import PromptNotFound

if TYPE_CHECKING:
    from promptdb.sync.view import View


@click.command("diff")
@click.argument("ref")
@click.argument("other", required=False)
@click.option("--exit-code", is_flag=True, help="Leave with 3 if they differ.")
@view_options
@json_option
def command(view: "View | None", ref: str, other: str | None, exit_code: bool, as_json: bool) -> int:
    """Compare two versions, or a version with its file.

    With one REF, from that version to the file as it is now, or is staged, or was in a commit; with two, from the first to the
    second. OTHER may be a selector alone, such as :production or :rev:3.
    """
    if other is not None and view is not None:
        raise click.UsageError(
            "--worktree, --staged and --rev say which file to compare with: leave out the second reference"
        )
    from promptdb.domain.changes import changed_parts
    from promptdb.render.interface import changes_between
    from promptdb.sync.source import load_prompt
    from promptdb.sync.view import WORK_TREE

    with service() as opened:
        old = opened.resolve(ref)
        note_rename(ref, old.version.prompt)
        before = f"{old.version.prompt}:rev:{old.version.revision}"
        if other is None:
            found_file = load_prompt(opened.settings, old.version.prompt, view or WORK_TREE)
            if found_file is None:
                raise PromptNotFound(f"there is no file for {old.version.prompt}", "name a second reference")
            after, file = found_file
            if file.content is None:
                print_problems(file.problems, err=True, root=root_prefix(opened.settings))
                return 4
            new = file.content.spec
        else:
            found = opened.resolve(f"{old.version.prompt}{other}" if other.startswith(":") else other)
            after, new = f"{found.version.prompt}:rev:{found.version.revision}", found.spec
    parts = changed_parts(old.spec, new)
    contract = changes_between(old.spec, new)
    diff = diff_lines(old.spec, new, before, after)
    if as_json:
        print_json({"from": before, "to": after, "parts": parts, "diff": diff, "contract": contract})
    for line in [] if as_json else diff:
        click.secho(
            printable(line), fg={"+": "green", "-": "red", "@": "cyan"}.get(line[:1]), bold=line[:3] in ("+++", "---")
        )
    if parts and not diff and not as_json:
        click.echo(f"the texts are equal; these differ: {', '.join(parts)}")
    if not as_json:
        print_contract(contract)
    return 3 if exit_code and parts else 0
