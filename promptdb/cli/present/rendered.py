"""Prints rendered prompts for people, and in the forms that programs take."""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from promptdb.cli.present.output import print_json, print_text, printable

if TYPE_CHECKING:
    from promptdb.render.renderable import RenderablePrompt

Values = Mapping[str, Any]


def print_for_people(prompt: "RenderablePrompt", values: Values) -> None:
    """Print the text of a string prompt, or a chat message by message."""
    if prompt.spec.kind == "string":
        print_text(prompt.render_text(values))
        return
    for number, message in enumerate(prompt.render_messages(values)):
        click.secho(
            f"{chr(10) if number else ''}[{printable(message.role_name or message.role)}]", fg="cyan", bold=True
        )
        parts = not isinstance(message.content, str)
        print_text(json.dumps(message.content, indent=2, ensure_ascii=False) if parts else message.text)


def print_as(form: str, prompt: "RenderablePrompt", values: Values) -> None:
    """Print a prompt in one of `FORMS`: text unchanged, data as JSON."""
    shown = FORMS[form](prompt, values)
    if isinstance(shown, str):
        print_text(shown)
    else:
        print_json(shown)


def print_with_version(prompt: "RenderablePrompt", values: Values) -> None:
    """Print text, messages and version as JSON; `ref` and `version` of a file are null."""
    print_json(
        {
            "ref": getattr(prompt, "ref", None),
            "version": getattr(prompt, "version", None),
            "text": prompt.render_text(values),
            "messages": _messages(prompt, values),
        }
    )


def _messages(prompt: "RenderablePrompt", values: Values) -> list[dict[str, Any]]:
    return [message.as_dict() for message in prompt.render_messages(values)]


def _langchain(prompt: "RenderablePrompt", values: Values) -> list[dict[str, Any]]:
    from langchain_core.messages import messages_to_dict

    return messages_to_dict(prompt.invoke(values).to_messages())


FORMS: dict[str, Callable[["RenderablePrompt", Values], Any]] = {
    "text": lambda prompt, values: prompt.render_text(values),
    "messages": _messages,
    "openai": lambda prompt, values: prompt.to_openai(values),
    "anthropic": lambda prompt, values: prompt.to_anthropic(values),
    "langchain": _langchain,
}
