"""Prompts of a Langfuse server: a small one over TCP, with its paging, its names and its refusals."""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from promptdb.cli.app import run
from promptdb.errors import ConfigError, PromptDBError, StorageError
from promptdb.neighbours.langfuse_server import download

NAMES = [f"team/prompt {number}" for number in range(130)]
Answer = tuple[int, object]


@pytest.fixture
def asked() -> list[str]:
    return []


@pytest.fixture
def serve(asked: list[str]) -> Iterator[Callable[..., str]]:
    servers: list[ThreadingHTTPServer] = []

    def start(answer: Callable[[str], Answer] = langfuse) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.headers["Authorization"])
                status, body = answer(self.path)
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                if status == 302:
                    self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        Thread(target=servers[-1].serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def langfuse(path: str) -> Answer:
    url = urlsplit(path)
    query, rest = parse_qs(url.query), url.path.removeprefix("/api/public/v2/prompts")
    if rest:
        assert query["label"] == ["latest"]
        return 200, {
            "name": unquote(rest[1:]),
            "version": 2,
            "type": "text",
            "prompt": "Hi {{x}}",
            "labels": ["latest"],
        }
    size, page = int(query["limit"][0]), int(query["page"][0])
    part = NAMES[(page - 1) * size : page * size]
    return 200, {"data": [{"name": name, "versions": [1, 2]} for name in part], "meta": {"page": page, "totalPages": 2}}


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGFUSE_PUBLIC_KEY", "pk")
    monkeypatch.setenv("LANGFUSE_SECRET_KEY", "sk-secret")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")


def test_every_prompt_is_fetched_in_its_newest_version(serve: Callable[..., str], asked: list[str]) -> None:
    found = json.loads(download(serve()))
    assert [item["name"] for item in found] == NAMES
    assert set(asked) == {f"Basic {b64encode(b'pk:sk-secret').decode()}"}


def test_the_command_writes_files(
    serve: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prompts").mkdir()
    assert run(["import", "--from", "langfuse", serve()]) == 0
    assert len(list((tmp_path / "prompts" / "team").iterdir())) == len(NAMES)
    assert run(["check"]) == 0
    assert run(["import", "--from", "csv", serve()]) == 2
    assert "from no server" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        ((401, {}), ConfigError, "refuses the keys"),
        ((302, {}), StorageError, "status 302"),
        ((404, {}), StorageError, "status 404"),
        ((200, b"<html>"), StorageError, "not answer as Langfuse"),
        ((200, []), StorageError, "not answer as Langfuse"),
        ((200, {"data": 1, "meta": {}}), StorageError, "not answer as Langfuse"),
        ((200, b"[" * 5_000_000), StorageError, "too large"),
        ((200, b"[" * 50_000), StorageError, "not answer as Langfuse"),
        ((200, {"data": [{"name": "a"}] * 6_000, "meta": {"totalPages": 9}}), StorageError, "more than 10,000"),
    ],
)
def test_other_answers_are_refused(
    serve: Callable[..., str], answer: Answer, error: type[PromptDBError], message: str
) -> None:
    with pytest.raises(error, match=message) as refused:
        download(serve(lambda _: answer))
    assert "sk-secret" not in f"{refused.value}{refused.value.hint}"


def test_a_page_without_prompts_is_the_last(serve: Callable[..., str]) -> None:
    assert download(serve(lambda _: (200, {"data": [], "meta": {"totalPages": 10**9}}))) == b"[]"


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("http://example.com", "needs https://"),
        ("https://user:password@example.com", "has a user"),
        ("http://127.0.0.1:1", "nothing answers there"),
    ],
)
def test_wrong_addresses_are_refused(address: str, message: str) -> None:
    with pytest.raises(PromptDBError, match=message) as refused:
        download(address)
    assert "password" not in refused.value.message.replace("a password", "")


def test_keys_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LANGFUSE_SECRET_KEY")
    with pytest.raises(ConfigError, match="no keys"):
        download("https://example.com")
