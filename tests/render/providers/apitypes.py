"""What the SDKs of the providers say that a request may be."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from pydantic import TypeAdapter

# The SDKs take seconds to import: not while tests are collected, nor where none of these tests runs.


@cache
def openai_request() -> TypeAdapter[Any]:
    from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming

    return TypeAdapter(CompletionCreateParamsNonStreaming)


@cache
def anthropic_request() -> TypeAdapter[Any]:
    from anthropic.types.message_create_params import MessageCreateParamsNonStreaming

    return TypeAdapter(MessageCreateParamsNonStreaming)


def accepted(api: TypeAdapter[Any], request: dict[str, Any]) -> dict[str, Any]:
    """The request without what the API does not know; an error where a field has another type."""
    return read(api.validate_python(request))


def read(value: Any) -> Any:
    """Lists of the SDKs' types are checked while they are read."""
    if isinstance(value, dict):
        return {key: read(item) for key, item in value.items()}
    return [read(item) for item in value] if isinstance(value, Iterator | list | tuple) else value
