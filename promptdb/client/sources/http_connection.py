"""Requests to the HTTP API, with the token, within limits of time and size, and never to another address."""

import json
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from time import monotonic
from typing import Any, Self
from urllib.parse import urlencode
from uuid import uuid4
from weakref import WeakSet

from pydantic import SecretStr
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3.exceptions import HTTPError, ProtocolError

from promptdb.domain.json_fields import Wrong
from promptdb.domain.server_address import parse_server_address
from promptdb.domain.wire.problem import MEDIA_TYPE, error_of
from promptdb.errors import (
    AssetNotFound,
    Conflict,
    Forbidden,
    IntegrityFailure,
    InvalidPrompts,
    InvalidRef,
    PromptDBError,
    PromptNotFound,
    StorageError,
    Unauthorized,
    VersionNotFound,
)
from promptdb.tls import verifying_context
from promptdb.version import VERSION
from promptdb.web import failure_reason

CONNECT, ANSWER = 2.0, 4.0
"""Seconds for a connection, and for an answer. Together they are less than `PromptClient.wait_ready` waits."""

MANY = 30.0
"""Seconds for the answer to a request for many versions."""

MAX_ANSWER = 256 * 1024**2
"""Bytes."""

MAX_PAUSE = 300.0
"""The most seconds for which a server may ask not to be asked."""

_PART = 256 * 1024
_MEANT_FOR_CALLERS = (
    PromptNotFound,
    VersionNotFound,
    AssetNotFound,
    InvalidRef,
    InvalidPrompts,
    IntegrityFailure,
    Conflict,
)
"""Errors that say something about the prompt. Others say that the server fails, or that there is no such path."""


@dataclass(frozen=True)
class Address:
    """A server, and what its clients need. `name` and `root`, the address of the API, are for messages."""

    name: str
    root: str
    host: str
    port: int | None
    path: str
    token: SecretStr | None
    context: ssl.SSLContext | None

    @classmethod
    def of(cls, url: str, prefix: str, token: SecretStr | None) -> Self:
        """Read the settings of a client, which have checked the URL.

        Raises:
            ConfigError: SSL_CERT_FILE has no certificates.
        """
        parts = parse_server_address(url)
        context = verifying_context() if parts.scheme == "https" else None
        return cls(url, url + prefix, parts.hostname or "", parts.port, parts.path.rstrip("/") + prefix, token, context)


class Connection:
    """Connections to one server, for any number of threads. They are direct: no variable can name a proxy."""

    def __init__(self, server: Address, sockets: int) -> None:
        """Keep up to `sockets` connections open."""
        self.name = server.name
        self._path, self._root = server.path, server.root
        self._token = server.token
        self._open: WeakSet[socket.socket] = WeakSet()
        self._is_closed = False
        self._busy_until, self._busy = -inf, ""
        self._pool = (
            HTTPSConnectionPool(server.host, server.port, maxsize=sockets, ssl_context=server.context)
            if server.context is not None
            else HTTPConnectionPool(server.host, server.port, maxsize=sockets)
        )
        self._pool.ConnectionCls = self._noting(self._pool.ConnectionCls)

    def _noting(self, kind: Any) -> Any:
        """Make a class of connections whose sockets another thread can shut down."""

        def connect(connection: Any) -> None:
            kind.connect(connection)
            self._open.add(connection.sock)
            if self._is_closed:
                _shut_down(connection.sock)

        return type(kind.__name__, (kind,), {"connect": connect})

    def close(self) -> None:
        """End all requests, also those of other threads."""
        self._is_closed = True
        for one in list(self._open):
            _shut_down(one)
        self._pool.close()

    def get(self, path: str, query: Mapping[str, Any] | None = None, seconds: float | None = None) -> Any:
        """Get the JSON data at a path of the API.

        Args:
            path: below the prefix, already encoded.
            query: None values are left out.
            seconds: the longest time to the end of the answer, by default `ANSWER`.

        Raises:
            NotFound, InvalidRef, InvalidPrompts, IntegrityFailure: the server says so.
            Forbidden: the token may not read this.
            Unauthorized: the server does not accept the token, or needs one.
            StorageError: there is no answer in time, or it is not one of the API.
        """
        seconds = ANSWER if seconds is None else seconds
        deadline = monotonic() + CONNECT + seconds
        return self._data(self.opened("GET", path, query, seconds=seconds), deadline)

    def post(self, path: str, body: Any, seconds: float = MANY) -> Any:
        """Send JSON data. Errors as in `get`."""
        deadline = monotonic() + CONNECT + seconds
        return self._data(self.opened("POST", path, body=json.dumps(body).encode(), seconds=seconds), deadline)

    def change(self, method: str, path: str, body: Any) -> Any:
        """Send JSON data that changes something once, also if the request has to be repeated. Errors as in `get`, and:

        Raises:
            Conflict: the server refuses the change.
        """
        deadline = monotonic() + CONNECT + MANY
        data, once = json.dumps(body).encode(), {"Idempotency-Key": str(uuid4())}
        return self._data(self.opened(method, path, body=data, seconds=MANY, headers=once), deadline)

    def opened(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        *,
        body: bytes | None = None,
        seconds: float,
        accept: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> BaseHTTPResponse:
        """Send a request, and return the answer before its body. Close it. Errors as in `get`."""
        if monotonic() < self._busy_until:
            raise StorageError(self._busy, "the server asked for a pause")
        given = {key: value for key, value in (query or {}).items() if value is not None}
        target = f"{self._path}{path}{'?' if given else ''}{urlencode(given)}"
        try:
            more = {"Accept": f"{accept}, {MEDIA_TYPE}", **(headers or {})}
            answer = self._sent(method, target, body, Timeout(connect=CONNECT, read=seconds), more)
            if answer.status in (200, 201):
                return answer
            with answer:
                # A few bytes say what is wrong.
                data = answer.read1(_PART, decode_content=False)
        except HTTPError as error:
            raise self.failure(error) from error
        raise self._refusal(answer, data)

    def failure(self, error: HTTPError) -> StorageError:
        """Make the error of a request without an answer, or with half of one."""
        return StorageError(
            f"cannot read from {self.name}: {failure_reason(error)}", "check PROMPTDB_URL and the network"
        )

    def broken(self, reason: str) -> StorageError:
        """Make the error of an answer that is not one of the API."""
        return StorageError(f"{self.name} gave a wrong answer: {reason}", "is PROMPTDB_URL right?")

    def _sent(
        self, method: str, target: str, body: bytes | None, timeout: Timeout, more: Mapping[str, str]
    ) -> BaseHTTPResponse:
        headers = {
            **more,
            # Not compressed: a few bytes could become more than the limit.
            "Accept-Encoding": "identity",
            "Cache-Control": "no-cache",
            "User-Agent": f"promptdb/{VERSION}",
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token.get_secret_value()}"
        for is_last in (False, True):
            try:
                return self._pool.urlopen(
                    method,
                    target,
                    body=body,
                    headers=headers,
                    # The token must not go to another address.
                    redirect=False,
                    retries=False,
                    timeout=timeout,
                    preload_content=False,
                )
            except ProtocolError:
                # The server may have closed a connection that was kept. A request that changes something has a key.
                if is_last or self._is_closed:
                    raise
        raise AssertionError

    def _data(self, answer: BaseHTTPResponse, deadline: float) -> Any:
        with answer:
            kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            if kind != "application/json" or answer.headers.get("Content-Encoding", "identity") != "identity":
                raise self.broken(f"it is {kind or 'of no type'!r} instead of JSON")
            data = self._whole(answer, deadline)
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            raise self.broken("it is not valid JSON") from None

    def _whole(self, answer: BaseHTTPResponse, deadline: float) -> bytes:
        data = bytearray()
        try:
            # One call may wait for many small parts of a slow server: `read1` returns what there is.
            while part := answer.read1(_PART, decode_content=False):
                data += part
                if len(data) > MAX_ANSWER:
                    raise self.broken(f"it has more than {MAX_ANSWER // 2**20} MiB")
                if monotonic() > deadline:
                    raise StorageError(f"the answer of {self.name} takes too long", "check the network")
        except HTTPError as error:
            raise self.failure(error) from error
        return bytes(data)

    def _refusal(self, answer: BaseHTTPResponse, data: bytes) -> PromptDBError:
        status = answer.status
        said = _problem(data)
        if status == 401:
            what = "it needs a token" if self._token is None else "it does not accept the token"
            return Unauthorized(f"{self.name} answers 401: {what}", "set PROMPTDB_TOKEN to a valid token")
        if status == 403:
            reason = said.message if said is not None else "it refuses this request"
            remedy = "set PROMPTDB_TOKEN to a token that may read this"
            return Forbidden(f"{self.name} answers 403: {reason}", (said.hint if said is not None else None) or remedy)
        if said is not None and isinstance(said, _MEANT_FOR_CALLERS):
            return said
        if 300 <= status < 400:
            return StorageError(f"{self.name} leads to another address", "set PROMPTDB_URL to the address it leads to")
        if status == 404:
            return StorageError(f"there is no API at {self._root}", "are PROMPTDB_URL and PROMPTDB_API_PREFIX right?")
        message = f"{self.name} answers {status}" + (f": {said.message}" if said is not None else "")
        pause = answer.headers.get("Retry-After", "")
        if pause.isascii() and pause.isdigit() and status in (429, 503):
            self._busy_until, self._busy = monotonic() + min(float(pause), MAX_PAUSE), message
        hint = "it limits requests; the client asks again" if status == 429 else "see the log of the server"
        return StorageError(message, (said.hint if said is not None else None) or hint)


def _problem(data: bytes) -> PromptDBError | None:
    """Read the error in an answer, or None if it has none."""
    try:
        return error_of(json.loads(data))
    except (ValueError, RecursionError, Wrong):
        return None


def _shut_down(one: socket.socket) -> None:
    # Not the method of a TLS socket: the thread that reads from it still needs its state.
    with suppress(OSError):
        socket.socket.shutdown(one, socket.SHUT_RDWR)
