"""`promptdb dashboard`: where it listens, what it needs, and whom it answers."""

import os
import re
import signal
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path
from urllib.request import urlopen

import pytest
import streamlit.config
from dashboards import environment_of, visit
from registries import on_sqlite

from promptdb import PromptService
from promptdb.cli.app import run
from promptdb.dashboard.launch import OPTIONS, free_port
from promptdb.dashboard.links import to_prompts
from promptdb.dashboard.opened import refusal
from promptdb.errors import ConfigError


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["dashboard", *arguments]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    return err


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", ""])
def test_others_reach_it_only_with_tokens_of_their_own(
    host: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "set PROMPTDB_URL" in refused(capsys, "--host", host)
    monkeypatch.setenv("PROMPTDB_URL", "https://prompts.example.com")
    monkeypatch.setenv("PROMPTDB_TOKEN", "pdb_secret")
    err = refused(capsys, "--host", host)
    assert "unset PROMPTDB_TOKEN" in err
    assert "pdb_secret" not in err


def test_it_needs_the_extra(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "streamlit", None)
    assert "pip install 'promptdb-git[dashboard]'" in refused(capsys)


def test_a_port_in_use_and_a_strange_host_are_errors_with_a_remedy() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as other,
        pytest.raises(ConfigError, match="cannot listen on") as caught,
    ):
        free_port("127.0.0.1", other.getsockname()[1])
    assert "choose another" in str(caught.value.hint)
    with pytest.raises(ConfigError, match=r"cannot listen on 192\.0\.2\.1"):
        free_port("192.0.2.1", 0)


def test_each_option_is_one_that_streamlit_has() -> None:
    for name in OPTIONS:
        streamlit.config.get_option(name)


LOCAL = {"host": ["127.0.0.1:8501"], "origin": ["http://localhost:8501"]}


@pytest.mark.parametrize(
    ("address", "headers", "reason"),
    [
        ("127.0.0.1", LOCAL, None),
        ("127.0.0.1", {}, None),
        (None, LOCAL, "others can reach"),
        ("0.0.0.0", LOCAL, "others can reach"),
        ("127.0.0.1", {**LOCAL, "x-forwarded-for": ["192.0.2.1"]}, "proxy"),
        ("127.0.0.1", {"host": ["prompts.example.com"]}, "Host"),
        ("127.0.0.1", {**LOCAL, "origin": ["https://evil.example"]}, "web page"),
    ],
)
def test_only_visits_from_this_machine_have_the_rights_of_its_user(
    address: str | None, headers: dict[str, list[str]], reason: str | None
) -> None:
    found = refusal(address, headers)
    assert (found is None) == (reason is None)
    assert (reason or "") in (found or "")


@on_sqlite
def test_a_script_that_was_started_otherwise_shows_nothing(dashboard: PromptService) -> None:
    dashboard.register_text("a/secret", "Hello")
    streamlit.config.set_option("server.address", None)
    app = visit(to_prompts())
    assert "others can reach" in app.error[0].value
    assert len(app.get("page_link")) == 0


@on_sqlite
@pytest.mark.slow
@pytest.mark.parametrize(("how", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_it_says_where_it_is_and_ends_at_a_signal(service: PromptService, how: signal.Signals, code: int) -> None:
    command = [sys.executable, "-m", "promptdb", "dashboard", "--port", "0"]
    environment = {**os.environ, **environment_of(service.settings)}
    # A shell starts what it runs in the background with ^C ignored, and so it would be here.
    heeds = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment, text=True, preexec_fn=heeds) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        found = re.fullmatch(r"the dashboard is at (http://127\.0\.0\.1:\d+)\n", line)
        assert found is not None, line
        for _ in range(200):
            try:
                with urlopen(f"{found[1]}/_stcore/health", timeout=10) as answer:
                    assert answer.read() == b"ok"
                break
            except OSError:
                signal.sigtimedwait([], 0.1)
        process.send_signal(how)
        assert process.wait(60) == code
        assert process.stderr.read().strip() in ("", "interrupted")
