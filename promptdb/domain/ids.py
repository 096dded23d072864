"""Version ids that the same history gives everywhere: UUIDv5 (RFC 9562, section 5.5)."""

from uuid import UUID, uuid5

from promptdb.domain.digest import Digest
from promptdb.domain.identity import PromptId

_PROMPTS = UUID("6f0a5c0e-3f0b-5d3c-9a65-0d5f3f2b7c11")
"""The namespace all promptdb ids are under. Changing it would re-identify every version."""


def prompt_id(prompt: PromptId, generation: int = 0) -> UUID:
    """The id of a prompt, by the name it is first recorded under.

    `generation` counts the prompts that had this name before and were renamed away: they keep their ids.
    """
    return uuid5(_PROMPTS, f"{prompt}#{generation}" if generation else str(prompt))


def version_id(prompt: UUID, revision: int, digest: Digest) -> UUID:
    return uuid5(prompt, f"{revision}:{digest}")
