"""One POST to a receiver: each way in which one can answer, or not, and the addresses that get none."""

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_network
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from certificates import make_certificates
from receiver import Handler, Receiver, answer

from promptdb.delivery import post
from promptdb.delivery.post import MAX_READ, Sender

LOOPBACK = [ip_network("127.0.0.0/8"), ip_network("::1/128")]
SENDER = Sender(LOOPBACK, timeout=30.0)
HASTY = Sender(LOOPBACK, timeout=0.3)


def raw(data: bytes, *, then: float = 0.0) -> Any:
    """An answer byte for byte, after which the connection stays open for some seconds."""

    def give(handler: Handler) -> None:
        handler.wfile.write(data)
        handler.wfile.flush()
        time.sleep(then)

    return give


def slowly(data: bytes) -> Any:
    """One byte at a time, so that no read takes long."""

    def give(handler: Handler) -> None:
        for number in range(len(data)):
            handler.wfile.write(data[number : number + 1])
            time.sleep(0.05)

    return give


def reset(handler: Handler) -> None:
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    handler.connection.close()


def without_end(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 500 Oh\r\nContent-Type: text/plain\r\n\r\n")
    for _ in range(100_000):
        handler.wfile.write(b"x" * 65_536)


@contextmanager
def listening(context: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[bytes]]]:
    """A server that answers each request with 204; its port, and what it received. With a context, over TLS."""
    received: list[bytes] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with suppress(OSError), connection if context is None else context.wrap_socket(connection, True) as found:
                found.settimeout(10)
                data = b""
                while not data.endswith(b"\r\n\r\n{}") and (more := found.recv(65_536)):
                    data += more
                received.append(data)
                found.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1], received
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def resolving_to(address: str, port: int) -> Any:
    return lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]


@pytest.mark.parametrize(
    ("given", "status", "error"),
    [
        (answer(200, b"fine"), 200, None),
        (answer(204), 204, None),
        (answer(301, Location="http://127.0.0.1:1/"), 301, "status 301: a redirect, which is not followed"),
        (answer(307, Location="http://169.254.169.254/"), 307, "status 307: a redirect, which is not followed"),
        (answer(400, b"no\x00\x1b[31m such\r\nevent"), 400, "status 400: no  [31m such  event"),
        (answer(401), 401, "status 401"),
        (answer(410), 410, "status 410"),
        (answer(500, b"\xff\xfe"), 500, "status 500: \ufffd\ufffd"),
        (answer(500, b"a" * 100_000), 500, f"status 500: {'a' * 120}"),
        (without_end, 500, f"status 500: {'x' * 120}"),
        (reset, None, "Connection reset by peer"),
        (raw(b""), None, "the receiver closed the connection"),
        (raw(b"SSH-2.0-OpenSSH_9.2\r\n"), None, "the answer is not HTTP"),
        (raw(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n"), None, "the answer is not HTTP"),
        (raw(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000), None, "the answer is not HTTP"),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort"), 200, None),
    ],
)
def test_an_answer_is_read_as_far_as_it_is_needed(
    receiver: Receiver, given: Any, status: int | None, error: str | None
) -> None:
    receiver.answers.append(given)
    found = SENDER.post(receiver.url, {}, b"{}")
    assert (found.status, found.error) == (status, error)
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    "given",
    [
        raw(b"", then=2),
        raw(b"HTTP/1.1 200 OK\r\n", then=2),
        slowly(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 40),
        raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 100, then=2),
    ],
    ids=["hangs", "half of the headers", "a byte at a time", "goes on for ever"],
)
def test_an_attempt_ends_in_time_whatever_the_receiver_does(receiver: Receiver, given: Any) -> None:
    receiver.answers.append(given)
    found = HASTY.post(receiver.url, {}, b"{}")
    assert (found.status, found.error) == (None, "no answer within 0.3 s")


def test_a_body_that_does_not_come_changes_no_success(receiver: Receiver) -> None:
    receiver.answers.append(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", then=2))
    assert HASTY.post(receiver.url, {}, b"{}").is_success


def test_the_request_is_what_was_signed(receiver: Receiver) -> None:
    body = '{"name":"Zoë"}'.encode()
    SENDER.post(f"{receiver.url}?team=a%20b", {"webhook-id": "msg_1", "Content-Type": "application/json"}, body)
    [request] = receiver.requests
    assert (request.path, request.body, request.id) == ("/hook?team=a%20b", body, "msg_1")
    assert request.headers["content-length"] == str(len(body))
    assert "authorization" not in request.headers


def test_a_retry_after_is_returned(receiver: Receiver) -> None:
    receiver.answers.append(answer(429, Retry_After="17"))
    assert SENDER.post(receiver.url, {}, b"{}").retry_after == "17"


# Addresses


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "0.0.0.0", "2130706433", "0x7f000001", "017700000001", "127.1", "0x7f.1"),
        *("[::1]", "[::ffff:127.0.0.1]", "[::]"),
    ],
)
def test_no_byte_reaches_a_private_address_in_whatever_form(receiver: Receiver, host: str) -> None:
    for scheme in ("http", "https"):
        found = Sender().post(f"{scheme}://{host}:{receiver.port}/hook", {}, b"{}")
        assert found.status is None
        assert "is not a public address" in (found.error or "") or "refused" in (found.error or "")
    assert receiver.requests == []


def test_a_private_address_is_not_even_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as (port, received):
        found = Sender().post(f"https://127.0.0.1:{port}/", {}, b"{}")
        assert found.error == "127.0.0.1 is not a public address, nor in webhook_private_networks"
    assert received == []


def test_a_name_is_resolved_once(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second answer of a rebinding name would come too late."""
    asked = []

    def answers(host: str, port: int, **_: Any) -> Any:
        asked.append(host)
        address = "127.0.0.1" if len(asked) == 1 else "10.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", answers)
    assert SENDER.post(f"http://rebinding.example:{receiver.port}/hook", {}, b"{}").is_success
    assert asked == ["rebinding.example"]


def test_a_name_with_a_private_address_is_refused(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", resolving_to("127.0.0.1", receiver.port))
    found = Sender().post("https://hooks.example.com/", {}, b"{}")
    assert found.error == "127.0.0.1 is not a public address, nor in webhook_private_networks"


def test_the_connected_peer_decides_not_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network may lead a public address to a private one."""
    with listening() as (port, received):
        monkeypatch.setattr(socket, "getaddrinfo", resolving_to("93.184.215.14", 443))
        connect = socket.socket.connect
        monkeypatch.setattr(socket.socket, "connect", lambda self, _: connect(self, ("127.0.0.1", port)))
        found = Sender().post("https://hooks.example.com/", {}, b"{}")
        assert found.error == "127.0.0.1 is not a public address, nor in webhook_private_networks"
    assert received == [b""]


def test_http_is_for_named_networks_only(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", resolving_to("93.184.215.14", 80))
    found = SENDER.post("http://hooks.example.com/", {}, b"{}")
    assert found.error == "http without TLS is only for webhook_private_networks, and 93.184.215.14 is in none"


def test_no_proxy_of_the_environment_is_used(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert SENDER.post(receiver.url, {}, b"{}").is_success


def test_another_address_of_a_name_is_tried(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = [("10.0.0.1", 1), ("127.0.0.1", 1), ("127.0.0.1", receiver.port)]
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    assert SENDER.post(f"http://hooks.example.com:{receiver.port}/hook", {}, b"{}").is_success


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("https://no-such-host.invalid/", "the host has no address"),
        (f"https://{'a' * 64}.example/", "the host has no address"),
        ("http://127.0.0.1:1/", "Connection refused"),
    ],
)
def test_without_a_connection_the_reason_is_reported(url: str, error: str) -> None:
    assert SENDER.post(url, {}, b"{}").error == error


# TLS


def test_a_certificate_is_verified(tmp_path: Path) -> None:
    make_certificates(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    with listening(server) as (port, received):
        url = f"https://127.0.0.1:{port}/"
        assert (SENDER.post(url, {}, b"{}").error or "").startswith("the certificate is not trusted: ")
        trusting = Sender(LOOPBACK, context=ssl.create_default_context(cafile=tmp_path / "authority.crt"))
        assert trusting.post(url, {}, b"{}").status == 204
    assert len(received) == 1


def test_a_server_that_does_not_speak_tls_is_reported(receiver: Receiver) -> None:
    found = SENDER.post(receiver.url.replace("http:", "https:"), {}, b"{}")
    assert (found.error or "").startswith("TLS failed: ")


def test_a_handshake_that_hangs_ends_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        found = HASTY.post(f"https://127.0.0.1:{silent.getsockname()[1]}/", {}, b"{}")
    assert found.error == "no answer within 0.3 s"


def test_no_more_of_a_body_is_read_than_a_kilobyte(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    read = post.HTTPResponse.read
    monkeypatch.setattr(post.HTTPResponse, "read", lambda self, size=None: sizes.append(size) or read(self, size))
    receiver.answers += [answer(200, b"x" * 9000), answer(500, b"x" * 9000)]
    for _ in range(2):
        SENDER.post(receiver.url, {}, b"{}")
    assert sizes == [MAX_READ, MAX_READ]
