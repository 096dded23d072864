"""The number of files that this process may have open, which limits its connections."""

from contextlib import suppress
from functools import cache

try:
    import resource
except ImportError:  # Windows has no such limit
    resource = None  # type: ignore[assignment]

RESERVED = 200
"""For the database, blobs, and files of Python."""

_WITHOUT_LIMIT = 100_000


def raise_limit() -> None:
    """Allow this process and its children as many files as the system lets them have."""
    if resource is not None:
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        # Some systems say that there is no limit, and then refuse such a number.
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@cache
def most_connections() -> int:
    """Return how many connections leave enough files for everything else."""
    if resource is None:
        return _WITHOUT_LIMIT
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed == resource.RLIM_INFINITY:
        return _WITHOUT_LIMIT
    return max(allowed - RESERVED, allowed // 2)
