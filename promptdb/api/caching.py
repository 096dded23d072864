"""The headers that say what caches may do with an answer (RFC 9111, RFC 5861 and RFC 8246)."""

PINNED = "public, max-age=31536000, immutable"
"""For a reference that always names the same version."""

ALIAS = "max-age=5, stale-while-revalidate=60, stale-if-error=86400"
"""For a reference that another version can take."""

CHECKED = "private, no-cache"
"""For an answer with an ETag that the client asks about each time."""

NEVER = "no-store"


def private(cache_control: str) -> str:
    """Forbid caches that several people share. A cache does not know which prompts the token of a request may read."""
    return f"private, {cache_control.removeprefix('public, ')}"


def names(header: str, etag: str) -> bool:
    """Check if `If-None-Match` names an ETag. A cache on the way may have made it a weak one."""
    return header == etag or any(one.strip().removeprefix("W/") in (etag, "*") for one in header.split(","))
