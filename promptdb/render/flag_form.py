"""A prompt as a flag of OpenFeature: its key, its value for the attributes of a context, and its metadata.

The words are those of https://openfeature.dev/specification/types.
"""

from collections.abc import Mapping
from typing import Any

from promptdb.render.resolved import ResolvedPrompt

DEFAULT_ALIAS = "production"
"""A key without a selector means what is live, and not `latest`."""

TARGETING_KEY = "targetingKey"


def reference_of(flag_key: str) -> str:
    """Return the reference that a flag's key means."""
    return flag_key if ":" in flag_key else f"{flag_key}:{DEFAULT_ALIAS}"


def split_key(context: Mapping[str, Any]) -> str | None:
    """Take the key of a split from the attributes of a context. As in flagd, an empty one is none."""
    key = context.get(TARGETING_KEY)
    return key if isinstance(key, str) and key else None


def text_value(prompt: ResolvedPrompt, context: Mapping[str, Any]) -> str:
    """Render a prompt as text. Ignores attributes without a variable, because one context goes to all flags.

    Raises:
        MissingVariables, RenderError: as `render_text`.
    """
    return prompt.ignoring_extra().render_text(context)


def object_value(prompt: ResolvedPrompt, context: Mapping[str, Any]) -> dict[str, Any]:
    """Render a prompt as an object with its messages. Otherwise as `text_value`."""
    return {"messages": [message.as_dict() for message in prompt.ignoring_extra().render_messages(context)]}


def variant_of(prompt: ResolvedPrompt) -> str:
    """Return the word for the version: its revision, or its digest if it is not recorded."""
    return prompt.variant or prompt.version.spec_hash


def flag_metadata(prompt: ResolvedPrompt) -> dict[str, str]:
    """Name the prompt, its digest, and its alias and commit if there are any."""
    facts = {
        "prompt": str(prompt.prompt),
        "digest": prompt.version.spec_hash,
        "alias": prompt.alias,
        "commit": prompt.commit_id,
    }
    return {name: fact for name, fact in facts.items() if fact is not None}
