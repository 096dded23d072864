"""Requests of Anthropic's messages API (https://platform.claude.com/docs/en/api/messages)."""

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from itertools import takewhile
from typing import Any

from promptdb.domain.spec import PromptSpec
from promptdb.errors import RenderError
from promptdb.render.messages import RenderedMessage
from promptdb.render.providers.parts import image_source, kind_of, without_calls
from promptdb.render.providers.settings import settings_for
from promptdb.render.providers.tools import answered_call, function_of

_NO_PARAMETERS = {"type": "object", "properties": {}}


def anthropic_request(spec: PromptSpec, messages: Sequence[RenderedMessage]) -> dict[str, Any]:
    """The arguments of `messages.create`. Names of messages have no place in this API and are left out.

    Args:
        spec: of the prompt.
        messages: rendered. Those of role system at the beginning become `system`.

    Raises:
        RenderError: a role of the application's own, or calls and answers of tools that do not say what they belong to.
    """
    request = settings_for(spec.model, lambda provider: provider == "anthropic")
    opening = list(takewhile(lambda message: message.role == "system", messages))
    if opening:
        request["system"] = _system(opening)
    request["messages"] = _turns(messages, len(opening))
    if spec.tools:
        request["tools"] = [_tool(tool) for tool in spec.tools]
    if spec.response_schema is not None:
        form = {"type": "json_schema", "schema": deepcopy(spec.response_schema)}
        request["output_config"] = {**request.get("output_config", {}), "format": form}
    return request


def _system(messages: Sequence[RenderedMessage]) -> str | list[dict[str, Any]]:
    if all(isinstance(message.content, str) for message in messages):
        return "\n\n".join(message.text for message in messages)
    return [block for message in messages for block in _blocks(message)]


def _turns(messages: Sequence[RenderedMessage], start: int) -> list[dict[str, Any]]:
    """The messages from `start` on; answers of tools that follow one another are one turn of the user."""
    turns: list[dict[str, Any]] = []
    for index in range(start, len(messages)):
        message = messages[index]
        if message.role == "tool" and index > start and messages[index - 1].role == "tool":
            turns[-1]["content"] += _content(message, index)
        else:
            turns.append({"role": _role(message, index), "content": _content(message, index)})
    return turns


def _role(message: RenderedMessage, index: int) -> str:
    roles = {"system": "system", "human": "user", "tool": "user", "ai": "assistant"}
    if message.role not in roles:
        hint = "its roles are system, user and assistant; give the message one of them"
        raise RenderError(f"message {index + 1} has the role {message.role_name!r}, which Anthropic's API lacks", hint)
    return roles[message.role]


def _content(message: RenderedMessage, index: int) -> str | list[dict[str, Any]]:
    kwargs = message.additional_kwargs
    if message.role == "tool":
        answer = message.content if isinstance(message.content, str) else _blocks(message)
        return [{"type": "tool_result", "tool_use_id": answered_call(message, index), "content": answer}]
    calls = kwargs.get("tool_calls") if message.role == "ai" else None
    if calls:
        return [*_blocks(message), *(_tool_use(call, index) for call in calls)]
    return message.content if isinstance(message.content, str) else _blocks(message)


def _blocks(message: RenderedMessage) -> list[dict[str, Any]]:
    """The content as blocks; an empty text is none, since the API refuses one."""
    parts = [message.content] if isinstance(message.content, str) else without_calls(message)
    return [_block(part) for part in parts if part != ""]


def _block(part: Any) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    block: dict[str, Any] = {"type": kind_of(part), **deepcopy(part)}
    source = image_source(block) if block["type"] in ("image", "image_url") and "source" not in block else None
    if source is None:
        return block
    cached = {"cache_control": block["cache_control"]} if "cache_control" in block else {}
    if source.embedded is None:
        return {"type": "image", "source": {"type": "url", "url": source.url}, **cached}
    media_type, data = source.embedded
    return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}, **cached}


def _tool_use(call: Any, index: int) -> dict[str, Any]:
    try:
        arguments = json.loads(call["function"]["arguments"] or "{}")
        block = {"type": "tool_use", "id": call["id"], "name": call["function"]["name"], "input": arguments}
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        hint = "write {id, type: function, function: {name, arguments}}, with arguments as JSON text"
        raise RenderError(f"message {index + 1} has a tool call that cannot be read", hint) from error
    if not isinstance(arguments, Mapping):
        raise RenderError(f"message {index + 1} has a tool call whose arguments are no JSON object")
    return block


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    """A tool as this API has it. What is no function goes through as it is."""
    function = function_of(tool)
    if function is None:
        return deepcopy(dict(tool))
    schema = function.pop("parameters", None) or _NO_PARAMETERS
    kept = {key: deepcopy(tool[key]) for key in ("cache_control",) if key in tool}
    return {**function, "input_schema": schema, **kept}
