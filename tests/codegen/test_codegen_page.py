"""The page on typed code, docs/codegen.md: its commands and its Python run."""

import re
import shlex
from pathlib import Path

import pytest
from registries import write
from typed_code import PAGE, page_code, page_files

from promptdb.cli.app import run


def test_the_commands_and_the_code_of_the_page_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "prompts", page_files())
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    [(command, output)] = re.findall(
        r"^\$ promptdb (.*)\n((?:.+\n)*?)```", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert run(shlex.split(command)) == 0
    assert capsys.readouterr().out == output
    assert run(["sync"]) == run(["promote", "support/triage", "production"]) == 0
    code = "\n".join(line for line in page_code("python").splitlines() if "# error" not in line)
    found: dict[str, object] = {}
    exec(code, found)
    assert found["text"] == "System: Triage the ticket, try 1.\nHuman: It broke."
    assert str(found["pinned"]) == "support/triage:rev:1"
    assert found["queue"] == "billing"
    found["client"].close()  # type: ignore[attr-defined]
