"""The schedule of looks: a state machine that receives all times, so that tests do not wait."""

from dataclasses import dataclass

QUIET = 0.2
"""Seconds without an event before a look. An editor or git is done by then."""

PATIENCE = 2.0
"""The most seconds from the first event to a look, even if events go on."""

PAUSE = 0.25
"""Seconds to the next attempt during a short obstacle, such as git's lock."""

MAX_PAUSE = 30.0
"""The most seconds between two attempts after failures."""


@dataclass
class Schedule:
    """All times are seconds of one monotonic clock. `interval` is the time between two checks without events."""

    interval: float
    _first: float | None = None
    _latest: float = 0.0
    _retry: float | None = None
    _next_check: float = 0.0
    _failures: int = 0

    def hint(self, now: float) -> None:
        """Note that something may have changed."""
        self._first = now if self._first is None else self._first
        self._latest = max(self._latest, now)

    @property
    def is_pending(self) -> bool:
        return self._first is not None or self._retry is not None

    def is_due(self, now: float) -> bool:
        """Check that a look at the files is due."""
        return self.is_pending and now >= self._due

    def is_check_due(self, now: float) -> bool:
        """Check that a check for changes without events is due. It never is while a look is pending."""
        return not self.is_pending and now >= self._next_check

    def wait(self, now: float) -> float:
        """Return the seconds until a look or a check is due, if no hint comes first."""
        return max(0.0, (self._due if self.is_pending else self._next_check) - now)

    def begin(self) -> None:
        """Begin a look, which answers all hints so far."""
        self._first = self._retry = None

    def checked(self, now: float) -> None:
        self._next_check = now + self.interval

    def succeeded(self, now: float) -> None:
        self._failures = 0
        self.checked(now)

    def postponed(self, now: float) -> None:
        """Note that the look has to wait."""
        self._retry = now + PAUSE

    def failed(self, now: float) -> None:
        """Note a failed look. The next attempt comes after 1, 2, 4 ... seconds, or after the next hint."""
        self._retry = now + min(2.0**self._failures, MAX_PAUSE)
        self._failures = min(self._failures + 1, 10)

    @property
    def _due(self) -> float:
        times = [] if self._retry is None else [self._retry]
        if self._first is not None:
            times.append(min(self._latest + QUIET, self._first + PATIENCE))
        return min(times)
