"""Requests for Anthropic's messages API (https://platform.claude.com/docs/en/api/messages)."""

import json
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from itertools import takewhile
from typing import Any

from promptdb.domain.spec import PromptSpec
from promptdb.errors import RenderError
from promptdb.render.messages import RenderedMessage
from promptdb.render.providers import parts

_NO_PARAMETERS = {"type": "object", "properties": {}}
_DATA_URL = re.compile(r"data:(?P<media_type>[\w.+-]+/[\w.+-]+);base64,(?P<data>.*)", re.DOTALL)  # RFC 2397


def anthropic_request(spec: PromptSpec, messages: Sequence[RenderedMessage]) -> dict[str, Any]:
    """Build the arguments of `messages.create`. Leading system messages become `system`.

    Raises:
        RenderError: a role is generic, a tool call cannot be read, or a tool's answer does not name its call.
    """
    request = parts.model_arguments(spec.model, lambda provider: provider == "anthropic")
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
    turns: list[dict[str, Any]] = []
    for index, message in enumerate(messages[start:], start):
        # The API expects the answers of parallel tool calls in one turn of the user.
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
    content = message.content if isinstance(message.content, str) else _blocks(message)
    if message.role == "tool":
        return [{"type": "tool_result", "tool_use_id": parts.answered_call(message, index), "content": content}]
    calls = message.additional_kwargs.get("tool_calls") if message.role == "ai" else None
    return [*_blocks(message), *(_tool_use(call, index) for call in calls)] if calls else content


def _blocks(message: RenderedMessage) -> list[dict[str, Any]]:
    content = [message.content] if isinstance(message.content, str) else parts.without_calls(message)
    # The API refuses empty text blocks.
    return [_block(part) for part in content if part != ""]


def _block(part: Any) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    block: dict[str, Any] = {"type": parts.kind_of(part), **deepcopy(part)}
    source = parts.image_source(block) if block["type"] in ("image", "image_url") and "source" not in block else None
    if source is None:
        return block
    cached = {"cache_control": block["cache_control"]} if "cache_control" in block else {}
    image = {"type": "url", "url": source}
    if embedded := _DATA_URL.fullmatch(source):
        image = {"type": "base64", **embedded.groupdict()}
    return {"type": "image", "source": image, **cached}


def _tool_use(call: Any, index: int) -> dict[str, Any]:
    try:
        arguments = json.loads(call["function"]["arguments"] or "{}")
        block = {"type": "tool_use", "id": call["id"], "name": call["function"]["name"], "input": arguments}
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        hint = "write {id, type: function, function: {name, arguments}}, with arguments as JSON text"
        raise RenderError(f"message {index + 1} has a tool call that cannot be read", hint) from error
    if not isinstance(arguments, Mapping):
        raise RenderError(f"message {index + 1} has a tool call whose arguments are not a JSON object")
    return block


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    # A tool of the provider itself, such as a web search, is not a function and passes unchanged.
    function = parts.function_of(tool)
    if function is None:
        return deepcopy(dict(tool))
    schema = function.pop("parameters", None) or _NO_PARAMETERS
    cached = {"cache_control": deepcopy(tool["cache_control"])} if "cache_control" in tool else {}
    return {**function, "input_schema": schema, **cached}
