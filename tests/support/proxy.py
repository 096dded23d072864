"""A TCP proxy between a client and its server, which does to a connection what networks do."""

import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

_CHUNK = 65536
_TIMEOUT = 60.0
"""Seconds, after which a stalled connection ends, so that no test hangs."""

_COMMITTED = b"COMMIT\0"
"""PostgreSQL's `Query` message of a commit ends so, and so does its answer, `CommandComplete`."""


@dataclass(frozen=True)
class Behaviour:
    """What happens to a connection; by default, nothing.

    Args:
        refused: it is reset before a byte is passed on.
        cut_up: it is reset when the client has sent so many bytes; those are passed on.
        cut_down: the same for the server.
        delay: seconds that each chunk waits.
        held: chunks of the client wait until this is set.
        answer: is sent in place of the server's, to whatever the client asks first.
        lost_commit: the first COMMIT after a text that `after` matches is lost: `request` before the server has it, `reply`
            when the server has performed it.
        after: see there.
    """

    refused: bool = False
    cut_up: int | None = None
    cut_down: int | None = None
    delay: float = 0.0
    held: threading.Event | None = None
    answer: bytes | None = None
    lost_commit: str | None = None
    after: bytes = b"pg_advisory_xact_lock"


_PLAIN = Behaviour()

S3_FAULTS: dict[str, Behaviour] = {
    "refused": Behaviour(refused=True),
    "cut in the request": Behaviour(cut_up=200),
    "cut in an upload": Behaviour(cut_up=3_000),
    "cut in the answer": Behaviour(cut_down=30),
    "500": Behaviour(answer=b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
    "503 SlowDown": Behaviour(
        answer=b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nConnection: close\r\n\r\n"
        b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Reduce your rate.</Message></Error>"
    ),
    "half an answer": Behaviour(answer=b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n<half"),
    "no HTTP": Behaviour(answer=b"220 mail.example.com ESMTP\r\n"),
}
"""What a client of S3 meets, by name."""


@dataclass
class Proxy:
    """`behaviours` are those of the next connections, one each; all others pass unharmed. `met` counts what was done."""

    target: int
    port: int = 0
    behaviours: list[Behaviour] = field(default_factory=list)
    met: int = 0

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:  # closed
                return
            behaviour = self.behaviours.pop(0) if self.behaviours else _PLAIN
            _Link(self, client, behaviour).start()

    def hit(self) -> None:
        self.met += 1


class _Link:
    """One connection: a thread for each direction."""

    def __init__(self, proxy: Proxy, client: socket.socket, behaviour: Behaviour) -> None:
        self.proxy = proxy
        self.client = client
        self.behaviour = behaviour
        self.server: socket.socket | None = None
        self.is_writing = False
        self.loses_reply = False

    def start(self) -> None:
        threading.Thread(target=self._open, daemon=True).start()

    def _open(self) -> None:
        self.client.settimeout(_TIMEOUT)
        if self.behaviour.refused or self.behaviour.answer is not None:
            self._answer()
            return
        try:
            self.server = socket.create_connection(("127.0.0.1", self.proxy.target), timeout=_TIMEOUT)
        except OSError:
            self._reset()
            return
        for one in (self.client, self.server):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=self._pump_down, daemon=True).start()
        self._pump_up()

    def _answer(self) -> None:
        self.proxy.hit()
        with suppress(OSError):
            if self.behaviour.answer is not None:
                self._read_request()
                self.client.sendall(self.behaviour.answer)
                self.client.shutdown(socket.SHUT_WR)
                while self.client.recv(_CHUNK):
                    pass
        self._reset()

    def _read_request(self) -> None:
        """Of HTTP, with its body: a client that is answered earlier may not read."""
        data = b""
        while b"\r\n\r\n" not in data and (chunk := self.client.recv(_CHUNK)):
            data += chunk
        head, _, body = data.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        left = int(length[1]) - len(body) if length else 0
        while left > 0 and (chunk := self.client.recv(_CHUNK)):
            left -= len(chunk)

    def _pump_up(self) -> None:
        passed, asked = 0, self.behaviour
        assert self.server is not None
        with suppress(OSError):
            while data := self.client.recv(_CHUNK):
                time.sleep(asked.delay)
                if asked.held is not None and not asked.held.is_set():
                    self.proxy.hit()
                    asked.held.wait(_TIMEOUT)
                self.is_writing = self.is_writing or asked.after in data
                if asked.lost_commit is not None and self.is_writing and _COMMITTED in data:
                    self.proxy.hit()
                    if asked.lost_commit == "request":
                        break
                    self.loses_reply = True
                if asked.cut_up is not None and passed + len(data) >= asked.cut_up:
                    self.proxy.hit()
                    self.server.sendall(data[: asked.cut_up - passed])
                    break
                self.server.sendall(data)
                passed += len(data)
            else:
                self.server.shutdown(socket.SHUT_WR)
                return
        self._reset()

    def _pump_down(self) -> None:
        passed, asked = 0, self.behaviour
        assert self.server is not None
        with suppress(OSError):
            while data := self.server.recv(_CHUNK):
                time.sleep(asked.delay)
                if self.loses_reply:
                    if _COMMITTED in data:
                        break
                    continue
                if asked.cut_down is not None and passed + len(data) >= asked.cut_down:
                    self.proxy.hit()
                    self.client.sendall(data[: asked.cut_down - passed])
                    break
                self.client.sendall(data)
                passed += len(data)
        self._reset()

    def _reset(self) -> None:
        """As a network does it: with a reset, not with an end."""
        for one in (self.client, self.server):
            if one is not None:
                with suppress(OSError):
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    one.shutdown(socket.SHUT_RDWR)
                with suppress(OSError):
                    one.close()


@contextmanager
def proxy_to(port: int, *behaviours: Behaviour, at: int = 0) -> Iterator[Proxy]:
    """A proxy to a port of this machine, by default at any free one."""
    with socket.create_server(("127.0.0.1", at)) as listener:
        proxy = Proxy(port, listener.getsockname()[1], list(behaviours))
        threading.Thread(target=proxy.serve, args=(listener,), daemon=True).start()
        yield proxy
        listener.shutdown(socket.SHUT_RDWR)
