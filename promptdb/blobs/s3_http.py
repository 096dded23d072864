"""HTTP as the S3 client uses it: short timeouts, and the only place where a request is made again."""

import os
import random
import ssl
import time
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import certifi
import urllib3
from urllib3.exceptions import HTTPError, NewConnectionError, ProtocolError, SSLError
from urllib3.exceptions import TimeoutError as TimedOut

from promptdb.errors import ConfigError

PATIENCE = 30.0
"""Seconds after the first failure of a request in which it is made again."""

_FIRST_PATIENCE = 3.0
"""The same while nothing was ever answered: then it is rather the settings that are wrong."""

_CONNECT, _READ, _FIRST_READ = 10.0, 60.0, 10.0
"""Seconds; the last while nothing was ever answered."""

_FIRST_DELAY, _LONGEST_DELAY = 0.1, 5.0

_BUSY = frozenset({429, 500, 502, 503, 504})
"""Status codes that pass. 501, and what is wrong with a request, do not."""

_AT_ONCE = 64 * 1024
"""Bytes that one timeout covers, so that a large body may take longer."""


class RetryingPool(urllib3.PoolManager):
    """Makes a request again that failed for a reason which passes: connection, timeout, 5xx, 429.

    Whatever S3 is asked for may be asked twice: an object is written whole, under the digest of its bytes.

    Args:
        connections: that are kept open.
        secure: whether they are TLS, verified by SSL_CERT_FILE if that is set, else by the system's and certifi's authorities.
        patience: seconds to wait, all in all, before an error is told.

    Raises:
        ConfigError: SSL_CERT_FILE names no file of certificates.
    """

    def __init__(self, connections: int, *, secure: bool, patience: float = PATIENCE) -> None:
        more: dict[str, Any] = {"ssl_context": _verifying()} if secure else {}
        timeout = urllib3.Timeout(connect=_CONNECT, read=_READ)
        super().__init__(maxsize=connections, block=False, retries=False, timeout=timeout, blocksize=_AT_ONCE, **more)
        self._patience = patience
        self._has_answered = False

    def urlopen(  # type: ignore[override]  # as the client calls it
        self, method: str, url: str, *, body: bytes | None = None, **options: Any
    ) -> urllib3.BaseHTTPResponse:
        """The answer, an unfavourable one too.

        Raises:
            HTTPError: there was none, in the time that patience allows.
        """
        deadline: float | None = None
        for delay in _delays():
            failure: HTTPError | None = None
            if not self._has_answered:
                options["timeout"] = urllib3.Timeout(connect=_CONNECT, read=_FIRST_READ)
            try:
                stream = BytesIO(body) if body is not None and len(body) > _AT_ONCE else body
                answer = super().urlopen(method, url, redirect=False, body=stream, **options)
                self._has_answered = True
                if _is_cut(method, answer):
                    answer.close()
                    raise ProtocolError("an answer ended before its body began")
                if answer.status not in _BUSY:
                    return answer
            except HTTPError as error:
                if not _passes(error):
                    raise
                failure = error
            if deadline is None:
                patience = self._patience if self._has_answered else min(_FIRST_PATIENCE, self._patience)
                deadline = time.monotonic() + patience
            left = deadline - time.monotonic()
            if left <= 0 and failure is not None:
                raise failure
            if left <= 0:
                return answer
            if failure is None:
                answer.drain_conn()
                answer.release_conn()
            time.sleep(min(delay, left))
        raise AssertionError("delays have no end")


def _passes(error: HTTPError) -> bool:
    if isinstance(error, SSLError):
        return "EOF" in str(error)  # cut during the handshake; certificates and protocols stay what they are
    return isinstance(error, TimedOut | NewConnectionError | ProtocolError)


def _is_cut(method: str, answer: urllib3.BaseHTTPResponse) -> bool:
    """Whether the connection was cut between the lines of the headers, which looks like their end.

    They say how long the body is, or that it ends with the connection (RFC 9112, 6.3).
    """
    if method == "HEAD" or answer.status in (204, 304) or answer.version != 11:
        return False
    headers = answer.headers
    closes = headers.get("Connection", "").lower() == "close"
    return not (closes or "Content-Length" in headers or "Transfer-Encoding" in headers)


def _delays() -> Iterator[float]:
    """Twice as long each time, shaken so that writers do not come back all at once."""
    delay = _FIRST_DELAY
    while True:
        yield delay * random.uniform(0.5, 1.5)  # noqa: S311
        delay = min(2 * delay, _LONGEST_DELAY)


def _verifying() -> ssl.SSLContext:
    file = os.environ.get("SSL_CERT_FILE")
    try:
        context = ssl.create_default_context(cafile=file)
    except OSError as error:
        raise ConfigError(f"SSL_CERT_FILE: {file} has no certificates", "name a file in PEM format") from error
    if file is None:
        context.load_verify_locations(certifi.where())
    return context
