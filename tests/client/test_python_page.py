"""The page on Python: its output is what Python prints."""

import doctest
import os
import re
from pathlib import Path

import pytest
from registries import write

from promptdb.cli.app import run

PAGE = Path(__file__).resolve().parents[2] / "docs" / "python.md"


def test_the_output_on_the_page_is_what_python_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = PAGE.read_text(encoding="utf-8")
    shown = re.findall(r"^\$ cat (\S+)\n((?:(?!\$ |```).*\n)+)", text, re.MULTILINE)
    write(tmp_path, dict(shown))
    monkeypatch.chdir(tmp_path)
    assert run(["sync"]) == run(["promote", "greet", "production"]) == 0
    sessions = "\n".join(re.findall(r"```pycon\n(.*?)```", text, re.DOTALL))
    test = doctest.DocTestParser().get_doctest(sessions, {}, PAGE.name, os.fspath(PAGE), 0)
    said: list[str] = []
    done = doctest.DocTestRunner().run(test, out=said.append)
    assert done.attempted > 20
    assert done.failed == 0, "".join(said)
