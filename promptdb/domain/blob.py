"""Bytes under their digest, and the keys that stores keep them by."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from io import BytesIO
from typing import BinaryIO, Self

from promptdb.domain.digest import Digest, digest_of

CHUNK = 1024 * 1024
"""Bytes at a time, so that memory does not grow with a blob."""

_KEY = re.compile(r"sha256/([0-9a-f]{2})/(\1[0-9a-f]{62})")


@dataclass(frozen=True)
class Blob:
    """Bytes to store under their digest. `open` gives them when their turn comes, so that not all are in memory at once.

    A store may call it in threads of its own, for several blobs at the same time.
    """

    digest: Digest
    size: int
    open: Callable[[], BinaryIO]

    @classmethod
    def of(cls, data: bytes) -> Self:
        return cls(digest_of(data), len(data), partial(BytesIO, data))


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A blob as a store lists it: what its key claims, the bytes it has, and when they were written."""

    digest: Digest
    size: int
    modified: datetime


def object_key(digest: Digest) -> str:
    """Make the key of a digest, the same in every store: `sha256/ab/abcd...`."""
    algorithm, _, value = digest.partition(":")
    return f"{algorithm}/{value[:2]}/{value}"


def digest_of_key(key: str) -> Digest | None:
    """Find the digest that has this key; None where it is not the key of a blob."""
    found = _KEY.fullmatch(key)
    return Digest(f"sha256:{found[2]}") if found else None
