"""A small server of the HTTP API over a registry, which tests can stop, start again and let fail."""

import json
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from promptdb.api.answers import files_of
from promptdb.domain.refs import PromptRef
from promptdb.domain.wire.changes import changes_fields, generation_text, parse_generation
from promptdb.domain.wire.paths import routed_path
from promptdb.domain.wire.problem import MEDIA_TYPE, http_problem, problem_fields
from promptdb.domain.wire.versions import asset_fields, encode_version, view_fields
from promptdb.errors import InvalidRef, NotFound, PromptDBError
from promptdb.registry.change_feed import ChangeFeed
from promptdb.registry.reader import RegistryReader
from promptdb.settings import AppSettings

PREFIX = "/api/v1"
Fault = Callable[["Handler"], object]


class PromptServer:
    """Serves the registry of a reader on one port. `asked` has the target of each request.

    `faults` answer in place of the server: the first whose key is in the target. `page` is the length of lists.
    """

    def __init__(self, reader: RegistryReader, port: int = 0, context: ssl.SSLContext | None = None) -> None:
        self.reader, self.port, self.context = reader, port, context
        self.asked: list[str] = []
        self.faults: dict[str, Fault] = {}
        self.token: str | None = None
        self.page = 2
        self.ping = 0.05
        self.headers: list[dict[str, str]] = []
        self.sockets: list[socket.socket] = []
        self._http: _Listener | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"http{'s' if self.context else ''}://127.0.0.1:{self.port}"

    def settings(self, **more: Any) -> AppSettings:
        """Settings of a client."""
        return AppSettings(**{"source": "http", "url": self.url, **more})

    def start(self) -> None:
        if self._http is None:
            self._http = _Listener(self)
            self.port = self._http.server_address[1]
            self._thread = Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
            self._thread.start()

    def stop(self, *, says_goodbye: bool = False) -> None:
        """End, by default like a process that is killed: the port and all connections close."""
        if self._http is not None:
            http, self._http = self._http, None
            http.is_over = says_goodbye
            http.shutdown()
            http.server_close()
            self._thread.join()
            if says_goodbye:
                time.sleep(0.1)
            self.cut()
            http.is_over = True

    def cut(self) -> None:
        """Close all connections."""
        while self.sockets:
            # Not the method of a TLS socket, which another thread uses.
            with suppress(OSError):
                socket.socket.shutdown(self.sockets.pop(), socket.SHUT_RDWR)


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, server: PromptServer) -> None:
        self.state = server
        self.is_over = False
        super().__init__(("127.0.0.1", server.port), Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self.state.context is not None:
            request = self.state.context.wrap_socket(request, server_side=True)
        self.state.sockets.append(request)
        with request, suppress(OSError):
            super().finish_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Listener

    def log_message(self, *_: Any) -> None:
        pass

    def handle(self) -> None:
        with suppress(OSError):
            super().handle()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        state = self.server.state
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.server.is_over:
            self.close_connection = True
            return
        state.asked.append(self.path)
        state.headers.append(dict(self.headers))
        fault = next((fault for part, fault in state.faults.items() if part in self.path), None)
        if fault is not None:
            fault(self)
            return
        if state.token is not None and self.headers.get("Authorization") != f"Bearer {state.token}":
            self.problem(401, "unauthenticated", "a token is needed", **{"WWW-Authenticate": "Bearer"})
            return
        try:
            self._route()
        except PromptDBError as error:
            status = 404 if isinstance(error, NotFound) else 422 if isinstance(error, InvalidRef) else 502
            self.send(status, json.dumps(problem_fields(error, status)).encode(), MEDIA_TYPE)

    def _route(self) -> None:
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        parts = routed_path(url.path, PREFIX).removeprefix(f"{PREFIX}/").split("/")
        match parts:
            case ["changes"]:
                self._changes(query)
            case ["events"]:
                self._events(query)
            case ["preload"]:
                self._preload(json.loads(self.body))
            case ["prompts", name, "resolve"]:
                found = self.reader.find(PromptRef.parse(f"{unquote(name)}:{query['selector']}"))
                self.send(200, encode_version(found, files_of))
            case ["prompts", name, "versions"]:
                self._versions(unquote(name), int(query.get("cursor", 0)))
            case ["prompts", name, "assets"]:
                found = self.reader.find(PromptRef.parse(f"{unquote(name)}:{query['selector']}"))
                self.json({"items": [asset_fields(asset) for asset in found.assets.list()]})
            case ["prompts", name, "assets", *path]:
                found = self.reader.find(PromptRef.parse(f"{unquote(name)}:{query['selector']}"))
                with self.reader.asset(found.view, "/".join(path)) as stream:
                    self.send(200, stream.read(), "application/octet-stream")
            case _:
                self.problem(404, "not-found", f"there is nothing at {url.path}")

    @property
    def reader(self) -> RegistryReader:
        return self.server.state.reader

    def _changes(self, query: dict[str, str]) -> None:
        since = parse_generation(query["since"]) if "since" in query else None
        deadline = time.monotonic() + float(query.get("wait", 0))
        while True:
            found = ChangeFeed(self.reader).changes(since)
            if found.generation != since or time.monotonic() >= deadline or self.server.is_over:
                break
            time.sleep(0.01)
        self.json(changes_fields(found))

    def _events(self, query: dict[str, str]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.chunk(b"retry: 1000\r\n\r\n")
        since = parse_generation(query["since"]) if "since" in query else None
        is_first, pinged = True, time.monotonic()
        while not self.server.is_over:
            found = ChangeFeed(self.reader).changes(since)
            if is_first or found.generation != since:
                text = generation_text(found.generation) if found.generation else ""
                data = json.dumps(changes_fields(found))
                self.chunk(f"event: changes\nid: {text}\ndata: {data}\n\n".encode())
            elif time.monotonic() - pinged > self.server.state.ping:
                pinged = time.monotonic()
                self.chunk(b": ping\n\n")
            is_first, since = False, found.generation
            time.sleep(0.01)
        self.chunk(b"event: goodbye\ndata: {}\n\n")
        self.chunk(b"")

    def _preload(self, body: dict[str, Any]) -> None:
        generation = ChangeFeed(self.reader).changes(None).generation
        start = json.dumps({"generation": generation_text(generation) if generation else None}).encode()[:-1]
        if "refs" in body:
            items, name = [self._ref(text) for text in body["refs"]], b"answers"
        else:
            found = self.reader.find_all(body["alias"], body["namespace"])
            items, name = [encode_version(stored, files_of) for stored in found], b"versions"
        self.send(200, b"".join([start, b',"', name, b'":[', b",".join(items), b"]}"]))

    def _ref(self, text: str) -> bytes:
        start = json.dumps({"ref": text}).encode()[:-1]
        try:
            found = self.reader.find(PromptRef.parse(text))
        except NotFound as error:
            return start + b',"problem":' + json.dumps(problem_fields(error, 404)).encode() + b"}"
        return start + b',"version":' + encode_version(found, files_of) + b"}"

    def _versions(self, name: str, start: int) -> None:
        found = self.reader.list_versions(name)
        end = start + self.server.state.page
        items = [view_fields(view) for view in found[start:end]]
        self.json({"items": items, "next": str(end) if end < len(found) else None})

    # Answers

    def json(self, value: Any) -> None:
        self.send(200, json.dumps(value).encode())

    def problem(self, status: int, code: str, detail: str, **headers: str) -> None:
        self.send(status, json.dumps(http_problem(code, status, detail)).encode(), MEDIA_TYPE, **headers)

    def send(self, status: int, data: bytes, kind: str = "application/json", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def raw(self, data: bytes) -> None:
        """Send these bytes and end the connection."""
        self.wfile.write(data)
        self.close_connection = True


@contextmanager
def prompt_server(reader: RegistryReader, context: ssl.SSLContext | None = None) -> Iterator[PromptServer]:
    server = PromptServer(reader, context=context)
    try:
        yield server
    finally:
        server.stop()


def counted(server: PromptServer, pattern: str) -> int:
    """Count the requests whose target fits."""
    return sum(re.search(pattern, target) is not None for target in server.asked)
