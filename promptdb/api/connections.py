"""The connections of `promptdb serve`: uvicorn's protocol, with limits on their number and on slow senders."""

import asyncio
import json
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from promptdb.api.open_files import most_connections
from promptdb.domain.wire.problem import MEDIA_TYPE, http_problem

HEADER_SECONDS = 10.0
"""The time in which a request must begin after its connection, and its headers must arrive."""

IDLE_SECONDS = 75
"""The time for which a connection without a request stays open. Load balancers often have 60 seconds."""

MAX_HEADERS = 16 * 1024
"""The most bytes of the headers of a request."""


class Connection(H11Protocol):
    """One connection.

    uvicorn waits without limit for a client that sends nothing, or part of a request.
    """

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > most_connections():
            transport.write(_raw(503, "unavailable", "the server has too many connections", "Retry-After: 5\r\n"))
            transport.close()
            return
        self._expect_request()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._expect_request()
        else:
            self._forget_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_deadline()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002
        # That of uvicorn is text.
        self.transport.write(_raw(400, "bad-request", "this is not a valid HTTP request"))
        self.transport.close()

    def _expect_request(self) -> None:
        """Start the time of the next request, unless it runs."""
        if self._deadline is None and self.timeout_keep_alive_task is None and not self.transport.is_closing():
            self._deadline = self.loop.call_later(HEADER_SECONDS, self._give_up)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self.transport.write(_raw(408, "request-timeout", "the request did not arrive in time"))
            self.transport.close()


def _raw(status: int, code: str, detail: str, headers: str = "") -> bytes:
    fields: dict[str, Any] = http_problem(code, status, detail)
    body = json.dumps(fields)
    head = f"HTTP/1.1 {status} {fields['title']}\r\nContent-Type: {MEDIA_TYPE}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\n{headers}\r\n{body}".encode("ascii")
