"""Content parts: what they are, and where an image is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
    """Of `image_url` as OpenAI has it, or `image` as Anthropic has it; None for anything else."""
    image = part.get("image_url")
    if isinstance(image, Mapping):
        image = image.get("url")
    if isinstance(image, str):
        return ImageSource(image)
    match part.get("source"):
        case {"type": "url", "url": str() as url}:
            return ImageSource(url)
        case {"type": "base64", "media_type": str() as media_type, "data": str() as data}:
            return ImageSource(f"data:{media_type};base64,{data}")
    return None
