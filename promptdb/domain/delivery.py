"""The way of a prompt to its caller, and the changes since a client last asked."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from promptdb.domain.prompt_id import PromptId


class Reason(StrEnum):
    """Why a lookup gave this version. The words are those of OpenFeature (https://openfeature.dev/specification/types)."""

    STATIC = "STATIC"
    """The source answered this call."""

    CACHED = "CACHED"
    """The client had it, and the source confirmed it within the time to live, or it can never change."""

    SPLIT = "SPLIT"
    """The alias has a traffic split, and the key of this call decided. The source may have answered, or the client had it."""

    STALE = "STALE"
    """The client had it, but the source has not confirmed it for longer than the time to live."""

    DEFAULT = "DEFAULT"
    """The caller's own fallback."""


class Status(StrEnum):
    """The state of a client, as flagd's providers have it (https://flagd.dev/reference/specifications/providers)."""

    NOT_READY = "NOT_READY"
    """The source has not answered yet."""

    READY = "READY"
    """The last answer of the source is recent."""

    STALE = "STALE"
    """The source fails. Prompts that were looked up before are still served."""

    ERROR = "ERROR"
    """The source fails, and there is nothing to serve."""


@dataclass(frozen=True, slots=True)
class Generation:
    """A state of one registry. `number` grows with each transaction that changes a prompt or an alias."""

    registry: UUID
    number: int


@dataclass(frozen=True, slots=True)
class Origin:
    """The source in a chain that gave an answer.

    `is_at_hand` is that of the source. `is_late`: another source in the chain has given a newer state before.
    """

    source: str
    is_at_hand: bool
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class Changes:
    """The prompts that changed since an earlier generation; None means that any prompt may have changed.

    A source without generations has None for `generation`. `origin` is set by a chain: the source that confirms all others.
    """

    generation: Generation | None = None
    prompts: frozenset[PromptId] | None = None
    origin: Origin | None = None

    def concern(self, prompt: PromptId) -> bool:
        return self.prompts is None or prompt in self.prompts


@dataclass(frozen=True, slots=True)
class ClientChange:
    """News for the application: the client's status, and the references that give another version now."""

    status: Status
    refs: tuple[str, ...] = ()
