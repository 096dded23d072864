"""`promptdb serve` of docs/api.md: a real process, its log, its signals, and what it refuses."""

import http.client
import json
import signal
import socket
import sys
from pathlib import Path

import pytest
from apis import bearer, token_of
from registries import on_sqlite
from servers import Raw, Served, get, in_thread, promptdb_serve

from promptdb import AppSettings, PromptService, create_app
from promptdb.api import connections
from promptdb.api.server import _config, listen
from promptdb.cli.app import run
from promptdb.errors import ConfigError


def ask(served: Served, path: str, **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


@on_sqlite
@pytest.mark.slow
def test_the_log_has_one_object_for_each_request_and_no_secret(service: PromptService) -> None:
    service.register_text("a/secret-name", "Hello")
    token = token_of(service, "read", name="reader")
    with promptdb_serve(service.settings) as served:
        path = "/api/v1/prompts/a/secret-name/resolve?selector=latest"
        answer = ask(served, path, **bearer(token), **{"X-Request-Id": "mine-1"})
        assert (answer.status, answer.headers["server"]) == (200, None)
        assert ask(served, "/api/v1/nothing?x=%0Aforged", Authorization="Bearer pdb_" + "x" * 36).status == 401
        assert served.stop() == 0
    requests = [line for line in served.lines if line["message"] == "request"]
    first, second = requests
    assert first["level"] == "info"
    fields = {name: first[name] for name in ("request_id", "method", "route", "status", "actor")}
    expected = ("mine-1", "GET", "/prompts/{prompt}/resolve", 200, "token:reader")
    assert tuple(fields.values()) == expected
    assert first["sent"] == int(answer.headers["content-length"])
    assert first["milliseconds"] > 0
    assert (second["status"], second["actor"], second["route"]) == (401, None, None)
    log = json.dumps(served.lines)
    assert token not in log
    assert "x" * 36 not in log
    assert "secret-name" not in log


@on_sqlite
@pytest.mark.slow
@pytest.mark.parametrize(
    ("workers", "how", "code"),
    [
        ("1", signal.SIGINT, 130),
        ("2", signal.SIGTERM, 0),
        pytest.param("1", signal.SIGTERM, 0, marks=pytest.mark.soak),
        pytest.param("2", signal.SIGINT, 130, marks=pytest.mark.soak),
    ],
)
def test_a_signal_says_goodbye_to_streams_and_ends_the_server(
    service: PromptService, how: signal.Signals, code: int, workers: str
) -> None:
    with (
        promptdb_serve(service.settings, "--workers", workers) as served,
        Raw(served.port, get("/api/v1/events")) as raw,
    ):
        assert raw.head()[0] == 200
        while b"data:" not in raw.file.readline():
            pass
        assert served.stop(how) == code
        assert b"event: goodbye" in raw.file.read()
    ended = [line["route"] for line in served.lines if line["message"] == "request"]
    assert ended == ["/events"], "the last lines are written, although a worker ends by its signal"


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["serve", *arguments]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    return err


@on_sqlite
def test_a_server_without_tokens_listens_on_this_machine_only(
    service: PromptService, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMPTDB_DATABASE_URL", service.settings.database_url.get_secret_value())
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.com", ""):
        err = refusal(capsys, "--host", host)
        assert "the registry has no token" in err
        assert "promptdb token create" in err


@pytest.mark.parametrize("workers", [1, 2])
def test_no_worker_believes_a_proxy(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    assert not _config(AppSettings(), workers).proxy_headers


def test_a_server_needs_a_registry_and_the_extra(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PROMPTDB_DATABASE_URL", f"sqlite:///{tmp_path}/none.sqlite3")
    assert "there is no database" in refusal(capsys)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert "pip install 'promptdb-git[api]'" in refusal(capsys)


def test_a_port_that_is_in_use_is_reported_with_the_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1 port {port}: ") as caught:
            listen("127.0.0.1", port)
    assert "choose another --port" in str(caught.value.hint)
    with pytest.raises(ConfigError, match="cannot find the host 'x x'"):
        listen("x x", 0)
    with pytest.raises(ConfigError, match=r"cannot listen on 192\.0\.2\.1"):
        listen("192.0.2.1", 0)


def test_all_addresses_of_a_host_have_the_same_port() -> None:
    sockets = listen("localhost", 0)
    assert len({one.getsockname()[1] for one in sockets}) == 1
    for one in sockets:
        one.close()


@on_sqlite
def test_what_is_not_http_gets_problem_details(service: PromptService) -> None:
    with in_thread(create_app(service.settings)) as port:
        for data in (b"NONSENSE\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"):
            with Raw(port, data) as raw:
                status, headers, body = raw.answer()
                assert (status, headers["content-type"]) == (400, "application/problem+json")
                assert json.loads(body)["code"] == "bad-request"
                assert raw.file.read() == b""


@on_sqlite
@pytest.mark.parametrize("first", [b"", b"GET /healthz HTTP/1.1\r\n"], ids=["at once", "in parts"])
@pytest.mark.parametrize("size", [20_000, 70_000])
def test_headers_have_a_limit_however_they_arrive(service: PromptService, first: bytes, size: int) -> None:
    with in_thread(create_app(service.settings)) as port, Raw(port, first) as raw:
        start = b"GET /healthz HTTP/1.1\r\n" if not first else b""
        raw.socket.sendall(start + b"Host: localhost\r\nX: " + b"x" * size + b"\r\n\r\n")
        status, headers, body = raw.answer()
        assert (status, headers["content-type"]) == (431, "application/problem+json")
        assert (json.loads(body)["code"], "16,384" in json.loads(body)["detail"]) == ("headers-too-large", True)


@on_sqlite
def test_an_upgrade_is_ignored_and_not_logged(service: PromptService, caplog: pytest.LogCaptureFixture) -> None:
    asked = get("/healthz").replace(b"\r\n\r\n", b"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
    with in_thread(create_app(service.settings)) as port, Raw(port, asked) as raw:
        assert raw.answer()[0] == 200
    assert "WebSocket" not in caplog.text


@on_sqlite
def test_slow_requests_and_too_many_connections_are_ended(
    service: PromptService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.2)
    with in_thread(create_app(service.settings)) as port:
        whole = get("/healthz")
        for start, ahead in ((b"", 0), (b"GET /healthz HT", 0), (whole, 1)):
            with Raw(port, start) as raw:
                for _ in range(ahead):
                    assert raw.answer()[0] == 200
                if start == whole:
                    # A client that begins another request does not get the time of an idle one.
                    raw.socket.sendall(b"GE")
                assert raw.answer()[0] == 408
                assert raw.file.read() == b""
        monkeypatch.setattr(connections, "most_connections", lambda: 1)
        with Raw(port, whole) as first:
            assert first.answer()[0] == 200
            with Raw(port) as second:
                status, headers, body = second.answer()
                assert (status, headers["retry-after"], json.loads(body)["code"]) == (503, "5", "unavailable")
            first.socket.sendall(whole)
            assert first.answer()[0] == 200
