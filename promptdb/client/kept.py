"""The prompts that a client keeps, and how long each may be served."""

from dataclasses import dataclass, field, replace
from math import inf
from time import monotonic

from promptdb.domain.delivery import Reason
from promptdb.domain.refs import PromptRef
from promptdb.domain.views import StoredVersion
from promptdb.render.resolved import ResolvedPrompt, resolved

MAX_KEPT = 10_000
"""The most references that one client keeps. The one that was kept first makes room."""


@dataclass(slots=True)
class Lease:
    """When the source last confirmed an answer, and until when it counts as fresh, in seconds of the monotonic clock.

    All answers that can change share one lease, because a source confirms all of them at once.
    """

    confirmed_at: float = -inf
    until: float = -inf


FOR_GOOD = Lease(-inf, inf)
"""The lease of answers that can never change."""


@dataclass(slots=True)
class Kept:
    """An answer of the source in the forms that later calls get. They are made once, so that `get` makes nothing."""

    ref: PromptRef
    stored: StoredVersion
    lease: Lease
    read_at: float
    fresh: ResolvedPrompt = field(init=False)
    cached: ResolvedPrompt = field(init=False)
    stale: ResolvedPrompt = field(init=False)

    def age(self) -> float:
        return monotonic() - max(self.read_at, self.lease.confirmed_at)

    def replaced(self) -> None:
        """Let the answer grow old from now on, for callers that still hold it."""
        self.lease = Lease(self.lease.confirmed_at)


def keep(ref: PromptRef, stored: StoredVersion, source: str, lease: Lease) -> Kept:
    """Make the forms of an answer. Errors as in `resolved`."""
    kept = Kept(ref, stored, FOR_GOOD if ref.is_pinned else lease, monotonic())
    kept.fresh = replace(resolved(ref.text, stored, source), _age=None if ref.is_pinned else kept.age)
    kept.cached = replace(kept.fresh, reason=Reason.CACHED)
    kept.stale = replace(kept.fresh, reason=Reason.STALE)
    return kept


def with_room(kept: dict[str, Kept]) -> dict[str, Kept]:
    """Drop what was kept first, if there is too much."""
    return dict(list(kept.items())[len(kept) - MAX_KEPT :]) if len(kept) > MAX_KEPT else kept
