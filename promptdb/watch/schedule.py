"""When to look at the files. A state machine on times it is given, so that no test has to wait."""

from dataclasses import dataclass

QUIET = 0.2
"""Seconds without an event before a look: an editor or git is done by then."""

PATIENCE = 2.0
"""Seconds from the first event to a look, however many more come."""

PAUSE = 0.25
"""Seconds to the next attempt while something is in the way that ends soon, such as git's lock."""

MAX_PAUSE = 30.0
"""Seconds between two attempts, when the earlier ones failed."""


@dataclass
class Schedule:
    """Times are seconds of one monotonic clock. `interval` is the time between two checks for changes no event told."""

    interval: float
    _first: float | None = None
    _latest: float = 0.0
    _retry: float | None = None
    _next_check: float = 0.0
    _failures: int = 0

    def hint(self, now: float) -> None:
        """Something may have changed."""
        self._first = now if self._first is None else self._first
        self._latest = max(self._latest, now)

    @property
    def is_pending(self) -> bool:
        return self._first is not None or self._retry is not None

    def is_due(self, now: float) -> bool:
        """Whether to look at the files."""
        return self.is_pending and now >= self._due

    def is_check_due(self, now: float) -> bool:
        """Whether to see if they changed without an event; never while a look is to come anyway."""
        return not self.is_pending and now >= self._next_check

    def wait(self, now: float) -> float:
        """Seconds until one of the two is due, unless a hint comes before."""
        return max(0.0, (self._due if self.is_pending else self._next_check) - now)

    def begin(self) -> None:
        """A look begins: it answers all hints up to here."""
        self._first = self._retry = None

    def checked(self, now: float) -> None:
        self._next_check = now + self.interval

    def succeeded(self, now: float) -> None:
        self._failures = 0
        self.checked(now)

    def postponed(self, now: float) -> None:
        """The look could not be taken yet."""
        self._retry = now + PAUSE

    def failed(self, now: float) -> None:
        """It failed: the next attempt is after 1, 2, 4 ... seconds, or after the next hint."""
        self._retry = now + min(2.0**self._failures, MAX_PAUSE)
        self._failures = min(self._failures + 1, 10)

    @property
    def _due(self) -> float:
        times = [] if self._retry is None else [self._retry]
        if self._first is not None:
            times.append(min(self._latest + QUIET, self._first + PATIENCE))
        return min(times)
