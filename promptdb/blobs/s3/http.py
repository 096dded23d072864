"""HTTP for the S3 client, with short timeouts and all retries."""

import time
from io import BytesIO
from types import TracebackType
from typing import Any, Self

import urllib3
from urllib3.connectionpool import ConnectionPool
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError, SSLError
from urllib3.exceptions import TimeoutError as TimedOut

from promptdb.tls import verifying_context

# Shorter until the server has responded once: before that, the settings are probably wrong.
_FIRST_PATIENCE = 3.0  # seconds
_CONNECT, _READ, _FIRST_READ = 10.0, 60.0, 10.0  # seconds

# Status codes of failures that may pass. 501 does not, nor does an error in the request.
_BUSY = frozenset({429, 500, 502, 503, 504})

# Bytes sent within one timeout, so that a large body may take longer.
_AT_ONCE = 64 * 1024


class RetryingPool(urllib3.PoolManager):
    """A pool that repeats requests after passing failures: connection, timeout, 429, 5xx.

    All requests are safe to repeat, since each object is written whole and under its digest.

    Args:
        connections: the number to keep open.
        secure: use TLS, verified as `verifying_context` says.
        patience: seconds of retries after the first failure of a request.

    Raises:
        ConfigError: SSL_CERT_FILE has no certificates.
    """

    def __init__(self, connections: int, *, secure: bool, patience: float) -> None:
        more: dict[str, Any] = {"ssl_context": verifying_context()} if secure else {}
        super().__init__(maxsize=connections, blocksize=_AT_ONCE, **more)
        self._patience = patience
        self.has_answered = False

    @property
    def patience(self) -> float:
        return self._patience if self.has_answered else min(_FIRST_PATIENCE, self._patience)

    def urlopen(  # type: ignore[override]  # as the client calls it
        self, method: str, url: str, *, body: bytes | None = None, **options: Any
    ) -> urllib3.BaseHTTPResponse:
        """Send a request, and return the response with any status.

        Raises:
            HTTPError: there was no response in time.
        """
        options["timeout"] = urllib3.Timeout(connect=_CONNECT, read=_READ if self.has_answered else _FIRST_READ)
        retry = _Retry.of(self)
        while True:
            stream = BytesIO(body) if body is not None and len(body) > _AT_ONCE else body
            answer = super().urlopen(method, url, redirect=False, body=stream, retries=retry, **options)
            self.has_answered = True
            if not _is_cut(method, answer):
                return answer
            answer.close()
            retry = retry.increment(method, url, error=ProtocolError("a response ended before its body began"))
            retry.sleep()


class _Retry(urllib3.Retry):
    """Retries until a deadline, and only after passing failures. urllib3 counts attempts."""

    pool: RetryingPool
    deadline: float | None = None

    @classmethod
    def of(cls, pool: RetryingPool) -> Self:
        made = cls(
            total=None,
            allowed_methods=None,
            status_forcelist=_BUSY,
            raise_on_status=False,
            respect_retry_after_header=False,
            backoff_factor=0.1,
            backoff_max=5.0,
            backoff_jitter=0.2,  # so that writers do not all return at once
        )
        made.pool = pool
        return made

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: urllib3.BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: ConnectionPool | None = None,
        _stacktrace: TracebackType | None = None,
    ) -> Self:
        if error is not None and not _passes(error):
            raise error
        if response is not None:
            self.pool.has_answered = True
        following = super().increment(method, url, response, error, _pool, _stacktrace)
        following.pool = self.pool
        following.deadline = self.deadline or time.monotonic() + self.pool.patience
        if time.monotonic() + following.get_backoff_time() > following.deadline:
            # urllib3 passes its pool if there is a response, and then catches this error and returns the response.
            raise error or MaxRetryError(_pool, url)  # type: ignore[arg-type]
        return following


def _passes(error: Exception) -> bool:
    if isinstance(error, SSLError):
        return "EOF" in str(error)  # cut during the handshake; other failures of TLS last
    return isinstance(error, TimedOut | NewConnectionError | ProtocolError)


def _is_cut(method: str, answer: urllib3.BaseHTTPResponse) -> bool:
    """Check for a response that was cut within its headers, which http.client takes for their end.

    Complete headers state the length of the body, or that the connection ends it (RFC 9112, 6.3).
    """
    if method == "HEAD" or answer.status in (204, 304) or answer.version != 11:
        return False
    headers = answer.headers
    closes = headers.get("Connection", "").lower() == "close"
    return not (closes or "Content-Length" in headers or "Transfer-Encoding" in headers)
