"""`promptdb diff`."""

import difflib
from typing import TYPE_CHECKING

import click

from promptdb.cli.output import print_json
from promptdb.cli.shared import json_option, service
from promptdb.domain.spec import PromptSpec
from promptdb.errors import InvalidPrompts, PromptNotFound

if TYPE_CHECKING:
    from promptdb.settings import AppSettings


@click.command("diff")
@click.argument("ref")
@click.argument("other", required=False)
@click.option("--exit-code", is_flag=True, help="Leave with 3 if they differ.")
@json_option
def command(ref: str, other: str | None, exit_code: bool, as_json: bool) -> int:
    """Compare two versions, or a version with its file.

    With one REF, from that version to the file as it is now; with two, from the first to the second. OTHER may be a selector
    alone, such as :production or :rev:3.
    """
    from promptdb.domain.changes import changed_parts
    from promptdb.files.write import prompt_file_text

    with service() as opened:
        old = opened.resolve(ref)
        before = f"{old.version.prompt}:rev:{old.version.revision}"
        if other is None:
            after, new = _from_file(ref, opened.settings)
        else:
            found = opened.resolve(f"{old.version.prompt}{other}" if other.startswith(":") else other)
            after, new = f"{found.version.prompt}:rev:{found.version.revision}", found.spec
    parts = changed_parts(old.spec, new)
    old_text, new_text = (prompt_file_text(spec, ".yaml").splitlines() for spec in (old.spec, new))
    diff = list(difflib.unified_diff(old_text, new_text, before, after, lineterm=""))
    if as_json:
        print_json({"from": before, "to": after, "parts": parts, "diff": diff})
    for line in [] if as_json else diff:
        click.secho(line, fg={"+": "green", "-": "red", "@": "cyan"}.get(line[:1]), bold=line[:3] in ("+++", "---"))
    if parts and not diff and not as_json:
        click.echo(f"the texts are equal; these differ: {', '.join(parts)}")
    return 3 if exit_code and parts else 0


def _from_file(ref: str, settings: "AppSettings") -> tuple[str, PromptSpec]:
    from promptdb.domain.refs import PromptRef
    from promptdb.sync.tree import load_prompt

    prompt = PromptRef.parse(ref).prompt
    candidate, result = load_prompt(settings, prompt)
    if candidate is None:
        raise PromptNotFound(f"there is no file for {prompt}", "name a second reference to compare with")
    if result is None or result.prompt is None:
        raise InvalidPrompts(result.problems if result else ())
    return candidate.path, result.prompt.spec
