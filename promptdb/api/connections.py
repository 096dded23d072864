"""The connections of `promptdb serve`: uvicorn's protocol, with limits on their number and on slow clients."""

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

READ_SECONDS = 60.0
"""The time in which a client must read what was sent, while more waits."""

MAX_HEADERS = 16 * 1024
"""The most bytes of the headers of a request."""

PIECE = 1024
"""The bytes of headers that are parsed at once. h11 measures only what is incomplete."""


class Connection(H11Protocol):
    """One connection.

    uvicorn waits without limit for a client that sends nothing, or part of a request, or that reads no answer.
    """

    _deadline: asyncio.TimerHandle | None = None
    _reads_by: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > most_connections():
            hint = "come again in five seconds"
            transport.write(_raw(503, "unavailable", "the server has too many connections", hint, "Retry-After: 5\r\n"))
            transport.close()
            return
        self._expect_request()

    def data_received(self, data: bytes) -> None:
        while data and not self.transport.is_closing():
            size = PIECE if self._awaits_request() else len(data)
            super().data_received(data[:size])
            data = data[size:]
        if self._awaits_request():
            self._expect_request()
        else:
            self._forget_deadline()

    def pause_writing(self) -> None:
        super().pause_writing()
        # Closing would wait for the client.
        self._reads_by = self.loop.call_later(READ_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        self._forget_reader()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_deadline()
        self._forget_reader()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002
        # That of uvicorn is text.
        if len(self.conn.trailing_data[0]) > MAX_HEADERS:
            detail = f"the first line and the headers are larger than {MAX_HEADERS:,} bytes"
            self.transport.write(_raw(431, "headers-too-large", detail, "send long values in the body"))
        else:
            hint = "it needs one header Host, and names and values of headers as HTTP/1.1 has them"
            self.transport.write(_raw(400, "bad-request", "this is not a valid HTTP request", hint))
        self.transport.close()

    def _unsupported_upgrade_warning(self) -> None:
        """Log nothing: anyone can ask for an upgrade, and uvicorn would advise to install WebSockets."""

    def _awaits_request(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _expect_request(self) -> None:
        """Start the time of the next request, unless it runs."""
        if self._deadline is None and self.timeout_keep_alive_task is None and not self.transport.is_closing():
            self._deadline = self.loop.call_later(HEADER_SECONDS, self._give_up)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _forget_reader(self) -> None:
        if self._reads_by is not None:
            self._reads_by.cancel()
            self._reads_by = None

    def _give_up(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            hint = f"send its headers within {HEADER_SECONDS:g} seconds"
            self.transport.write(_raw(408, "request-timeout", "the request did not arrive in time", hint))
            self.transport.close()


def _raw(status: int, code: str, detail: str, hint: str, headers: str = "") -> bytes:
    fields: dict[str, Any] = http_problem(code, status, detail, hint)
    body = json.dumps(fields)
    head = f"HTTP/1.1 {status} {fields['title']}\r\nContent-Type: {MEDIA_TYPE}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\n{headers}\r\n{body}".encode("ascii")
