"""The page on webhooks: its receiver works, and its tables and examples are those of the code."""

import json
import re
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import Request, urlopen

import pytest
from hooks import LOOPBACK, hook, promised, worker_of
from registries import on_sqlite, write

from promptdb.domain.plan import Policy
from promptdb.domain.webhooks.events import EVENT_TYPES, PING
from promptdb.domain.webhooks.schedule import SCHEDULE
from promptdb.project.load import load_tree
from promptdb.service import PromptService
from promptdb.settings import AppSettings
from promptdb.sync.sync_tree import sync_tree

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")


def code(language: str) -> str:
    [found] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


@on_sqlite
def test_the_receiver_on_the_page_verifies_what_is_sent(
    service: PromptService, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), lambda *_: None)  # type: ignore[arg-type, return-value]
    port = server.server_address[1]
    monkeypatch.setenv("WEBHOOK_SECRET", hook(service, f"http://127.0.0.1:{port}/").secret)
    names: dict[str, Any] = {"__name__": "receiver"}
    exec(code("python"), names)
    monkeypatch.setattr(names["Receiver"], "log_message", lambda *_: None)
    server.RequestHandlerClass = names["Receiver"]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        service.register_text("support/triage", "one", alias="production")
        assert [sent.answer.status for sent in worker_of(service.registry).deliver_due()] == [204, 204]
        forged = Request(f"http://127.0.0.1:{port}/", b"{}", {"webhook-id": "msg_1"})
        with pytest.raises(OSError, match="401"):
            urlopen(forged)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert capsys.readouterr().out == "support/triage:production is at revision 1\n"


def test_every_type_is_on_the_page() -> None:
    table = re.findall(r"^\| `([a-z]+\.[a-z]+)` \|", PAGE, re.MULTILINE)
    assert table == [*EVENT_TYPES, PING]


@on_sqlite
def test_the_example_and_the_lists_name_the_fields(service: PromptService, tree: Path) -> None:
    hook(service)
    service.register_text("support/triage", "one", alias="production")
    write(tree, {"a/one.txt": "One"})
    sync_tree(service.registry, load_tree(service.settings), Policy())
    fields = {event["type"]: [key for key in event if key != "type"] for event in promised(service)}
    example = json.loads(code("json"))
    assert [*example["data"]] == fields["alias.moved"]
    for kind in ("version.created", "sync.finished"):
        [item] = re.findall(rf"^- `{kind}`: (.*?)\.\n", PAGE, re.MULTILINE | re.DOTALL)
        told = [
            name for name in re.findall(r"`(\w+)`", item.partition(". The")[0]) if name not in ("applied", "superseded")
        ]
        assert told == fields[kind]


def test_the_schedule_on_the_page_is_that_of_the_code() -> None:
    [text] = re.findall(r"others come after (.*?) hours", PAGE, re.DOTALL)
    words = re.findall(r"(\d+)(?: (seconds|minutes))?", " ".join(text.split()))
    unit = {"seconds": 1, "minutes": 60, "": 3600}
    assert [int(number) * unit[name] for number, name in words] == list(SCHEDULE[1:])


def test_the_setting_on_the_page_is_one() -> None:
    import tomllib

    AppSettings(**tomllib.loads(code("toml")))
    assert LOOPBACK
