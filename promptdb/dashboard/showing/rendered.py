"""Renders a prompt for a page, within limits that no template can exceed, and shows what comes out."""

from collections.abc import Callable, Sequence
from typing import Any

from promptdb.dashboard.inputs import Values, to_json
from promptdb.dashboard.showing.page import show_html, show_note
from promptdb.dashboard.showing.specs import show_text
from promptdb.dashboard.showing.tables import badges_html
from promptdb.render.messages import RenderedMessage
from promptdb.render.renderable import RenderablePrompt
from promptdb.render.section_diff import Section
from promptdb.render.work import work_of_a_request

FORMS: dict[str, Callable[[RenderablePrompt, Values], Any]] = {
    "Text": lambda prompt, values: prompt.render_text(values),
    "Messages": lambda prompt, values: prompt.render_messages(values),
    "OpenAI": lambda prompt, values: prompt.to_openai(values),
    "Anthropic": lambda prompt, values: prompt.to_anthropic(values),
}
"""The forms of an output, by their names in addresses."""


def render_as(form: str, prompt: RenderablePrompt, values: Values) -> Any:
    """Render a prompt in one of `FORMS`.

    Raises:
        RenderError: the values do not fit the prompt, or its templates do too much for a page.
    """
    with work_of_a_request():
        return FORMS[form](prompt, values)


def show_output(output: Any) -> None:
    """Show what `render_as` made."""
    if isinstance(output, str):
        show_text(output)
        show_note(f"{len(output):,} characters")
    elif isinstance(output, list):
        show_messages(output)
    else:
        show_text(to_json(output, indent=2))


def show_messages(messages: Sequence[RenderedMessage]) -> None:
    """Show each message with its role, and its other fields as JSON."""
    for message in messages:
        show_html(f'<p class="pdb-line">{badges_html([_role(message)])}</p>')
        show_text(_text(message))
        others = {key: value for key, value in message.as_dict().items() if key in ("name", "additional_kwargs")}
        if others:
            show_text(to_json(others, indent=2))
    if not messages:
        show_note("No message comes out.")


def sections_of(messages: Sequence[RenderedMessage]) -> list[Section]:
    """Split an output for a comparison, message by message."""
    return [
        Section(f"message {number}, {_role(message)}", _role(message), _text(message), is_template=True)
        for number, message in enumerate(messages, 1)
    ]


def _role(message: RenderedMessage) -> str:
    return message.role_name or message.role


def _text(message: RenderedMessage) -> str:
    return message.content if isinstance(message.content, str) else to_json(message.content, indent=2)
