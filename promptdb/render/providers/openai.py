"""Requests for OpenAI's chat completions API (https://platform.openai.com/docs/api-reference/chat/create).

Many other servers accept the same form.
"""

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from promptdb.domain.spec import PromptSpec
from promptdb.render.messages import RenderedMessage
from promptdb.render.providers import parts

_ROLES = {"system": "system", "human": "user", "ai": "assistant", "tool": "tool"}
_NEVER_STRICT = frozenset({"allOf", "oneOf", "not", "if", "default", "patternProperties", "dependentRequired"})
"""Keywords that strict mode refuses."""


def openai_request(spec: PromptSpec, messages: Sequence[RenderedMessage], identifier: str) -> dict[str, Any]:
    """Build the arguments of `chat.completions.create`. `identifier` names a response schema without a usable title.

    Raises:
        RenderError: a tool's answer does not name its call.
    """
    request = parts.model_arguments(spec.model, lambda provider: provider != "anthropic")
    request["messages"] = [_message(message, index) for index, message in enumerate(messages)]
    if spec.tools:
        request["tools"] = [openai_tool(tool) for tool in spec.tools]
    if spec.response_schema is not None:
        request["response_format"] = _response_format(spec.response_schema, identifier)
    return request


def openai_tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    """Write a tool in this API's form. A tool of the provider itself is not a function and passes unchanged."""
    function = parts.function_of(tool)
    return deepcopy(dict(tool)) if function is None else {"type": "function", "function": function}


def _message(message: RenderedMessage, index: int) -> dict[str, Any]:
    if message.role == "tool":
        parts.answered_call(message, index)
    fields: dict[str, Any] = {"role": message.role_name or _ROLES[message.role], "content": message.content}
    if not isinstance(message.content, str):
        fields["content"] = [_part(part) for part in parts.without_calls(message)]
    if message.name:
        fields["name"] = message.name
    others = {key: value for key, value in message.additional_kwargs.items() if key not in ("role", "content", "name")}
    return {**fields, **deepcopy(others)}


def _part(part: Any) -> Any:
    # The API insists on a type for each part, and on an object for an image.
    if isinstance(part, str):
        return {"type": "text", "text": part}
    part = {"type": parts.kind_of(part), **deepcopy(part)}
    if part["type"] == "image" and (source := parts.image_source(part)) is not None:
        return {"type": "image_url", "image_url": {"url": source}}
    if part["type"] == "image_url" and isinstance(part.get("image_url"), str):
        return part | {"image_url": {"url": part["image_url"]}}
    return part


def _response_format(schema: Mapping[str, Any], identifier: str) -> dict[str, Any]:
    described = {"description": schema["description"]} if isinstance(schema.get("description"), str) else {}
    strict = {"strict": True} if schema.get("type") == "object" and _is_strict(schema) else {}
    named = {"name": schema_name(schema, identifier), **described, "schema": deepcopy(dict(schema)), **strict}
    return {"type": "json_schema", "json_schema": named}


def schema_name(schema: Mapping[str, Any], identifier: str) -> str:
    """Return the title of the schema if the API accepts it (up to 64 of `A-Za-z0-9_-`), otherwise the identifier."""
    title = schema.get("title")
    return title if isinstance(title, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,64}", title) else identifier


def _is_strict(schema: object) -> bool:
    """Check that each object closes its properties and requires all of them, as strict mode demands."""
    if isinstance(schema, list):
        return all(map(_is_strict, schema))
    if not isinstance(schema, Mapping):
        return True
    if not _NEVER_STRICT.isdisjoint(schema):
        return False
    properties = schema.get("properties")
    if schema.get("type") == "object" or isinstance(properties, Mapping):
        names = set(properties or ()) if isinstance(properties, Mapping | None) else set()
        if schema.get("additionalProperties") is not False or set(schema.get("required") or ()) != names:
            return False
    return all(map(_is_strict, schema.values()))
