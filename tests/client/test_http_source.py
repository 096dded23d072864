"""The source http: what it asks, what it refuses, and how it learns of changes."""

import logging
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import active_count

import pytest
from certificates import make_certificates
from prompt_server import Handler, PromptServer, counted, prompt_server
from registries import NewRegistry, write
from waiting import until

from promptdb.client import health
from promptdb.client.client import PromptClient
from promptdb.client.sources import http, http_connection, http_events
from promptdb.client.sources.http import HttpSource
from promptdb.client.sources.http_events import events
from promptdb.domain.delivery import Reason, Status
from promptdb.domain.refs import PromptRef
from promptdb.domain.wire.versions import encode_version
from promptdb.errors import ConfigError, Forbidden, IntegrityFailure, PromptDBError, PromptNotFound, StorageError
from promptdb.service import PromptService
from promptdb.settings import AppSettings

REF = "a/one:production"


@pytest.fixture
def service(new_registry: NewRegistry) -> PromptService:
    service = new_registry()
    service.register_text("a/one", "1", alias="production")
    return service


@pytest.fixture
def server(service: PromptService) -> Iterator[PromptServer]:
    with prompt_server(service.reader) as server:
        yield server


@pytest.fixture
def client(server: PromptServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[PromptClient]:
    """A client that tries again at once, and otherwise only follows the stream."""
    monkeypatch.setattr(health, "FIRST_RETRY", 0.01)
    monkeypatch.setattr(health, "LAST_RETRY", 0.02)
    with PromptClient(HttpSource(server.settings()), ttl=3600) as client:
        yield client


@pytest.fixture
def hasty(server: PromptServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[PromptClient]:
    """One that asks often, too."""
    monkeypatch.setattr(health, "FIRST_RETRY", 0.01)
    monkeypatch.setattr(health, "LAST_RETRY", 0.02)
    with PromptClient(HttpSource(server.settings()), ttl=0.3) as client:
        yield client


def promote(service: PromptService, text: str) -> None:
    service.register_text("a/one", text, alias="production")


def sees(client: PromptClient, text: str) -> None:
    until(lambda: client.get(REF).render_text() == text)


# Requests


def test_each_request_says_who_asks_and_nothing_more(service: PromptService, server: PromptServer) -> None:
    server.token = "pdb_secret"
    with PromptClient.from_settings(server.settings(token="pdb_secret")) as client:
        client.get(REF)
    assert {found["User-Agent"] for found in server.headers} == {"promptdb/0.1.0"}
    assert {found["Authorization"] for found in server.headers} == {"Bearer pdb_secret"}
    assert {found["Accept-Encoding"] for found in server.headers} == {"identity"}


def test_many_references_are_one_request(service: PromptService, server: PromptServer, client: PromptClient) -> None:
    refs = [f"b/p{number}:production" for number in range(5)]
    for number, ref in enumerate(refs):
        service.register_text(ref.partition(":")[0], str(number), alias="production")
    client.get(REF)
    found = client.get_many([*refs, REF])
    assert [prompt.render_text() for prompt in found.values()] == ["0", "1", "2", "3", "4", "1"]
    assert {prompt.reason for ref, prompt in found.items() if ref != REF} == {Reason.STATIC}
    assert (counted(server, "preload"), counted(server, "resolve")) == (2, 0)
    with pytest.raises(PromptNotFound, match="there is no prompt a/none"):
        client.get_many(["a/none", "a/neither", REF])


def test_everything_anew_is_one_request(service: PromptService, server: PromptServer, client: PromptClient) -> None:
    for number in range(5):
        service.register_text(f"b/p{number}", str(number), alias="production")
    client.preload()
    client.get_many(["b/p1:production", "b/p2:production"])
    server.asked.clear()
    service.promote_all("latest", "staging")
    promote(service, "2")
    sees(client, "2")
    assert counted(server, "resolve") == 0


def test_more_references_than_the_server_takes_are_several_requests(
    server: PromptServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "AT_ONCE", 2)
    source = HttpSource(server.settings())
    found = source.find_many([PromptRef.parse(f"a/one:rev:{revision}") for revision in (1, 2, 1, 2, 1)])
    assert [isinstance(one, PromptDBError) for one in found] == [False, True, False, True, False]
    assert counted(server, "preload") == 3
    source.close()


def test_the_pages_of_a_list_are_followed_within_a_bound(
    service: PromptService, server: PromptServer, client: PromptClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2, 8):
        service.register_text("a/one", str(number))
    assert client.list_versions("a/one") == service.list_versions("a/one")
    assert client.list_versions("a/one", 3) == service.list_versions("a/one", 3)
    monkeypatch.setattr(http, "MAX_PAGES", 3)
    with pytest.raises(StorageError, match="a list has more than 3 pages"):
        client.list_versions("a/one")


def test_names_with_words_of_routes_are_asked_for_as_they_are(service: PromptService, client: PromptClient) -> None:
    for name in ("a/assets/b", "a/b/resolve", "resolve/versions"):
        service.register_text(name, name)
        assert client.get(name).render_text() == name
        assert len(client.list_versions(name)) == 1


def test_assets_are_checked_while_they_are_read(
    service: PromptService, server: PromptServer, client: PromptClient
) -> None:
    write(
        service.settings.prompts_path,
        {"a/table.yaml": "template: T\nassets: [{path: _d/r 1.csv}]\n", "a/_d/r 1.csv": b"1,2\n" * 50_000},
    )
    service.register_file(service.settings.prompts_path / "a/table.yaml")
    found = client.get("a/table")
    with found.asset("_d/r 1.csv") as stream:
        assert stream.read() == b"1,2\n" * 50_000
    assert [asset.path for asset in found.assets] == ["_d/r 1.csv"]
    for data in (b"1,3\n" * 50_000, b"short", b"1,2\n" * 50_000 + b"more"):
        server.faults["/assets/"] = lambda handler, data=data: handler.send(200, data, "text/csv")
        with found.asset("_d/r 1.csv") as stream, pytest.raises(IntegrityFailure, match="do not have their digest"):
            stream.read()
    server.faults["/assets/"] = lambda handler: handler.raw(
        b"HTTP/1.1 200 OK\r\nContent-Type: x\r\nContent-Length: 200000\r\n\r\n1,2\n"
    )
    with found.asset("_d/r 1.csv") as stream, pytest.raises(StorageError, match="the connection was cut"):
        stream.read()


# Answers that are none


def html(status: int) -> Callable[[Handler], object]:
    return lambda handler: handler.send(status, b"<html>Bad gateway</html>", "text/html")


def drip(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n")
    for _ in range(2000):
        handler.wfile.write(b" ")
        time.sleep(0.005)


def moved(handler: Handler) -> None:
    handler.send(302, b"", Location=f"http://127.0.0.1:{handler.server.state.port}/elsewhere")


WRONG: dict[str, tuple[Callable[[Handler], object], str]] = {
    "page of a proxy": (html(200), "'text/html' instead of JSON"),
    "502 of a proxy": (html(502), "answers 502"),
    "500": (lambda handler: handler.problem(500, "internal-error", "the server failed"), "answers 500"),
    "404 of another server": (html(404), "there is no API at http://127"),
    "no HTTP": (lambda handler: handler.raw(b"220 mail.example.com ESMTP\r\n"), "the connection was cut"),
    "nothing": (lambda handler: handler.raw(b""), "the connection was cut"),
    "cut": (
        lambda handler: handler.raw(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
        ),
        "the connection was cut",
    ),
    "half of JSON": (lambda handler: handler.send(200, b'{"id": "'), "it is not valid JSON"),
    "deep JSON": (lambda handler: handler.send(200, b"[" * 200_000), "it is not valid JSON"),
    "another value": (lambda handler: handler.json([1]), "gave a wrong answer"),
    "huge": (lambda handler: handler.send(200, b" " * 2_000_000), "more than 1 MiB"),
    "compressed": (
        lambda handler: handler.send(200, b"\x1f\x8b", **{"Content-Encoding": "gzip"}),
        "instead of JSON",
    ),
    "slow drip": (drip, "takes too long"),
    "redirect": (moved, "leads to another address"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_answer_is_refused_with_its_reason_and_the_last_good_value_stays(
    service: PromptService, server: PromptServer, hasty: PromptClient, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    client = hasty
    monkeypatch.setattr(http_connection, "MAX_ANSWER", 2**20)
    monkeypatch.setattr(http_connection, "ANSWER", 0.3)
    monkeypatch.setattr(http_connection, "CONNECT", 0.2)
    fault, reason = WRONG[name]
    client.get(REF)
    source = HttpSource(server.settings())
    server.faults = {"resolve": fault, "preload": fault, "changes": fault}
    with pytest.raises(StorageError) as caught:
        source.find(PromptRef.parse(REF))
    assert reason in caught.value.message
    source.close()
    promote(service, "2")
    until(lambda: client.status() is Status.STALE)
    assert client.get(REF).render_text() == "1"
    assert not [target for target in server.asked if "elsewhere" in target]
    server.faults.clear()
    until(lambda: client.status() is Status.READY)


def test_a_version_whose_spec_was_changed_is_refused(server: PromptServer) -> None:
    source = HttpSource(server.settings())
    found = server.reader.find(PromptRef.parse(REF))
    server.faults["resolve"] = lambda handler: handler.send(200, encode_version(found, ()).replace(b'"1"', b'"2"'))
    with pytest.raises(StorageError, match="the spec of a/one:rev:1 does not have its digest"):
        source.find(PromptRef.parse("a/one:rev:1"))
    source.close()


def test_answers_to_other_references_are_refused(server: PromptServer) -> None:
    source = HttpSource(server.settings())
    for value in ({"answers": []}, {"answers": [{"ref": "a/two"}]}, {"answers": [1]}, {"other": 1}):
        server.faults["preload"] = lambda handler, value=value: handler.json(value)
        with pytest.raises(StorageError, match="gave a wrong answer"):
            source.find_many([PromptRef.parse("a/one")])
    source.close()


@pytest.mark.parametrize(
    ("token", "status", "message"),
    [
        (None, 401, "a token|the token is needed"),
        ("pdb_x", 401, "does not accept the token"),
        ("pdb_x", 403, "refuses this request|no"),
    ],
)
def test_a_token_that_is_refused_is_named_and_tried_again(
    server: PromptServer,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    token: str | None,
    status: int,
    message: str,
) -> None:
    monkeypatch.setattr(health, "FIRST_RETRY", 0.01)
    caplog.set_level(logging.DEBUG)
    server.faults["/"] = lambda handler: handler.problem(status, "unauthenticated", "no")
    with PromptClient.from_settings(server.settings(**({"token": token} if token else {}))) as client:
        with pytest.raises(ConfigError, match=message) as caught:
            client.get(REF)
        assert "PROMPTDB_TOKEN" in (caught.value.hint or "")
        said = f"{caught.value!r} {caught.value.__cause__!r} {caplog.text} {vars(client._source)!r} {client._source!r}"
        assert "pdb_x" not in said
        server.faults.clear()
        until(lambda: client.status() is Status.READY)


def test_a_server_that_is_lost_after_its_stream_is_noticed(server: PromptServer, client: PromptClient) -> None:
    client.get(REF)
    until(lambda: counted(server, "events") > 0)
    for name in ("events", "wait="):
        server.faults[name] = lambda handler: handler.problem(502, "storage-error", "it is lost")
    server.asked.clear()
    server.cut()
    until(lambda: any("changes" in target and "wait=" not in target for target in server.asked))
    assert client.status() is Status.READY
    server.stop()
    until(lambda: client.status() is Status.STALE)


def test_one_prompt_that_a_token_may_not_read_is_no_outage(
    service: PromptService, server: PromptServer, client: PromptClient
) -> None:
    service.register_text("legal/x", "1", alias="production")
    client.get(REF)
    server.faults["legal"] = lambda handler: handler.problem(403, "forbidden", "the token lacks the scope read@legal")
    for _ in range(3):
        with pytest.raises(Forbidden, match="answers 403: the token lacks the scope read@legal") as caught:
            client.get("legal/x:rev:1")
        assert "PROMPTDB_TOKEN" in (caught.value.hint or "")
        service.register_text(f"a/{_}", "1")
        assert client.get(f"a/{_}").render_text() == "1"
    assert client.status() is Status.READY


def test_a_server_that_asks_for_a_pause_gets_it(server: PromptServer, monkeypatch: pytest.MonkeyPatch) -> None:
    source = HttpSource(server.settings())
    server.faults["/"] = lambda handler: handler.problem(503, "unavailable", "busy", **{"Retry-After": "3600"})
    for _ in range(5):
        with pytest.raises(StorageError, match="answers 503"):
            source.find(PromptRef.parse(REF))
    assert len(server.asked) == 1
    assert source._server._busy_until - time.monotonic() <= http_connection.MAX_PAUSE
    source.close()


def test_no_variable_names_a_proxy(server: PromptServer, client: PromptClient, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert client.get(REF).render_text() == "1"


def test_tls_is_verified(service: PromptService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    with prompt_server(service.reader, context) as server:
        with PromptClient.from_settings(server.settings()) as client, pytest.raises(StorageError, match="certificate"):
            client.get(REF)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.crt"))
        with PromptClient.from_settings(server.settings()) as client:
            client.get(REF)
            promote(service, "2")
            sees(client, "2")
            child = os.fork()
            if child == 0:
                try:
                    promote_in = client.get("a/one:rev:2").render_text()
                    sees(client, "2")
                    os._exit(promote_in != "2")
                finally:
                    os._exit(1)
            assert os.waitpid(child, 0)[1] == 0
            # Neither the child's requests nor its end has touched the stream of the parent.
            streams = counted(server, "events")
            promote(service, "3")
            sees(client, "3")
            assert counted(server, "events") == streams


# Changes


def test_a_promotion_is_pushed(service: PromptService, server: PromptServer, client: PromptClient) -> None:
    client.get(REF)
    until(lambda: counted(server, "events") == 1)
    for text in ("2", "3"):
        promote(service, text)
        sees(client, text)
    assert (counted(server, "events"), counted(server, "wait=")) == (1, 0)


def test_what_was_missed_is_found_after_a_reconnect(
    service: PromptService, server: PromptServer, client: PromptClient
) -> None:
    client.get(REF)
    until(lambda: counted(server, "events") == 1)
    for says_goodbye, text in ((False, "2"), (True, "3")):
        server.stop(says_goodbye=says_goodbye)
        until(lambda: client.status() is Status.STALE)
        promote(service, text)
        assert client.get(REF).render_text() != text
        server.start()
        sees(client, text)
        until(lambda: client.status() is Status.READY)
        # A loss is news only to whoever was connected.
        until(lambda: client._source._watch._generation is not None)


def test_without_a_stream_there_are_long_polls_and_the_stream_comes_back(
    service: PromptService, server: PromptServer, client: PromptClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_events, "LONG_POLL", 0.2)
    monkeypatch.setattr(http_events, "POLLING", 0.5)
    server.faults["events"] = html(200)
    client.get(REF)
    until(lambda: counted(server, "wait=") > 0)
    promote(service, "2")
    sees(client, "2")
    server.faults.clear()
    streams = counted(server, "events")
    until(lambda: counted(server, "events") > streams)
    polls = counted(server, "wait=")
    promote(service, "3")
    sees(client, "3")
    assert counted(server, "wait=") == polls


def test_a_server_that_is_lost_before_the_stream_is_found_out(server: PromptServer) -> None:
    source = HttpSource(server.settings())
    since = source.changes(None).generation
    server.stop()
    source.wait(since, 3600.0, lambda: False)
    server.start()
    source.wait(since, 3600.0, lambda: False)
    source.close()


def test_an_outage_is_found_by_the_first_long_poll(server: PromptServer, client: PromptClient) -> None:
    server.faults["events"] = html(404)
    client.get(REF)
    until(lambda: counted(server, "wait=25") > 0)
    server.stop()
    until(lambda: client.status() is Status.STALE)


def test_without_stream_and_long_polls_there_is_the_time_to_live(
    service: PromptService, server: PromptServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.faults = {"events": html(200), "wait=": html(504)}
    with PromptClient(HttpSource(server.settings()), ttl=0.3) as client:
        client.get(REF)
        promote(service, "2")
        sees(client, "2")
        assert client.status() is Status.READY


def test_a_silent_stream_counts_as_dead(
    service: PromptService, server: PromptServer, client: PromptClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_events, "SILENCE", 0.2)

    def silent(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: hello\n\n")
        time.sleep(60)

    server.faults["events"] = silent
    client.get(REF)
    until(lambda: counted(server, "wait=") > 0)
    promote(service, "2")
    sees(client, "2")


@pytest.mark.parametrize("state", ["stream", "long poll", "not connected"])
def test_closing_ends_each_thread_at_once(server: PromptServer, state: str) -> None:
    if state == "long poll":
        server.faults["events"] = html(404)
    before = active_count()
    client = PromptClient(HttpSource(server.settings()), ttl=3600)
    client.get(REF)
    if state == "not connected":
        server.stop()
    else:
        until(lambda: counted(server, "events" if state == "stream" else "wait=") > 0)
    client.close()
    server.stop()
    until(lambda: active_count() <= before)
    assert client.get(REF).render_text() == "1"


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: 1\n\n", [("message", "1")]),
        (b"event: changes\r\nid: x\r\ndata: 1\r\ndata: 2\r\n\r\n", [("changes", "1\n2")]),
        (b": ping\n\nevent: goodbye\ndata:\n\n", [("goodbye", "")]),
        (b"event: changes\n\ndata: 1\n\n", [("message", "1")]),
        (b"event: changes\ndata: never ended", []),
        (b"nonsense\n\xff\xfe\n\ndata\n\n", [("message", "")]),
    ],
)
@pytest.mark.parametrize("length", [1, 7, 1000])
def test_events_are_read_from_parts_of_any_length(stream: bytes, expected: list[tuple[str, str]], length: int) -> None:
    assert list(events(stream[start : start + length] for start in range(0, len(stream), length))) == expected


@pytest.mark.parametrize("line", [b"x" * 20, b"data: 1\n"])
def test_an_event_without_end_is_refused(monkeypatch: pytest.MonkeyPatch, line: bytes) -> None:
    monkeypatch.setattr(http_events, "MAX_EVENT", 100)
    with pytest.raises(StorageError, match="an event is too large"):
        list(events(line for _ in range(100)))


# Starting


def test_without_a_server_a_start_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with PromptClient.from_settings(AppSettings(source="http", url=f"http://127.0.0.1:{port}")) as client:
        with pytest.raises(StorageError, match=f"cannot read from http://127.0.0.1:{port}: nothing answers there"):
            client.get(REF)
        with pytest.raises(StorageError, match="nothing answers there"):
            client.wait_ready(0.01)
        assert client.get(REF, fallback="x").reason is Reason.DEFAULT


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (404, "are PROMPTDB_URL and PROMPTDB_API_PREFIX right?"),
        (429, "it limits requests; the client asks again"),
        (502, "see the log of the server"),
    ],
)
def test_a_page_of_another_program_has_a_hint_that_helps(server: PromptServer, status: int, hint: str) -> None:
    server.faults["/"] = html(status)
    with pytest.raises(StorageError) as caught:
        HttpSource(server.settings()).find(PromptRef.parse("a/one:rev:1"))
    assert caught.value.hint == hint


def test_a_server_below_a_path(server: PromptServer) -> None:
    source = HttpSource(server.settings(url=f"{server.url}/base/"))
    with pytest.raises(StorageError, match=f"there is no API at {server.url}/base/api/v1"):
        source.find(PromptRef.parse("a/one:rev:1"))
    assert server.asked == ["/base/api/v1/prompts/a/one/resolve?selector=rev%3A1"]
    source.close()


def test_http_needs_a_url() -> None:
    with pytest.raises(ConfigError, match="no server is named") as caught:
        PromptClient.from_settings(AppSettings(source="http"))
    assert caught.value.hint == "set PROMPTDB_URL"
