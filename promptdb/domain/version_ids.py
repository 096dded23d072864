"""Ids that the same history produces everywhere: UUIDv5 (RFC 9562, section 5.5)."""

from collections.abc import Iterator
from uuid import UUID, uuid5

from promptdb.domain.digest import Digest
from promptdb.domain.prompt_id import PromptId

_PROMPTS = UUID("6f0a5c0e-3f0b-5d3c-9a65-0d5f3f2b7c11")
"""The UUID namespace of all ids. A change would give every version another id."""

_GENERATIONS = 64
"""More than the times that a name passes from one prompt to a new one."""


def prompt_id(prompt: PromptId, generation: int = 0) -> UUID:
    """Derive the id of a prompt from the name that it is first recorded under.

    `generation` counts the earlier prompts of this name. They were renamed and keep their ids.
    """
    return uuid5(_PROMPTS, f"{prompt}#{generation}" if generation else str(prompt))


def is_first_name(prompt: PromptId, key: UUID) -> bool:
    """Check if a prompt of this id can have been first recorded under a name."""
    return any(key == candidate for candidate in ids_of(prompt))


def ids_of(prompt: PromptId) -> Iterator[UUID]:
    """Yield the ids of the prompts that can have been first recorded under a name."""
    return (prompt_id(prompt, generation) for generation in range(_GENERATIONS))


def version_id(prompt: UUID, revision: int, digest: Digest) -> UUID:
    return uuid5(prompt, f"{revision}:{digest}")
