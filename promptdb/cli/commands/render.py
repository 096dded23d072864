"""`promptdb render`."""

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import click

from promptdb.cli.opening import note_lookup, service
from promptdb.cli.options import json_option, key_option, named_by_path, view_options
from promptdb.cli.present.rendered import FORMS, print_as, print_for_people, print_with_version
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.suffixes import SUFFIXES, file_suffix
from promptdb.errors import MissingVariables
from promptdb.project.placing import is_prompt_file
from promptdb.settings import load_settings

if TYPE_CHECKING:
    from promptdb.project.view import View
    from promptdb.render.renderable import RenderablePrompt


def _file_or_ref(context: click.Context, parameter: click.Parameter, text: str | None) -> str | Path | None:
    if text is not None and file_suffix(text) in SUFFIXES and is_prompt_file(text, load_settings()):
        return Path(text)
    return named_by_path(context, parameter, text)


@click.command("render")
@click.argument("ref", required=False, callback=_file_or_ref)
@click.option(
    "--file",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Render this prompt file, synced or not, instead of REF.",
)
@click.option(
    "-v",
    "--var",
    "pairs",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set a variable. With a declared type other than string, VALUE is JSON. NAME:=VALUE is JSON for any variable.",
)
@click.option("--vars", "values", type=click.File(encoding="utf-8"), help="Read variables from a JSON file, or from -.")
@key_option
@click.option("--ignore-extra", is_flag=True, help="Ignore values without a variable in the prompt.")
@click.option("--as", "form", type=click.Choice(list(FORMS)), help="Print the prompt in this form.")
@json_option
@view_options
def command(
    view: "View | None",
    ref: str | Path | None,
    path: Path | None,
    pairs: tuple[str, ...],
    values: TextIO | None,
    key: str | None,
    ignore_extra: bool,
    form: str | None,
    as_json: bool,
) -> None:
    """Render a prompt with values.

    With --worktree, --staged or --rev, REF is the name of a prompt, and its file is read there.

    REF may also be the path of a prompt file, which is rendered as it is there, as with --file. With a selector, as in
    prompts/greet.txt:production, the path stands for the name.

    A chat is printed message by message. --json prints its text, messages and version. --as text prints the whole prompt as
    one text. --as messages and --as langchain print the messages as JSON, in promptdb's form or LangChain's. --as openai and
    --as anthropic print the arguments of an API call as JSON.
    """
    if (ref is None) == (path is None):
        raise click.UsageError("give either REF or --file")
    if form is not None and as_json:
        raise click.UsageError("--as and --json cannot be combined")
    name, file = (None, ref) if isinstance(ref, Path) else (ref, path)
    if key is not None and (file is not None or view is not None):
        raise click.UsageError("--key chooses a version, and a file has none")
    prompt = _prompt(name, file, view, key)
    if ignore_extra:
        prompt = prompt.ignoring_extra()
    given = _from_file(values) if values else {}
    given |= dict(_value(pair, prompt) for pair in pairs)
    try:
        if as_json:
            print_with_version(prompt, given)
        elif form is not None:
            print_as(form, prompt, given)
        else:
            print_for_people(prompt, given)
    except MissingVariables as error:
        options = " ".join(f"-v {shlex.quote(name)}=..." for name in error.names)
        raise MissingVariables(error.names, " ".join(filter(None, (error.hint, f"add {options}")))) from error


def _prompt(ref: str | None, path: Path | None, view: "View | None", key: str | None) -> "RenderablePrompt":
    if path is not None or view is not None:
        from promptdb.project import single_file  # here: rendering a version needs no parser
        from promptdb.project.view import WORK_TREE

        return single_file.read_prompt(path or PromptId.parse(str(ref)), load_settings(), view or WORK_TREE)
    with service() as opened:
        prompt = opened.get(str(ref), key=key)
    note_lookup(prompt)
    return prompt


def _from_file(file: TextIO) -> dict[str, Any]:
    try:
        values = json.load(file, parse_constant=_refuse)
    except (ValueError, OSError, RecursionError) as error:
        raise click.BadParameter(f"{file.name} is not JSON: {error}", param_hint="--vars") from error
    if not isinstance(values, dict):
        raise click.BadParameter(f"{file.name} is not a JSON object", param_hint="--vars")
    return values


def _value(pair: str, prompt: "RenderablePrompt") -> tuple[str, Any]:
    name, equals, text = pair.partition("=")
    if not equals or not name.rstrip(":"):
        raise click.BadParameter(f"{pair!r} is not NAME=VALUE or NAME:=JSON", param_hint="--var")
    is_json, name = name.endswith(":"), name.removesuffix(":")
    variable = prompt.variables.get(name)
    kind = variable.type if variable is not None and variable.type != "string" else None
    if kind is None and not is_json:
        return name, text
    try:
        return name, json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        reason = f"{name} is {kind}, and {text!r} is not JSON" if kind is not None else f"{text!r} is not JSON"
        raise click.BadParameter(reason, param_hint="--var") from error


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON number")
