"""Downloads a file over HTTP, and later only if it has changed (RFC 9110, section 13)."""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

from promptdb.blobs.s3.address import S3Address
from promptdb.blobs.s3.http import RetryingPool
from promptdb.errors import IntegrityFailure, StorageError
from promptdb.web import failure_reason

PATIENCE = 3.0
"""Seconds of retries: a client has what it downloaded before."""

MAX_SECONDS = 60.0
"""The longest download. A server that sends one byte at a time would otherwise hold a client for days."""

_PART = 256 * 1024
_CONDITIONS = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}
_MAX_MARK = 1024

Mark = tuple[str, str]
"""The header that asks for anything but this state of a file, and its value."""


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A whole file. `mark` names its state; None if the server gave it no name."""

    data: bytes
    mark: Mark | None


class HttpFile:
    """A file on a web server.

    Args:
        url: makes the address of each request.
        name: for messages, without keys and signatures.
        limit: the most bytes.
        secure: use TLS.

    Raises:
        ConfigError: SSL_CERT_FILE has no certificates.
    """

    def __init__(self, url: Callable[[], str], name: str, limit: int, *, secure: bool) -> None:
        self._url, self._name, self._limit, self._secure = url, name, limit, secure
        self.after_fork()

    def after_fork(self) -> None:
        """Forget the connections of the parent in a forked child."""
        self._pool = RetryingPool(1, secure=self._secure, patience=PATIENCE)

    def close(self) -> None:
        self._pool.clear()

    def fetch(self, known: Mark | None) -> Downloaded | None:
        """Download the file. Return None if its state is still the known one.

        Raises:
            StorageError: the server does not answer, or not with a file.
            IntegrityFailure: the file is too large.
        """
        deadline = monotonic() + MAX_SECONDS
        # Not compressed: a few bytes could become more than the limit.
        headers = {"Accept-Encoding": "identity", **dict([known] if known else [])}
        try:
            answer = self._pool.request("GET", self._url(), headers=headers, preload_content=False)
            with answer:
                if answer.status == 304 and known is not None:
                    answer.drain_conn()
                    return None
                self._require_file(answer)
                data = self._read(answer, deadline)
        except HTTPError as error:
            raise StorageError(
                f"cannot fetch {self._name}: {failure_reason(error)}", "check the address and the network"
            ) from error
        return Downloaded(data, _mark(answer))

    def _require_file(self, answer: BaseHTTPResponse) -> None:
        status = answer.status
        if status == 200:
            return
        if status in (404, 410):
            raise StorageError(
                f"there is no {self._name}", "check the address; 'promptdb snapshot --publish' writes it"
            )
        if status in (401, 403):
            raise StorageError(
                f"the server refuses access to {self._name}", "check the permissions of the address or its keys"
            )
        if status in (301, 302, 303, 307, 308):
            raise StorageError(f"{self._name} leads to another address", "use the address that it leads to")
        raise StorageError(f"{self._name} was answered with the status {status}", "see the log of the server")

    def _read(self, answer: BaseHTTPResponse, deadline: float) -> bytes:
        data = bytearray()
        # One call may wait for many small parts of a slow server: `read1` returns what there is.
        while part := answer.read1(_PART, decode_content=False):
            data += part
            if len(data) > self._limit:
                raise IntegrityFailure(f"{self._name} has more than {self._limit // 2**20} MiB", "is it a snapshot?")
            if monotonic() > deadline:
                raise StorageError(f"{self._name} took more than {MAX_SECONDS:g} s", "check the network")
        return bytes(data)


def signed_by(address: S3Address, key: str) -> Callable[[], str]:
    """Make the function that signs the address of an object for the next requests."""
    # Slow to import, and of no use for other servers.
    from promptdb.blobs.s3.bucket import Bucket

    bucket = Bucket(address, 1, PATIENCE)
    return lambda: bucket.signed_url(key)


def _mark(answer: BaseHTTPResponse) -> Mark | None:
    for header, condition in _CONDITIONS.items():
        value = answer.headers.get(header, "")
        if value and len(value) <= _MAX_MARK and value.isascii() and value.isprintable():
            return condition, value
    return None
