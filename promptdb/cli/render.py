"""`promptdb render`."""

import json
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import click

from promptdb.cli.output import print_json, print_text, printable
from promptdb.cli.shared import json_option, service
from promptdb.errors import PromptDBError

if TYPE_CHECKING:
    from promptdb.render.resolved import ResolvedPrompt


@click.command("render")
@click.argument("ref")
@click.option(
    "-v",
    "--var",
    "pairs",
    multiple=True,
    metavar="NAME=VALUE",
    help="A value; JSON where it has a type other than string.",
)
@click.option(
    "--vars", "file", type=click.File(encoding="utf-8"), help="A JSON object with values; - reads standard input."
)
@json_option
def command(ref: str, pairs: tuple[str, ...], file: TextIO | None, as_json: bool) -> None:
    """Render a prompt with values.

    A chat is printed message by message. With --json, the messages as a model takes them.
    """
    with service() as opened:
        prompt = opened.resolve(ref)
    values = _from_file(file) if file else {}
    values |= dict(_value(pair, prompt) for pair in pairs)
    result = prompt.render(values)
    if as_json:
        messages = [message.as_dict() for message in result.messages]
        print_json({"ref": ref, "version": result.version, "text": result.text, "messages": messages})
    elif prompt.spec.kind == "string":
        print_text(result.text)
    else:
        for number, message in enumerate(result.messages):
            click.secho(
                f"{chr(10) if number else ''}[{printable(message.role_name or message.role)}]", fg="cyan", bold=True
            )
            parts = not isinstance(message.content, str)
            print_text(json.dumps(message.content, indent=2, ensure_ascii=False) if parts else message.text)


def _from_file(file: TextIO) -> dict[str, Any]:
    try:
        values = json.load(file, parse_constant=_refuse)
    except (ValueError, OSError, RecursionError) as error:
        raise click.BadParameter(f"{file.name} is not JSON: {error}", param_hint="--vars") from error
    if not isinstance(values, dict):
        raise click.BadParameter(f"{file.name} holds no JSON object", param_hint="--vars")
    return values


def _value(pair: str, prompt: "ResolvedPrompt") -> tuple[str, Any]:
    name, equals, text = pair.partition("=")
    if not equals or not name:
        raise click.BadParameter(f"{pair!r} is not NAME=VALUE", param_hint="--var")
    variable = prompt.variables.get(name)
    if variable is None and name not in prompt.names:
        known = ", ".join(prompt.variables) or "none"
        raise PromptDBError(f"the prompt has no variable {name!r}", f"its variables: {known}")
    if variable is None or variable.type in (None, "string"):
        return name, text
    try:
        return name, json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise click.BadParameter(f"{name} is {variable.type}, and {text!r} is not JSON", param_hint="--var") from error


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")
