"""Attacks on the connection, on the memory of the server, and through addresses: refused, and nothing is written.

Hostile paths, bodies and scopes are in `test_api_write_attacks.py`, and addresses of webhooks in `tests/delivery/test_post.py`.
"""

import json
import socket
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from apis import API, client_for
from hooks import hook
from registries import Rows, dump, on_sqlite, settings_for, write
from servers import TIMEOUT, Raw, get, in_thread
from starlette.testclient import TestClient

from promptdb import PromptService, create_app
from promptdb.api import connections, front
from promptdb.api.connections import Connection
from promptdb.api.paging import _CHECK as CHECK
from promptdb.api.paging import _encode as encoded

JSON = b"Content-Type: application/json\r\n"
HEALTH = f"{API}/healthz".encode()
MOVE = b'{"selector":"rev:2"}'
INNER = (
    b"PUT %s/prompts/a/one/aliases/staging HTTP/1.1\r\nHost: 127.0.0.1\r\n" % API.encode()
    + JSON
    + b"Content-Length: %d\r\n\r\n%s" % (len(MOVE), MOVE)
)
"""A request that moves an alias, if anything but its sender takes it for one."""


@pytest.fixture(scope="module")
def registry(
    migrated_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PromptService]:
    """One for all refusals, which change nothing in it."""
    folder = tmp_path_factory.mktemp("attacked")
    with PromptService(settings_for(migrated_database("sqlite", folder), folder)) as service:
        for text in ("1", "2"):
            service.register_text("a/one", text)
        service.promote("a/one:rev:1", "staging")
        hook(service)
        yield service


@pytest.fixture(scope="module")
def port(registry: PromptService) -> Iterator[int]:
    with in_thread(create_app(registry.settings)) as found:
        yield found


@pytest.fixture(scope="module")
def api(registry: PromptService) -> Iterator[TestClient]:
    with client_for(create_app(registry.settings), API) as client:
        yield client


@pytest.fixture
def before(registry: PromptService) -> Iterator[Rows]:
    """All rows, which are the same after the test."""
    found = dump(registry.engine)
    yield found
    assert dump(registry.engine) == found


def post(headers: bytes, body: bytes = b"{}", version: bytes = b"1.1") -> bytes:
    """A request with headers that a parser may understand in two ways, and another request after it."""
    return b"POST %s/preload HTTP/%s\r\nHost: 127.0.0.1\r\n%s%s\r\n%s%s" % (
        API.encode(),
        version,
        JSON,
        headers,
        body,
        INNER,
    )


def ask(start: bytes, headers: bytes = b"Host: 127.0.0.1\r\n") -> bytes:
    return b"%s\r\n%s\r\n%s" % (start, headers, INNER)


CHUNKED = b"Transfer-Encoding: chunked\r\n"
CHUNK = b"2\r\n{}\r\n0\r\n\r\n"
TO_END = 2 + len(INNER)

SHAPES = {
    "a length and chunks": (post(b"Content-Length: 2\r\n" + CHUNKED, CHUNK), 400),
    "a length that covers the next request, and no chunk": (
        post(b"Content-Length: %d\r\n" % (5 + len(INNER)) + CHUNKED, b"0\r\n\r\n"),
        400,
    ),
    "chunks that cover the next request, and a length": (
        post(CHUNKED + b"Content-Length: 4\r\n", b"%x\r\n" % len(INNER)),
        400,
    ),
    "two lengths": (post(b"Content-Length: 2\r\nContent-Length: %d\r\n" % TO_END), 400),
    "a list of lengths": (post(b"Content-Length: 2, %d\r\n" % TO_END), 400),
    "a length with a sign": (post(b"Content-Length: +2\r\n"), 400),
    "a negative length": (post(b"Content-Length: -2\r\n"), 400),
    "a length in hexadecimal": (post(b"Content-Length: 0x2\r\n"), 400),
    "a length with an underscore": (post(b"Content-Length: 1_0\r\n"), 400),
    "an empty length": (post(b"Content-Length: \r\n"), 400),
    "a length that overflows": (post(b"Content-Length: 18446744073709551618\r\n"), 413),
    "a space before the colon of a length": (post(b"Content-Length : 2\r\n"), 400),
    "a space before the colon of chunks": (post(b"Transfer-Encoding : chunked\r\n", CHUNK), 400),
    "another coding": (post(b"Transfer-Encoding: xchunked\r\n", CHUNK), 400),
    "a coding after chunks": (post(b"Transfer-Encoding: chunked, identity\r\n", CHUNK), 400),
    "a coding before chunks": (post(b"Transfer-Encoding: gzip, chunked\r\n", CHUNK), 400),
    "no coding, and a length": (post(b"Transfer-Encoding: identity\r\nContent-Length: 2\r\n"), 400),
    "chunks twice": (post(CHUNKED + CHUNKED, CHUNK), 400),
    "a vertical tab in the coding": (post(b"Transfer-Encoding: \x0bchunked\r\n", CHUNK), 400),
    "chunks in HTTP/1.0": (post(CHUNKED, CHUNK, b"1.0"), 403),
    "a return in a header": (post(b"X: a\r" + CHUNKED, CHUNK), 400),
    "a null in a header": (post(b"X: a\0\r\n"), 400),
    "a chunk with a prefix": (post(CHUNKED, b"0x2\r\n{}\r\n0\r\n\r\n"), 400),
    "a chunk with a sign": (post(CHUNKED, b"+2\r\n{}\r\n0\r\n\r\n"), 400),
    "a negative chunk": (post(CHUNKED, b"-2\r\n{}\r\n0\r\n\r\n"), 400),
    "a chunk whose size overflows": (post(CHUNKED, b"10000000000000002\r\n{}\r\n0\r\n\r\n"), 408),
    "a chunk that is longer than it says": (post(CHUNKED, b"2\r\n{}XX0\r\n\r\n"), 400),
    "chunks that end in LF": (post(CHUNKED, b"2\n{}\n0\n\n"), 400),
    "an extension of a chunk that ends in LF": (post(CHUNKED, b"2;x\n{}\r\n0\r\n\r\n"), 400),
    "HTTP/0.9": (ask(b"GET %s" % HEALTH, b""), 400),
    "no version": (ask(b"GET %s HTTP/1" % HEALTH), 400),
    "a version in small letters": (ask(b"GET %s http/1.1" % HEALTH), 400),
    "a tab in the first line": (ask(b"GET\t%s HTTP/1.1" % HEALTH), 400),
    "a space in the target": (ask(b"GET %s x HTTP/1.1" % HEALTH), 400),
    "an empty line first": (b"\r\n" + ask(b"GET %s HTTP/1.1" % HEALTH), 400),
    "two hosts": (ask(b"GET %s HTTP/1.1" % HEALTH, b"Host: 127.0.0.1\r\nHost: attacker.example\r\n"), 400),
    "no host": (ask(b"GET %s HTTP/1.1" % HEALTH, b""), 400),
    "a space before the first header": (ask(b"GET %s HTTP/1.1" % HEALTH, b" X: y\r\nHost: 127.0.0.1\r\n"), 400),
    "a header without a colon": (ask(b"GET %s HTTP/1.1" % HEALTH, b"Host: 127.0.0.1\r\nX\r\n"), 400),
    "a header without a name": (ask(b"GET %s HTTP/1.1" % HEALTH, b"Host: 127.0.0.1\r\n: x\r\n"), 400),
}


@pytest.mark.usefixtures("before")
@pytest.mark.parametrize(("data", "status"), SHAPES.values(), ids=SHAPES)
def test_a_request_of_two_meanings_ends_its_connection(
    port: int, monkeypatch: pytest.MonkeyPatch, data: bytes, status: int
) -> None:
    monkeypatch.setattr(front, "BODY_SECONDS", 0.2)
    with Raw(port, data) as raw:
        found, headers, body = raw.answer()
        assert (found, headers["content-type"], headers["connection"]) == (status, "application/problem+json", "close")
        assert json.loads(body)["hint"]
        assert raw.file.read() == b"", "another answer"


@pytest.mark.usefixtures("before")
@pytest.mark.parametrize("path", [HEALTH, f"{API}/prompts/a/one/resolve".encode()])
def test_the_body_of_a_request_that_has_none_is_no_request(port: int, path: bytes) -> None:
    with Raw(port, ask(b"GET %s HTTP/1.1" % path, b"Host: 127.0.0.1\r\nContent-Length: %d\r\n" % len(INNER))) as raw:
        assert raw.answer()[0] == 200
        # That it is the next answer shows that there is none between.
        raw.socket.sendall(get("/nothing"))
        assert raw.answer()[0] == 404


@pytest.mark.usefixtures("before")
@pytest.mark.parametrize(
    ("start", "host", "status"),
    [
        ("TRACE /", "127.0.0.1", 404),
        (f"TRACE {API}/prompts", "127.0.0.1", 405),
        (f"TRACK {API}/prompts", "127.0.0.1", 405),
        (f"DEBUG {API}/prompts", "127.0.0.1", 405),
        ("CONNECT 127.0.0.1:22", "127.0.0.1", 404),
        ("CONNECT attacker.example:443", "attacker.example:443", 403),
        (f"CONNECT {API}/prompts", "127.0.0.1", 405),
        ("OPTIONS *", "127.0.0.1", 404),
        (f"OPTIONS {API}/prompts", "127.0.0.1", 405),
        (f"GET http://attacker.example{API}/prompts", "127.0.0.1", 404),
        (f"GET {API}/prompts", "attacker.example", 403),
    ],
)
def test_nothing_is_sent_back_or_on(port: int, start: str, host: str, status: int) -> None:
    with Raw(port, f"{start} HTTP/1.1\r\nHost: {host}\r\nX-Canary: parakeet\r\n\r\n".encode()) as raw:
        found, headers, body = raw.answer()
    assert (found, headers["content-type"]) == (status, "application/problem+json")
    assert b"parakeet" not in body
    assert "parakeet" not in headers.values()


@on_sqlite
def test_a_client_that_does_not_read_is_cut_off(
    service: PromptService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size, lost, end = 24 * 1024 * 1024, Event(), Connection.connection_lost
    write(
        tmp_path,
        {"a.yaml": "template: x\nassets: [{path: data.bin, kind: attachment}]\n", "data.bin": b"x" * size},
    )
    service.register_file(tmp_path / "a.yaml", "a/one")

    def note(connection: Connection, error: Exception | None) -> None:
        end(connection, error)
        lost.set()

    monkeypatch.setattr(Connection, "connection_lost", note)
    monkeypatch.setattr(connections, "READ_SECONDS", 0.2)
    with in_thread(create_app(service.settings)) as port, Raw(port, get(f"{API}/prompts/a/one/assets/data.bin")) as raw:
        assert lost.wait(TIMEOUT)
        status, headers = raw.head()
        assert (status, headers["content-length"]) == (200, str(size))
        assert len(raw.file.read()) < size


CURSORS = ["{}", "[]", "[null]", "[{}]", "[true]", '"x"', "1", "[1e999]", "[[[[]]]]", "[" * 2000, '["\\ud800"]', "NaN"]
TIMES = ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"]


@pytest.mark.usefixtures("before")
@pytest.mark.parametrize(
    "path",
    [
        "prompts",
        "versions",
        "blame",
        "sync-runs",
        "webhooks",
        "webhooks/1/deliveries",
        *(f"prompts/a/one/{name}" for name in ("versions", "history", "assets")),
    ],
)
def test_a_cursor_that_someone_made_is_refused(api: TestClient, path: str) -> None:
    keys = CURSORS + [json.dumps([time, *more]) for time in TIMES for more in ([], [1], [str(0)], ["a/one", "x"])]
    for key in keys:
        scope = json.dumps([f"{API}/{path}", []]).encode()
        check = sha256(sha256(scope).digest() + key.encode()).digest()[:CHECK]
        answer = api.get(path, params={"cursor": encoded(check + key.encode())})
        assert answer.status_code in ({422} if key in CURSORS else {200, 422}), key


@pytest.mark.usefixtures("before")
@pytest.mark.parametrize(
    ("method", "path", "place"),
    [
        ("GET", "prompts?namespace=a&namespace=b", "query.namespace"),
        ("GET", "prompts?q=x&q=", "query.q"),
        ("GET", "prompts?limit=1&lim%69t=1000", "query.limit"),
        ("GET", "prompts/a/one/resolve?selector=rev:1&selector=rev:2", "query.selector"),
        ("GET", "snapshots/staging?namespace=a&namespace=", "query.namespace"),
        ("DELETE", "prompts/a/one/aliases/staging?expected=2&expected=1", "query.expected"),
        ("GET", "prompts?Limit=1", "query.Limit"),
        ("GET", "prompts?limit[]=1", "query.limit[]"),
        ("GET", "blame?at=0001-01-01T00:00:00%2B23:59", "query.at"),
        ("GET", "blame?at=9999-12-31T23:59:59-23:59", "query.at"),
    ],
)
def test_a_query_of_two_meanings_is_refused(api: TestClient, method: str, path: str, place: str) -> None:
    answer = api.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")
    assert [error["place"] for error in answer.json().get("errors", [])] in ([place], [])


@on_sqlite
def test_an_address_in_a_prompt_is_never_asked(service: PromptService, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def refuse(*arguments: Any, **_: Any) -> None:
        asked.append(arguments)
        raise OSError("no network")

    urls = ["http://169.254.169.254/latest/meta-data/", "http://127.0.0.1:1/", "file:///etc/passwd", "{url}"]
    parts = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    body = {"prompt": "a/one", "spec": {"messages": [{"role": "user", "template": parts}]}, "alias": "staging"}
    with client_for(create_app(service.settings), API) as client:
        monkeypatch.setattr(socket.socket, "connect", refuse)
        monkeypatch.setattr(socket, "getaddrinfo", refuse)
        assert client.post("prompts/register", json=body).status_code == 201
        for form in ("messages", "openai", "anthropic"):
            values = {"variables": {"url": "http://metadata.google.internal/"}, "as": form}
            answer = client.post("prompts/a/one/render", json=values)
            # Some forms refuse an address that is not of the web.
            assert answer.status_code in (200, 422), answer.text
            assert b"root:" not in answer.content
        for path in ("prompts/a/one/assets", "exports/a/one/latest?format=zip", "snapshots/staging"):
            assert client.get(path).status_code == 200
    assert asked == []
