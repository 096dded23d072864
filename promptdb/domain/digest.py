"""The identity of content: canonical JSON and SHA-256.

Scheme 1. Canonical JSON has object keys sorted by code point and no white space. It is UTF-8 and escapes only what JSON
requires (`"`, `\\`, and U+0000 to U+001F), with the short escapes where they exist. Integers have all their digits. A float
without a fraction, up to 2**53, is written as an integer. Other floats have the fewest digits that read back the same, as
`repr` does. This differs from RFC 8785 in three points: integers beyond 2**53, the exponents of very large and very small
floats, and the order of keys outside the Basic Multilingual Plane.

A field added to the spec later appears in the canonical JSON only if a prompt sets it, so that earlier digests stay valid.
"""

import hashlib
import json
import re
from typing import Any, NewType

from promptdb.errors import IntegrityFailure

SCHEME = 1
Digest = NewType("Digest", str)
"""`sha256:` and 64 lower-case hex digits."""

SHORT_DIGEST = len("sha256:") + 8
"""The characters of a digest that people read."""

_EXACT = 2**53
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_encode = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def canonical_json(value: Any) -> bytes:
    """Encode JSON data after `normalized` has treated its floats.

    Raises:
        ValueError: the data has NaN, infinity, or text with a lone surrogate.
    """
    return _encode(value).encode()


def normalized(value: Any) -> Any:
    """Write `1.0` as `1`, because JSON has one kind of number, and sort keys as stored specs have them.

    This makes a prompt render from its file exactly as it does from the registry.
    """
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) <= _EXACT else value
    if isinstance(value, dict):
        return {key: normalized(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [normalized(item) for item in value]
    return value


def digest_of(data: bytes) -> Digest:
    return Digest("sha256:" + hashlib.sha256(data).hexdigest())


def parse_digest(text: str) -> Digest:
    """Check a digest from outside the process.

    Raises:
        IntegrityFailure: the text is not a full digest.
    """
    if not _DIGEST.fullmatch(text):
        raise IntegrityFailure(f"{text[:80]!r} is not a sha256 digest")
    return Digest(text)
