"""`promptdb sync --keep-going` and two files that are the same prompt."""

from pathlib import Path

import pytest

from promptdb.cli.app import run


def test_of_files_that_clash_neither_is_written(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tree.parent)
    for name in ("same.txt", "same.md", "UP.txt", "up.md", "fine.txt"):
        (tree / name).write_text("Hi")
    assert run(["sync", "--keep-going"]) == 4
    assert run(["sync", "--keep-going"]) == 4
    capsys.readouterr()
    assert run(["list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]] == ["default/fine"]
