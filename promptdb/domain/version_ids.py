"""Ids that the same history produces everywhere: UUIDv5 (RFC 9562, section 5.5)."""

from uuid import UUID, uuid5

from promptdb.domain.digest import Digest
from promptdb.domain.prompt_id import PromptId

_PROMPTS = UUID("6f0a5c0e-3f0b-5d3c-9a65-0d5f3f2b7c11")
"""The UUID namespace of all ids. A change would give every version another id."""


def prompt_id(prompt: PromptId, generation: int = 0) -> UUID:
    """Derive the id of a prompt from the name that it is first recorded under.

    `generation` counts the earlier prompts of this name. They were renamed and keep their ids.
    """
    return uuid5(_PROMPTS, f"{prompt}#{generation}" if generation else str(prompt))


def version_id(prompt: UUID, revision: int, digest: Digest) -> UUID:
    return uuid5(prompt, f"{revision}:{digest}")
