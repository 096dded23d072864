"""The paths of the HTTP API that name a prompt.

A namespace has slashes, so `support/eu/triage/resolve` may be a prompt or a route below one. The words of routes end the name,
from its second segment on. A name that has such a word itself is written as one segment, with `%2F` for its slashes.
"""

from urllib.parse import quote, unquote

from promptdb.domain.prompt_id import PromptId

WORDS = ("aliases", "assets", "diff", "history", "render", "resolve", "versions")
"""The segments that begin a route below a prompt."""

_LONGER = ("aliases", "assets")
"""The words that more segments may follow."""


def prompt_path(prompt: PromptId) -> str:
    """Write the name of a prompt so that no word in it is taken for a route."""
    segments = str(prompt).split("/")
    return quote(str(prompt), safe="") if any(word in WORDS for word in segments[1:]) else str(prompt)


def routed_path(raw: str, prefix: str) -> str:
    """Decode the path of a request, with the name of a prompt as one segment that is still encoded.

    Args:
        raw: the path as it was sent.
        prefix: the path of the API.
    """
    area, _, rest = raw.removeprefix(prefix).lstrip("/").partition("/")
    if not raw.startswith(f"{prefix}/{area}/") or not rest or area not in ("prompts", "exports"):
        return "/".join(map(_one, raw.split("/")))
    segments = rest.split("/")
    end = _end([unquote(segment) for segment in segments]) if area == "prompts" else len(segments) - 1
    if "/" in unquote(segments[0]):
        end = 1
    name = quote(unquote("/".join(segments[:end])), safe="")
    tail = segments[end:]
    # Only the path of an asset has slashes of its own, and bytes that need not be UTF-8.
    is_asset = tail[:1] == ["assets"]
    below = [unquote(segment, errors="surrogateescape") if is_asset else _one(segment) for segment in tail]
    return "/".join([prefix, area, name, *below])


def _end(segments: list[str]) -> int:
    """Find where the name ends and the route below it begins."""
    for index in range(1, len(segments)):
        word = segments[index]
        if word in WORDS and (word in _LONGER or index == len(segments) - 1):
            return index
    return len(segments)


def _one(segment: str) -> str:
    # A slash inside stays encoded: otherwise an alias could name the route below it.
    return unquote(segment).replace("/", "%2F")
