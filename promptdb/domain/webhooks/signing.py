"""Secrets and signatures of Standard Webhooks 1.0.0.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence

SECRET_BYTES = 32
"""The standard wants 24 to 64 random bytes."""

_PREFIX = "whsec_"


def secret_text(key: bytes) -> str:
    """Write a key in the form that receivers are given."""
    return _PREFIX + base64.b64encode(key).decode()


def signed_headers(message_id: str, timestamp: int, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """Make the headers of one attempt.

    Args:
        message_id: the same in each attempt, so that receivers notice a repetition.
        timestamp: of the attempt, in Unix seconds. Receivers refuse an old one.
        body: the bytes that are sent.
        secrets: each of them signs. There are two while receivers change to a new one.
    """
    signed = b".".join([message_id.encode(), str(timestamp).encode(), body])
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(_signature(secret, signed) for secret in secrets),
    }


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
