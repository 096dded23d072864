"""The prompts that a client keeps, and how long each may be served."""

from dataclasses import dataclass
from math import inf
from time import monotonic

from promptdb.domain.delivery import Reason
from promptdb.domain.prompt_id import DEFAULT_NAMESPACE, PromptId
from promptdb.domain.refs import LATEST, PromptRef
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
    """An answer of the source.

    The forms that lookups get are made at the first of them, since most prompts of a preload are not used soon.
    """

    ref: PromptRef
    stored: StoredVersion
    source: str
    lease: Lease
    read_at: float
    cached: ResolvedPrompt | None = None
    _stale: ResolvedPrompt | None = None

    def first(self) -> ResolvedPrompt:
        """Return the answer as the source just gave it. Errors as in `resolved`."""
        return self._with(Reason.STATIC)

    def again(self) -> ResolvedPrompt:
        """Return the answer as one from memory."""
        if self.cached is None:
            self.cached = self._with(Reason.CACHED)
        return self.cached

    def late(self) -> ResolvedPrompt:
        """Return the answer as one that the source has not confirmed in time."""
        if self._stale is None:
            self._stale = self._with(Reason.STALE)
        return self._stale

    def _with(self, reason: Reason) -> ResolvedPrompt:
        age = None if self.lease is FOR_GOOD else self.age
        return resolved(self.ref.text, self.stored, self.source, reason, age)

    def age(self) -> float:
        """Count the seconds since the source confirmed the answer. Zero if it can never change."""
        return 0.0 if self.lease is FOR_GOOD else monotonic() - max(self.read_at, self.lease.confirmed_at)

    def replaced(self) -> None:
        """Let the answer grow old from now on, for callers that still hold it."""
        self.lease = Lease(self.lease.confirmed_at)


def keep(ref: PromptRef, stored: StoredVersion, source: str, lease: Lease, read_at: float) -> Kept:
    """Keep an answer: for good if it can never change, otherwise for as long as the lease says."""
    return Kept(ref, stored, source, FOR_GOOD if ref.is_pinned else lease, read_at)


def texts_of(prompt: PromptId, alias: str) -> list[str]:
    """List the references that name the version of an alias, or of `latest`, which is also that without a selector."""
    names = [f"{prompt.namespace}/{prompt.name}"]
    if prompt.namespace == DEFAULT_NAMESPACE:
        names.append(prompt.name)
    return [f"{name}:{alias}" for name in names] + (names if alias == LATEST else [])
