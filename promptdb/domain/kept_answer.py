"""Answers to requests that may be repeated: whoever sends the same request again gets the first answer again."""

from dataclasses import dataclass
from datetime import timedelta

KEPT_FOR = timedelta(hours=24)
MAX_KEY = 255


@dataclass(frozen=True, slots=True)
class RequestKey:
    """The key of a request that may be repeated.

    Attributes:
        token_id: the token that sent it, or 0. Each token has keys of its own.
        key: the text that the client chose.
        fingerprint: a digest of the request, to find another request with the same key.
    """

    token_id: int
    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer: its status, its ETag if it has one, and its JSON. `fingerprint` is that of the request that it answered."""

    status: int
    etag: str | None
    body: str
    fingerprint: str | None = None
