"""Snapshots on servers: fetched again only if they changed, within limits of size and time, and published."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from certificates import make_certificates
from fake_s3 import Reply, fake_s3
from registries import s3_settings
from s3 import S3Server
from snapshots import OTHER, packed, record
from waiting import until

from promptdb.blobs import download
from promptdb.client import health
from promptdb.client.client import PromptClient
from promptdb.client.sources.snapshot import SnapshotSource
from promptdb.domain.delivery import Status
from promptdb.errors import ConfigError, Conflict, IntegrityFailure, StorageError
from promptdb.registry.stores import blob_store
from promptdb.settings import AppSettings
from promptdb.transfer import snapshot_remote
from promptdb.transfer.snapshot_remote import publish

REF = "a/one:production"
DATA = packed([record("a/one")])
NEWER = packed([record("a/one", 2)], 2)


@dataclass
class Server:
    """Answers conditional requests by `validator`: the name of the header that gives the state of a file."""

    data: bytes = DATA
    validator: str | None = "ETag"
    statuses: list[int] = field(default_factory=list)
    port: int = 0


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            mark = f'"{hash(state.data)}"'
            known = self.headers.get("If-None-Match") or self.headers.get("If-Modified-Since")
            status = 304 if state.validator and known == mark else 200
            state.statuses.append(status)
            self.send_response_only(status)
            if state.validator:
                self.send_header(state.validator, mark)
            if status == 200:
                self.send_header("Content-Length", str(len(state.data)))
            self.end_headers()
            if status == 200:
                self.wfile.write(state.data)

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = http.server_address[1]
    thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    http.shutdown()
    http.server_close()
    thread.join()


def source_at(address: str) -> SnapshotSource:
    return SnapshotSource(AppSettings(snapshot=address))


@pytest.mark.parametrize("validator", ["ETag", "Last-Modified", None])
def test_what_did_not_change_is_not_sent_again(server: Server, validator: str | None) -> None:
    server.validator = validator
    source = source_at(f"http://127.0.0.1:{server.port}/prompts.snapshot?token=secret")
    state = source.changes(None).generation
    assert source.changes(state).prompts == frozenset()
    server.data = NEWER
    assert source.changes(state).prompts is None
    assert server.statuses == ([200, 304, 200] if validator else [200, 200, 200])
    source.close()


def test_a_client_follows_a_server_and_outlives_it(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "FIRST_RETRY", 0.01)
    monkeypatch.setattr(health, "LAST_RETRY", 0.02)
    monkeypatch.setattr(download, "PATIENCE", 0.0)
    with PromptClient(source_at(f"http://127.0.0.1:{server.port}/x"), ttl=0.05) as client:
        assert client.get(REF).render_text() == "1"
        server.data = b"<html>"
        until(lambda: client.status() is Status.STALE)
        asked = len(server.statuses)
        until(lambda: len(server.statuses) > asked + 2)
        assert server.statuses[asked + 1 :].count(200) == 0  # a refused file is not sent again and again
        assert client.get(REF).render_text() == "1"
        server.data = NEWER
        until(lambda: client.get(REF).render_text() == "2")
        until(lambda: client.status() is Status.READY)


@pytest.mark.parametrize(
    ("reply", "error", "message"),
    [
        (Reply(404), StorageError, "there is no http://127.0.0.1"),
        (Reply(403), StorageError, "refuses access to"),
        (Reply(302, headers={"Location": "http://169.254.169.254/"}), StorageError, "leads to another address"),
        (Reply(304), StorageError, "answered with the status 304"),
        (Reply(200, b"x" * 2000), IntegrityFailure, "has more than"),
        (Reply(200, DATA[:1000], sent=10), StorageError, "the connection was cut"),
    ],
)
def test_what_a_server_may_answer_instead(
    reply: Reply, error: type[Exception], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot_remote, "MAX_DOWNLOAD", 1900)
    with fake_s3(reply) as fake:
        source = source_at(f"http://{fake.endpoint}/x?token=secret")
        with pytest.raises(error, match=message) as caught:
            source.changes(None)
        assert "secret" not in str(caught.value)
        source.close()


def test_a_server_that_is_slow_is_given_up(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "MAX_SECONDS", -1.0)
    source = source_at(f"http://127.0.0.1:{server.port}/x")
    with pytest.raises(StorageError, match="took more than"):
        source.changes(None)
    source.close()


def test_nothing_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PATIENCE", 0.0)
    with pytest.raises(StorageError, match="nothing answers there"):
        source_at("http://127.0.0.1:1/x").changes(None)


def test_a_certificate_of_a_stranger_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    with fake_s3(Reply(200, DATA), tls=context) as fake:
        source = source_at(f"https://{fake.endpoint}/x")
        with pytest.raises(StorageError, match="its certificate or its TLS is not accepted"):
            source.changes(None)
        source.close()
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.crt"))
        trusting = source_at(f"https://{fake.endpoint}/x")
        assert trusting.changes(None).generation is not None
        trusting.close()


# S3


@pytest.fixture
def settings(s3_server: S3Server) -> AppSettings:
    return AppSettings(**s3_settings(s3_server))


def test_a_snapshot_is_published_only_if_it_differs_and_never_an_older_one(
    settings: AppSettings, tmp_path: Path
) -> None:
    blob_store(settings).claim(OTHER, "makes the bucket")
    address, file = f"s3://{settings.minio_bucket}/deep/prompts.snapshot", tmp_path / "s"

    def put(data: bytes) -> bool:
        file.write_bytes(data)
        return publish(address, settings, file)

    source = SnapshotSource(settings.model_copy(update={"snapshot": AppSettings(snapshot=address).snapshot}))
    with pytest.raises(StorageError, match="there is no s3://"):
        source.changes(None)
    assert put(DATA)
    state = source.changes(None).generation
    assert not put(DATA)
    assert not put(packed([record("a/one")], 2))
    assert source.changes(state).prompts == frozenset()
    assert put(packed([record("a/one", 2)], 3))
    assert source.changes(state).prompts is None
    with pytest.raises(Conflict, match="is newer"):
        put(DATA)
    with pytest.raises(Conflict, match="another registry"):
        put(packed([record("a/one")], 9, OTHER))
    with pytest.raises(ConfigError, match="cannot be published to"):
        publish("https://example.com/x", settings, file)
    source.close()
