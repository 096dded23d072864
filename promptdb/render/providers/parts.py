"""Content parts: what they are, and where an image is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from promptdb.render.messages import RenderedMessage

_DATA_URL = re.compile(r"data:(?P<media_type>[\w.+-]+/[\w.+-]+);base64,(?P<data>.*)", re.DOTALL)  # RFC 2397


@dataclass(frozen=True)
class ImageSource:
    """`url` may be a `data:` URL."""

    url: str

    @property
    def embedded(self) -> tuple[str, str] | None:
        """Media type and base64 data, if the URL holds them."""
        match = _DATA_URL.fullmatch(self.url)
        return (match["media_type"], match["data"]) if match else None


def kind_of(part: Mapping[str, Any]) -> str:
    """The type of a part; one that does not say is what its fields are."""
    kind = part.get("type")
    return kind if isinstance(kind, str) else next((key for key in ("image_url", "text") if key in part), "text")


def image_source(part: Mapping[str, Any]) -> ImageSource | None:
    """Of `image_url` as OpenAI has it, or `image` as Anthropic or LangChain has it; None for anything else."""
    image = part.get("image_url")
    if isinstance(image, Mapping):
        image = image.get("url")
    if isinstance(image, str):
        return ImageSource(image)
    match part:  # LangChain's own blocks, of today and of before
        case {"url": str() as url}:
            return ImageSource(url)
        case {"mime_type": str() as media_type, "base64": str() as data}:
            return ImageSource(f"data:{media_type};base64,{data}")
        case {"mime_type": str() as media_type, "data": str() as data}:
            return ImageSource(f"data:{media_type};base64,{data}")
    match part.get("source"):
        case {"type": "url", "url": str() as url}:
            return ImageSource(url)
        case {"type": "base64", "media_type": str() as media_type, "data": str() as data}:
            return ImageSource(f"data:{media_type};base64,{data}")
    return None


def without_calls(message: RenderedMessage) -> list[Any]:
    """The parts of a content but for calls of tools that the message has in `tool_calls`, too, as LangChain has them."""
    calls = message.additional_kwargs.get("tool_calls")
    return [
        part for part in message.content if not (calls and isinstance(part, dict) and part.get("type") == "tool_use")
    ]
