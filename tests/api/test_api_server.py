"""What only a real server shows: paths as they were sent, bodies that come slowly, and clients that hang up."""

import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from apis import API
from registries import on_sqlite
from waiting import until

from promptdb import PromptService, create_app
from promptdb.api import front

pytestmark = on_sqlite


@pytest.fixture
def port(service: PromptService) -> Iterator[int]:
    service.register_text("support/eu/triage", "Sort {ticket}", alias="production")
    running = uvicorn.Server(uvicorn.Config(create_app(service.settings), port=0, log_level="critical"))
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    until(lambda: running.started)
    yield running.servers[0].sockets[0].getsockname()[1]
    running.should_exit = True
    thread.join()


def exchange(port: int, *parts: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send the parts of a request, and read the answer to its end."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        for part in parts:
            connection.sendall(part)
        data = b""
        while more := connection.recv(65536):
            data += more
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return int(first.split()[1]), headers, body


def request(method: str, target: str, *more: str) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *more, "", ""]
    return "\r\n".join(lines).encode("latin-1")


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (f"{API}/prompts/support/eu/triage/resolve", 200),
        (f"{API}/prompts/support%2Feu%2Ftriage/resolve?selector=production", 200),
        (f"{API}/prompts/support%2feu/triage/resolve", 404),
        (f"{API}/prompts/support/eu/../eu/triage/resolve", 422),
        (f"{API}/prompts/support/./eu/triage/resolve", 422),
        (f"{API}/prompts/%2e%2e/%2e%2e/etc/passwd/resolve", 422),
        (f"{API}/prompts/support//eu/triage/resolve", 422),
        (f"{API}/prompts/support/eu/triage%00/resolve", 422),
        (f"{API}/prompts/support/eu/triage%0d%0aX:%201/resolve", 422),
        (f"{API}/prompts/support%255Ceu/triage/resolve", 422),
        (f"{API}/prompts/support/eu/triage/assets/..%2f..%2f..%2fetc%2fpasswd", 404),
        (f"{API}/prompts/support/eu/triage/assets/../../../../etc/passwd", 404),
        (f"{API}/prompts/support/eu/triage/assets/%ff%fe", 404),
        (f"{API}/../v1/prompts/support/eu/triage/resolve", 404),
        ("/api/v1%2Fprompts/support/eu/triage/resolve", 404),
        ("/%61pi/v1/prompts/support/eu/triage/resolve", 404),
        (f"http://127.0.0.1{API}/healthz", 404),
        ("*", 404),
    ],
)
def test_a_path_means_what_was_sent(port: int, target: str, status: int) -> None:
    found, headers, body = exchange(port, request("GET", target))
    assert found == status, body
    kind = "application/json" if status == 200 else "application/problem+json"
    assert headers["content-type"] == kind
    assert "x" not in headers


def test_head_has_no_body(port: int) -> None:
    target = f"{API}/prompts/support/eu/triage/resolve"
    _, got, body = exchange(port, request("GET", target))
    status, headers, nothing = exchange(port, request("HEAD", target))
    assert (status, nothing, headers["content-length"]) == (200, b"", str(len(body)))
    assert headers["etag"] == got["etag"]


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(port: int) -> None:
    start = request("POST", f"{API}/preload", "Content-Type: application/json", "Content-Length: 99999999")
    status, _, body = exchange(port, start)
    assert (status, json.loads(body)["code"]) == (413, "too-large")


def test_a_body_that_does_not_come_is_not_waited_for(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "BODY_SECONDS", 0.05)
    start = request("POST", f"{API}/preload", "Content-Type: application/json", "Content-Length: 100")
    status, _, body = exchange(port, start, b'{"alias":')
    assert (status, json.loads(body)["code"]) == (408, "request-timeout")


def test_a_client_that_hangs_up_leaves_no_error(port: int, caplog: pytest.LogCaptureFixture) -> None:
    start = request("POST", f"{API}/preload", "Content-Type: application/json", "Content-Length: 100")
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(start + b'{"alias":')
    assert exchange(port, request("GET", "/healthz"))[0] == 200
    time.sleep(0.05)
    assert [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")] == []
