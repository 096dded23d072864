"""Requests of OpenAI's chat completions API (https://platform.openai.com/docs/api-reference/chat/create).

Many other servers take the same form.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from promptdb.domain.spec import PromptSpec
from promptdb.render.messages import RenderedMessage
from promptdb.render.providers.parts import image_source, kind_of, without_calls
from promptdb.render.providers.settings import settings_for
from promptdb.render.providers.tools import answered_call, function_of

_ROLES = {"system": "system", "human": "user", "ai": "assistant", "tool": "tool"}
_NEVER_STRICT = frozenset({"allOf", "oneOf", "not", "if", "default", "patternProperties", "dependentRequired"})
"""Keywords that strict mode does not take."""

_WITHOUT = frozenset({"anthropic"})
"""Providers whose models this API does not have."""


def openai_request(spec: PromptSpec, messages: Sequence[RenderedMessage], identifier: str) -> dict[str, Any]:
    """The arguments of `chat.completions.create`.

    Args:
        spec: of the prompt.
        messages: rendered.
        identifier: names the response schema, if it has no title that could.

    Raises:
        RenderError: a tool's message does not say which call it answers.
    """
    request = settings_for(spec.model, lambda provider: provider not in _WITHOUT)
    request["messages"] = [_message(message, index) for index, message in enumerate(messages)]
    if spec.tools:
        request["tools"] = [openai_tool(tool) for tool in spec.tools]
    if spec.response_schema is not None:
        request["response_format"] = _response_format(spec.response_schema, identifier)
    return request


def openai_tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    """A tool as this API has it. What is no function goes through as it is."""
    function = function_of(tool)
    return deepcopy(dict(tool)) if function is None else {"type": "function", "function": function}


def _message(message: RenderedMessage, index: int) -> dict[str, Any]:
    if message.role == "tool":
        answered_call(message, index)
    fields: dict[str, Any] = {"role": message.role_name or _ROLES[message.role], "content": message.content}
    if not isinstance(message.content, str):
        fields["content"] = [_part(part) for part in without_calls(message)]
    if message.name:
        fields["name"] = message.name
    others = {key: value for key, value in message.additional_kwargs.items() if key not in ("role", "content", "name")}
    return {**fields, **deepcopy(others)}


def _part(part: Any) -> Any:
    """A content part with what this API insists on: a type, and an image as an object."""
    if isinstance(part, str):
        return {"type": "text", "text": part}
    part = {"type": kind_of(part), **deepcopy(part)}
    if part["type"] == "image" and (source := image_source(part)) is not None:
        return {"type": "image_url", "image_url": {"url": source.url}}
    if part["type"] == "image_url" and isinstance(part.get("image_url"), str):
        return part | {"image_url": {"url": part["image_url"]}}
    return part


def _response_format(schema: Mapping[str, Any], identifier: str) -> dict[str, Any]:
    described = {"description": schema["description"]} if isinstance(schema.get("description"), str) else {}
    strict = {"strict": True} if schema.get("type") == "object" and _is_strict(schema) else {}
    json_schema = {
        "name": schema_name(schema, identifier),
        **described,
        "schema": deepcopy(dict(schema)),
        **strict,
    }
    return {"type": "json_schema", "json_schema": json_schema}


def schema_name(schema: Mapping[str, Any], identifier: str) -> str:
    """Its title, if that is made of letters, digits, `_` and `-`, at most 64: APIs take no others. Else the identifier."""
    title = schema.get("title")
    fits = isinstance(title, str) and title.isascii() and title.replace("_", "a").replace("-", "a").isalnum()
    return title if fits and isinstance(title, str) and len(title) <= 64 else identifier


def _is_strict(schema: object) -> bool:
    """Whether each object closes its properties and requires all of them, as strict mode wants it."""
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
