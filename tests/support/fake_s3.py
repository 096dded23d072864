"""A server that answers what a test tells it to: for the failures that a real S3 server cannot be made to show."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

EMPTY_LIST = b"<ListBucketResult><Name>b</Name><IsTruncated>false</IsTruncated></ListBucketResult>"


@dataclass(frozen=True)
class Reply:
    """`sent` are the bytes of the body that are sent before the connection is cut; None for all of them."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    sent: int | None = None


def error(status: int, code: str, more: str = "", headers: dict[str, str] | None = None) -> Reply:
    body = f"<Error><Code>{code}</Code><Message>In the words of the server.</Message>{more}</Error>"
    return Reply(status, body.encode(), {"Content-Type": "application/xml", **(headers or {})})


@dataclass
class FakeS3:
    """Gives its replies one after another, and the last one again and again. `requests` are method, path and Range.

    Requests that begin with `hanging`, such as `PUT /bucket/`, set `hangs`. Their answers never end: bytes of a header keep
    coming, so that no timeout of the client ends them either.
    """

    port: int
    replies: list[Reply] = field(default_factory=list)
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)
    hanging: str | None = None
    hangs: Event = field(default_factory=Event)
    over: Event = field(default_factory=Event)

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self.port}"


@contextmanager
def fake_s3(*replies: Reply, tls: ssl.SSLContext | None = None, hanging: str | None = None) -> Iterator[FakeS3]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            fake.requests.append((self.command, self.path, self.headers.get("Range")))
            if fake.hanging is not None and f"{self.command} {self.path}".startswith(fake.hanging):
                self._hang()
                return
            reply = fake.replies.pop(0) if len(fake.replies) > 1 else fake.replies[0]
            self.send_response_only(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body[: reply.sent])
            self.close_connection = reply.sent is not None

        def _hang(self) -> None:
            fake.hangs.set()
            self.send_response_only(200)
            self.flush_headers()
            with suppress(OSError):  # the client hung up
                while not fake.over.wait(0.1):
                    self.wfile.write(b"X")
            self.close_connection = True

        do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _answer  # noqa: N815

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Clients that hang up are what some of the tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    fake = FakeS3(server.server_address[1], list(replies), hanging=hanging)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield fake
    finally:
        fake.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def raw_server(*answers: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """Sends these bytes, one answer to a connection, and hangs up. Gives its port, and what it was asked."""
    asked: list[bytes] = []

    def serve() -> None:
        for answer in answers:
            connection, _ = listener.accept()
            with connection:
                asked.append(connection.recv(65536))
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10.0)  # for a client that asks less often than it should
        thread = Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1], asked
        thread.join()
