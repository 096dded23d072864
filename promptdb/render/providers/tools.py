"""Tools: each API writes a function in a form of its own."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from promptdb.errors import RenderError
from promptdb.render.messages import RenderedMessage


def function_of(tool: Mapping[str, Any]) -> dict[str, Any] | None:
    """The function that a tool is: name, description, parameters (JSON Schema), and whether it is strict.

    Known are OpenAI's forms, of both its APIs, and Anthropic's. None for a tool that the provider brings itself, such as a
    web search.
    """
    inner = tool.get("function") if tool.get("type") == "function" and "function" in tool else tool
    if not isinstance(inner, Mapping) or "name" not in inner or tool.get("type", "function") not in _FUNCTIONS:
        return None
    found = {key: inner[key] for key in ("name", "description", "parameters", "strict") if key in inner}
    if "input_schema" in inner:
        found["parameters"] = inner["input_schema"]
    return deepcopy(found)


_FUNCTIONS = ("function", "custom", None)
"""Types that a function may have; `custom` is Anthropic's."""


def answered_call(message: RenderedMessage, index: int) -> Any:
    """The id of the call that a tool's message answers.

    Raises:
        RenderError: it does not say which, though every API asks for it.
    """
    call = message.additional_kwargs.get("tool_call_id")
    if not call:
        hint = "put tool_call_id into its additional_kwargs"
        raise RenderError(f"message {index + 1} is the answer of a tool, and does not say to which call", hint)
    return call
