"""A server of the HTTP API over TCP, in a thread or in a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import uvicorn
from fastapi import FastAPI

from promptdb import AppSettings
from promptdb.api.connections import MAX_HEADERS, Connection
from promptdb.api.server import listen

TIMEOUT = 60.0
"""Seconds: only what hangs takes so long."""


@contextmanager
def in_thread(app: FastAPI, port: int = 0, patience: int = 5) -> Iterator[int]:
    """Serve an app as `promptdb serve` does; gives the port. At the end it waits some seconds for requests."""
    [opened] = listen("127.0.0.1", port)
    port = opened.getsockname()[1]
    config = uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        lifespan="on",
        log_config=None,
        timeout_graceful_shutdown=patience,
        h11_max_incomplete_event_size=MAX_HEADERS,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([opened],))
    thread.start()
    try:
        yield port
    finally:
        server.should_exit = True
        thread.join(TIMEOUT)
        assert not thread.is_alive()


@dataclass
class Served:
    """A running `promptdb serve`. `lines` are those of its log so far."""

    process: "subprocess.Popen[bytes]"
    url: str
    port: int
    lines: list[dict[str, Any]] = field(default_factory=list)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """The exit code."""
        self.process.send_signal(how)
        code = self.process.wait(TIMEOUT)
        # The last line after ^C is that of every command.
        self.lines += [json.loads(line) for line in _stderr(self.process) if line.startswith(b"{")]
        return code


@contextmanager
def promptdb_serve(settings: AppSettings, *arguments: str) -> Iterator[Served]:
    """`promptdb serve` for a registry, at a free port."""
    environment = {**os.environ, "PROMPTDB_DATABASE_URL": settings.database_url.get_secret_value()}
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("promptdb")), "serve", "--port", "0", *arguments],
        cwd=settings.base,
        env=environment,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        first = json.loads(_stderr(process).readline())
        url = first["message"].split()[1]
        yield Served(process, url, int(url.split(":")[2].split("/")[0]), [first])
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        _stderr(process).close()


def _stderr(process: "subprocess.Popen[bytes]") -> BinaryIO:
    assert process.stderr is not None
    return process.stderr  # type: ignore[return-value]


class Raw:
    """A TCP connection that sends what a client library would not."""

    def __init__(self, port: int, data: bytes = b"", host: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection((host, port), TIMEOUT)
        self.file = self.socket.makefile("rb")
        self.socket.sendall(data)

    def __enter__(self) -> "Raw":
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()
        self.socket.close()

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """The status, the headers and the body of an answer that has a length."""
        status, headers = self.head()
        return status, headers, self.file.read(int(headers["content-length"]))

    def head(self) -> tuple[int, dict[str, str]]:
        status = int(self.file.readline().split()[1])
        headers = {}
        while line := self.file.readline().decode().strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return status, headers


def get(path: str, **headers: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()
