"""The prompts that a client keeps, and how long each may be served."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from time import monotonic

from promptdb.domain.delivery import Origin, Reason
from promptdb.domain.prompt_id import DEFAULT_NAMESPACE, PromptId
from promptdb.domain.refs import LATEST, ByLabel, Latest, PromptRef
from promptdb.domain.views import StoredVersion
from promptdb.render.resolved import PromptMaker, ResolvedPrompt, resolved

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

    The forms that lookups get are made at the first of them, since most prompts of a preload are not used soon. `is_late` is
    that of its origin: the source has not confirmed it, however fresh the other answers are.
    """

    ref: PromptRef
    stored: StoredVersion
    source: str
    lease: Lease
    read_at: float
    make: PromptMaker = ResolvedPrompt
    is_late: bool = False
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
        return resolved(self.ref.text, self.stored, self.source, reason, age, self.make)

    def age(self) -> float:
        """Count the seconds since the source confirmed the answer. Zero if it can never change."""
        return 0.0 if self.lease is FOR_GOOD else monotonic() - max(self.read_at, self.lease.confirmed_at)

    def is_another_than(self, before: "Kept") -> bool:
        """Compare versions. With each commit of a checkout its files have another commit, but not another version."""
        one, other = self.stored.view, before.stored.view
        return (one.prompt, one.revision, one.spec_hash) != (other.prompt, other.revision, other.spec_hash)

    def replaced(self) -> None:
        """Let the answer grow old from now on, for callers that still hold it."""
        self.lease = Lease(self.lease.confirmed_at)


def keep(ref: PromptRef, stored: StoredVersion, source: Origin, lease: Lease, make: PromptMaker) -> Kept:
    """Keep an answer: for good if it can never change, otherwise for as long as the lease says.

    Args:
        source: where the answer came from, unless it says so itself.
        lease: that of all answers that can change.
        make: makes the prompts that lookups get.
    """
    origin = stored.origin or source
    if ref.is_pinned:
        return Kept(ref, stored, origin.source, FOR_GOOD, -inf, make)
    if origin.is_late:
        return Kept(ref, stored, origin.source, Lease(lease.confirmed_at), -inf, make, is_late=True)
    # An answer at hand is as old as the last look at the place that it came from.
    return Kept(ref, stored, origin.source, lease, -inf if origin.is_at_hand else monotonic(), make)


def refs_of(found: Iterable[StoredVersion], alias: str) -> list[tuple[PromptRef, StoredVersion]]:
    """List the references that name the versions of an alias, or of `latest`."""
    selector = Latest() if alias == LATEST else ByLabel(alias)
    return [
        (PromptRef(stored.view.prompt, selector, text), stored)
        for stored in found
        for text in _texts_of(stored.view.prompt, alias)
    ]


def _texts_of(prompt: PromptId, alias: str) -> list[str]:
    """List the references that name the version of an alias, or of `latest`, which is also that without a selector."""
    names = [f"{prompt.namespace}/{prompt.name}"]
    if prompt.namespace == DEFAULT_NAMESPACE:
        names.append(prompt.name)
    return [f"{name}:{alias}" for name in names] + (names if alias == LATEST else [])
