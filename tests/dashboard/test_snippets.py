"""Code to copy: it renders what the page shows, and no name or value in it becomes code."""

import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from dashboards import HOSTILE

from promptdb.dashboard.links import FILE
from promptdb.dashboard.showing.snippets import MAX_VALUES, REQUEST_FILE, curl_command, python_code, request_body
from promptdb.domain.prompt_id import PromptId

ONE = PromptId("a/render", "one")
VALUES: dict[str, Any] = {
    "text": f'\'; echo {HOSTILE} $(id) `id` \\ \n"""',
    "list": [1, 2.5, None, True],
    "half": "\ud800",
}


class _Client:
    """The names that a snippet uses, instead of a registry."""

    seen: tuple[Any, ...] = ()

    @classmethod
    def from_env(cls) -> "_Client":
        return cls()

    def __enter__(self) -> "_Client":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def get(self, ref: str) -> "_Client":
        self.ref = ref
        return self

    def to_openai(self, values: dict[str, Any]) -> str:
        type(self).seen = (self.ref, values)
        return ""


def run(code: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, ...]:
    monkeypatch.setattr("promptdb.PromptClient", _Client, raising=False)
    exec(compile(code, "snippet", "exec"), {})
    return _Client.seen


def test_python_has_the_values(monkeypatch: pytest.MonkeyPatch) -> None:
    code = python_code(ONE, "production", "OpenAI", VALUES)
    assert run(code, monkeypatch) == ("a/render/one:production", VALUES)
    assert run(python_code(ONE, FILE, "OpenAI", {}), monkeypatch) == ("a/render/one", {})
    assert "PROMPTDB_SOURCE=files" in python_code(ONE, FILE, "OpenAI", {})


def test_long_values_are_read_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    values = {"text": "ä" * MAX_VALUES}
    monkeypatch.chdir(tmp_path)
    Path(REQUEST_FILE).write_text(request_body("OpenAI", values), encoding="utf-8")
    assert run(python_code(ONE, "latest", "OpenAI", values), monkeypatch) == ("a/render/one:latest", values)
    command = curl_command(ONE, "latest", "OpenAI", values, None, "/api/v1")
    assert shlex.split(command or "")[-1] == f"@{REQUEST_FILE}"


def test_curl_sends_the_values_and_no_token() -> None:
    command = curl_command(ONE, "git:a&b;c", "Text", VALUES, "https://prompts.example.com", "/api/v1") or ""
    # As a shell gives it to a program.
    script = command.replace("curl", "printf '%s\\0'", 1)
    environment = {"PROMPTDB_TOKEN": "from the environment"}
    done = subprocess.run(["sh", "-c", script], capture_output=True, check=True, env=environment)
    address, *_, sent = done.stdout.decode().rstrip("\0").split("\0")
    assert address == ("https://prompts.example.com/api/v1/prompts/a%2Frender%2Fone/render?selector=git%3Aa%26b%3Bc")
    assert b"Authorization: Bearer from the environment" in done.stdout
    assert json.loads(sent) == {"variables": VALUES, "as": "text"}


def test_no_server_has_a_file() -> None:
    assert curl_command(ONE, FILE, "Text", {}, None, "/api/v1") is None
