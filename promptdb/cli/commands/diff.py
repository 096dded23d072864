"""`promptdb diff`."""

from typing import TYPE_CHECKING

import click

from promptdb.cli.opening import note_lookup, root_prefix, workspace
from promptdb.cli.options import json_option, ref_argument, view_options
from promptdb.cli.present.output import print_json
from promptdb.cli.present.plan import print_contract
from promptdb.cli.present.problems import print_problems
from promptdb.cli.present.prompt_diff import header, print_diff
from promptdb.errors import PromptNotFound

if TYPE_CHECKING:
    from promptdb.project.view import View
    from promptdb.render.resolved import ResolvedPrompt


@click.command("diff")
@ref_argument("ref")
@ref_argument("other", required=False)
@click.option("--exit-code", is_flag=True, help="Exit with status 3 if the versions differ.")
@view_options
@json_option
def command(view: "View | None", ref: str, other: str | None, exit_code: bool, as_json: bool) -> int:
    """Compare two versions, or a version with its file.

    REF may name a prompt by the path of its file. OTHER may be a selector alone, such as :production or :rev:3. Without OTHER,
    REF is compared with the prompt's file: on disk, in git's index, or in a commit.
    """
    if other is not None and view is not None:
        raise click.UsageError("OTHER cannot be combined with --worktree, --staged or --rev")
    from promptdb.project.comparison import compare
    from promptdb.project.view import WORK_TREE

    with workspace() as opened:
        old = opened.service.get(ref)
        note_lookup(old)
        before = _name(old)
        if other is None:
            found_file = opened.load_prompt(old.version.prompt, view or WORK_TREE)
            if found_file is None:
                raise PromptNotFound(f"{old.version.prompt} has no file", "pass a second reference")
            path, file = found_file
            after = path if view is None or view.is_work_tree else f"{path} in {view}"
            if file.content is None:
                print_problems(file.problems, err=True, root=root_prefix(opened.settings))
                return 4
            new = file.content.spec
        else:
            version = opened.service.get(f"{old.version.prompt}{other}" if other.startswith(":") else other)
            note_lookup(version)
            after, new = _name(version), version.spec
    found = compare(old.spec, new)
    parts, diff = found.parts, found.lines
    if as_json:
        lines = [*header(before, after), *map(str, diff)] if diff else []
        print_json({"from": before, "to": after, "parts": parts, "diff": lines, "contract": found.contract})
    else:
        print_diff(diff, before, after)
        if parts and not diff:
            click.echo(f"the texts are equal; these differ: {', '.join(parts)}")
        print_contract(found.contract)
    return 3 if exit_code and parts else 0


def _name(found: "ResolvedPrompt") -> str:
    version = found.version
    selector = f"rev:{version.revision}" if version.is_recorded else f"git:{str(found.commit_id)[:12]}"
    return f"{version.prompt}:{selector}"
