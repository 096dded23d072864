"""Parts of a request that the providers' APIs write differently: model settings, tools, content parts and images."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from promptdb.errors import RenderError
from promptdb.render.messages import RenderedMessage


def model_settings(model: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of `model` without `provider` and `name`."""
    return deepcopy({key: value for key, value in model.items() if key not in ("provider", "name")})


def model_arguments(model: Mapping[str, Any], serves: Callable[[str], bool]) -> dict[str, Any]:
    """Return the settings and the name of `model`, or nothing if the API does not serve its provider."""
    provider = model.get("provider")
    if isinstance(provider, str) and not serves(provider.lower()):
        return {}
    return {**({"model": deepcopy(model["name"])} if "name" in model else {}), **model_settings(model)}


def function_of(tool: Mapping[str, Any]) -> dict[str, Any] | None:
    """Read the name, description, parameters (JSON Schema) and strictness of a function.

    Reads the forms of both OpenAI APIs and of Anthropic's. Returns None for the provider's own tools, such as a web search.
    """
    inner = tool.get("function") if tool.get("type") == "function" and "function" in tool else tool
    # `custom` is Anthropic's type of a function.
    is_function = tool.get("type") in ("function", "custom", None)
    if not is_function or not isinstance(inner, Mapping) or "name" not in inner:
        return None
    found = {key: inner[key] for key in ("name", "description", "parameters", "strict") if key in inner}
    if "input_schema" in inner:
        found["parameters"] = inner["input_schema"]
    return deepcopy(found)


def answered_call(message: RenderedMessage, index: int) -> Any:
    """Return the id of the call that a tool's message answers.

    Raises:
        RenderError: the message has no `tool_call_id`, which every API requires.
    """
    call = message.additional_kwargs.get("tool_call_id")
    if not call:
        hint = "put tool_call_id into its additional_kwargs"
        raise RenderError(f"message {index + 1} is the answer of a tool, but does not name the call", hint)
    return call


def kind_of(part: Mapping[str, Any]) -> str:
    """Return the type of a part, or guess it from the fields."""
    kind = part.get("type")
    return kind if isinstance(kind, str) else next((key for key in ("image_url", "text") if key in part), "text")


def image_source(part: Mapping[str, Any]) -> str | None:
    """Return the URL of an image in OpenAI's, Anthropic's or LangChain's form, or None. Embedded data is a `data:` URL."""
    image = part.get("image_url")
    if isinstance(image, Mapping):
        image = image.get("url")
    if isinstance(image, str):
        return image
    match part:
        case {"url": str() as url}:
            return url
        # LangChain's content blocks have the data in `base64`, or in `data` before LangChain 1.0.
        case {"mime_type": str() as media_type, "base64": str() as data}:
            return f"data:{media_type};base64,{data}"
        case {"mime_type": str() as media_type, "data": str() as data}:
            return f"data:{media_type};base64,{data}"
        case {"source": {"type": "url", "url": str() as url}}:
            return url
        case {"source": {"type": "base64", "media_type": str() as media_type, "data": str() as data}}:
            return f"data:{media_type};base64,{data}"
    return None


def without_calls(message: RenderedMessage) -> list[Any]:
    """Return the content parts without the tool calls that LangChain repeats there from `tool_calls`."""
    has_calls = bool(message.additional_kwargs.get("tool_calls"))
    return [
        part for part in message.content if not (has_calls and isinstance(part, dict) and kind_of(part) == "tool_use")
    ]
