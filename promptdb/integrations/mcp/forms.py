"""Prompts and messages in the forms of MCP.

MCP has the roles user and assistant. Any other role becomes user, and the content names the original in `_meta`.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from mcp_types import (
    ContentBlock,
    GetPromptResult,
    ImageContent,
    Prompt,
    PromptArgument,
    PromptMessage,
    ResourceLink,
    TextContent,
)

from promptdb.integrations.mcp.arguments import description_of
from promptdb.render.messages import RenderedMessage
from promptdb.render.providers.parts import image_source
from promptdb.render.resolved import ResolvedPrompt

_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+);base64,(.*)", re.DOTALL)


def listed(prompt: ResolvedPrompt) -> Prompt:
    """Describe a prompt with its arguments."""
    metadata = prompt.spec.metadata
    arguments = [
        PromptArgument(name=name, description=description_of(variable), required=variable.required)
        for name, variable in prompt.variables.items()
    ]
    return Prompt(
        name=str(prompt.prompt),
        title=metadata.title,
        description=metadata.description,
        arguments=arguments,
        _meta=_facts(prompt),
    )


def rendered(prompt: ResolvedPrompt, messages: list[RenderedMessage]) -> GetPromptResult:
    """Give the messages of a rendered prompt. Each part of a content becomes a message."""
    return GetPromptResult(
        description=prompt.spec.metadata.description,
        messages=[made for message in messages for made in _messages(message)],
        _meta=_facts(prompt),
    )


def _facts(prompt: ResolvedPrompt) -> dict[str, Any]:
    facts = {"revision": prompt.version.revision, "digest": prompt.version.spec_hash, "alias": prompt.alias}
    return {f"promptdb/{key}": value for key, value in facts.items()}


def _messages(message: RenderedMessage) -> Iterator[PromptMessage]:
    role = "assistant" if message.role == "ai" else "user"
    # The fields that MCP has no place for.
    lost = {key: value for key, value in message.as_dict().items() if key not in ("role", "content")}
    if message.role not in ("ai", "human"):
        lost["role"] = message.role
    meta = {f"promptdb/{key}": value for key, value in lost.items()} or None
    parts = [message.content] if isinstance(message.content, str) else message.content
    for part in parts or [""]:
        yield PromptMessage(role=role, content=_content(part, meta))


def _content(part: Any, meta: dict[str, Any] | None) -> ContentBlock:
    if isinstance(part, str):
        return TextContent(text=part, _meta=meta)
    if (url := image_source(part)) is not None:
        if (found := _DATA_URL.fullmatch(url)) is not None:
            return ImageContent(data=found[2], mime_type=found[1], _meta=meta)
        return ResourceLink(name="image", uri=url, _meta=meta)
    if isinstance(text := part.get("text"), str):
        return TextContent(text=text, _meta=meta)
    # A part in a form of a provider. Whoever reads the prompt sees it instead of missing it.
    return TextContent(text=json.dumps(part, ensure_ascii=False), _meta=meta)
