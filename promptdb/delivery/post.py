"""One POST to a receiver of webhooks: to an allowed address, without proxy or redirect, and within a fixed time."""

import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse, RemoteDisconnected
from threading import Timer
from urllib.parse import urlsplit

from promptdb.domain.webhooks.addresses import Network, is_allowed, is_chosen, parse_peer
from promptdb.domain.webhooks.schedule import Answer

MAX_READ = 1024
"""The most bytes of a response's body that are read."""

_EXCERPT = 120  # characters of the body of a refusal


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends to public addresses, and to those of `private` networks. An attempt takes at most `timeout` seconds in all.

    Plain http is only for `private` networks.
    """

    private: Sequence[Network] = ()
    timeout: float = 15.0
    context: ssl.SSLContext | None = field(default=None, repr=False)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send a body once, and return the answer. A receiver that does not answer is not an error of this function."""
        parts = urlsplit(url)
        connection = _Connection(parts.hostname or "", parts.port, self, is_secure=parts.scheme == "https")
        timer = Timer(self.timeout, connection.abort)
        timer.daemon = True
        timer.start()
        try:
            connection.request(
                "POST", f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}", body, dict(headers)
            )
            response = connection.getresponse()
            # `http.client` takes the end of a connection for the end of headers, also if `abort` ended it.
            return Answer(error=self._late) if connection.is_late else _read(response)
        except (OSError, HTTPException, ValueError) as error:
            return Answer(error=self._late if connection.is_late else _reason(error))
        finally:
            timer.cancel()
            timer.join()
            connection.close()

    @property
    def _late(self) -> str:
        return f"no answer within {self.timeout:g} s"


class _NotAllowed(OSError):
    """The address of a receiver is not one that webhooks may be sent to."""


class _Connection(HTTPConnection):
    """A connection to an allowed address. `http.client` follows no redirect and knows no proxy."""

    def __init__(self, host: str, port: int | None, sender: Sender, *, is_secure: bool) -> None:
        super().__init__(host, port or (443 if is_secure else 80), timeout=sender.timeout)
        self._sender, self._is_secure = sender, is_secure
        self._deadline = time.monotonic() + sender.timeout
        self._end: socket.socket | None = None

    @property
    def is_late(self) -> bool:
        return time.monotonic() >= self._deadline

    def connect(self) -> None:
        """Connect to the first allowed address of the host that accepts. The name is resolved once."""
        found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        refused: OSError | None = None
        for family, kind, protocol, _, address in found:
            try:
                self._require_allowed(str(address[0]))
                self.sock = self._open(socket.socket(family, kind, protocol), address)
            except OSError as error:
                refused = refused or error
            else:
                return
        raise refused or OSError("the host has no address")

    def _open(self, plain: socket.socket, address: tuple[object, ...]) -> socket.socket:
        try:
            plain.settimeout(max(self._deadline - time.monotonic(), 0.001))
            plain.connect(address)
            # Whatever the name and the network did: this is where the bytes would go.
            self._require_allowed(plain.getpeername()[0])
            self._end = plain.dup()
            if self.is_late:
                raise TimeoutError
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._is_secure:
                return (self._sender.context or ssl.create_default_context()).wrap_socket(
                    plain, server_hostname=self.host
                )
        except BaseException:
            plain.close()
            self._close_end()
            raise
        return plain

    def abort(self) -> None:
        """End the connection, also in the middle of a handshake or of a response that never ends."""
        if self._end is not None:
            # The socket itself may belong to TLS, which another thread uses.
            with suppress(OSError):
                self._end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        super().close()
        self._close_end()

    def _close_end(self) -> None:
        if self._end is not None:
            self._end.close()

    def _require_allowed(self, numeric: str) -> None:
        peer, private = parse_peer(numeric), self._sender.private
        if not is_allowed(peer, private):
            raise _NotAllowed(f"{peer} is not a public address, nor in webhook_private_networks")
        if not (self._is_secure or is_chosen(peer, private)):
            raise _NotAllowed(f"http without TLS is only for webhook_private_networks, and {peer} is in none")


def _read(response: HTTPResponse) -> Answer:
    if 200 <= response.status < 300:
        # The status decides, so an answer without its body is one.
        with suppress(OSError, HTTPException):
            response.read(MAX_READ)
        return Answer(response.status)
    excerpt = ""
    with suppress(OSError, HTTPException):
        excerpt = response.read(MAX_READ).decode(errors="replace")[:_EXCERPT]
    reason = "a redirect, which is not followed" if 300 <= response.status < 400 else excerpt
    printable = "".join(character if character.isprintable() else " " for character in reason).strip()
    error = f"status {response.status}{f': {printable}' if printable else ''}"
    return Answer(response.status, error, response.getheader("Retry-After"))


def _reason(error: Exception) -> str:
    """Say why there is no answer, without the address: it may hold a secret."""
    match error:
        case _NotAllowed():
            return str(error)
        case socket.gaierror() | UnicodeError():
            return "the host has no address"
        case TimeoutError():
            return "no answer in time"
        case ssl.SSLCertVerificationError():
            return f"the certificate is not trusted: {error.verify_message}"
        case ssl.SSLError():
            return f"TLS failed: {error.reason or 'the connection was cut'}"
        case RemoteDisconnected():
            return "the receiver closed the connection"
        case HTTPException() | ValueError():
            return "the answer is not HTTP"
        case _:
            return getattr(error, "strerror", None) or "the connection was cut"
