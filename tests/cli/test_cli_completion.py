"""Completion in the shells of docs/editors.md: what each word may be, from small files, and nothing for what is missing or damaged."""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from promptdb.cli.app import run
from promptdb.cli.completion import REQUEST, cache_file, candidates, print_candidates

ROOT = Path(__file__).parents[2]
NAMES = {"support/triage": ["production", "staging"], "support/greet": ["production"], "hello": []}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "promptdb.toml").write_text("")


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("pro", ["promote"]),
        ("res", ["resolve"]),
        ("promote su", ["support/triage", "support/greet"]),
        ("-q promote hel", ["hello"]),
        (
            "promote support/triage:",
            [f"support/triage:{one}" for one in ("production", "staging", "latest", "rev:", "git:")],
        ),
        ("promote support/triage:st", ["support/triage:staging"]),
        ("promote support/triage st", ["staging"]),
        ("rollback support/triage ", ["production", "staging"]),
        ("promote --ex", ["--expect"]),
        ("alias sp", ["split"]),
        ("alias split --e", ["--expect", "--end"]),
        ("alias log he", ["hello"]),
        ("resolve he", ["hello"]),
        ("--co", ["--color"]),
        ("-C elsewhere promote he", ["hello"]),
        ("promote --reason text he", ["hello"]),
        ("promote --reason he", []),
        ("promote --json hello st", ["staging"]),
        ("list su", ["support", "support/triage", "support/greet"]),
        ("explain P", []),
        ("export hello x", []),
        ("nothing x", []),
    ],
)
def test_what_a_word_may_be(line: str, found: list[str]) -> None:
    assert set(candidates(line.split(" "), NAMES)) == set(found)


def test_the_options_are_those_of_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(ROOT / "scripts" / "completions.py"), run_name="__main__")
    assert capsys.readouterr().out == (ROOT / "promptdb" / "cli" / "options.json").read_text()


def test_names_come_from_the_registry(tmp_path: Path) -> None:
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "hello.txt").write_text("Hi")
    assert run(["sync"]) == 0
    assert run(["promote", "hello", "production"]) == 0
    assert run(["completion", "--renew"]) == 0
    assert json.loads(cache_file(tmp_path).read_text()) == {"hello": ["production"]}
    (tmp_path / "inner").mkdir()
    assert cache_file(tmp_path / "inner") == cache_file(tmp_path)


@pytest.mark.parametrize(
    "data", [b"", b"[", b"[]", b'{"a": 1}', b"\xff", b"[" * 9_999, b'{"\x1b[31m": []}', b'{"\\u001b[31m": []}']
)
def test_a_damaged_file_gives_no_names(
    tmp_path: Path, data: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("promptdb.cli.completion._renew", lambda _: None)
    file = cache_file(tmp_path)
    file.parent.mkdir(parents=True)
    file.write_bytes(data)
    print_candidates(["show", ""])
    assert capsys.readouterr().out == ""


def test_names_are_those_of_the_folder_in_which_the_command_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    renewed = list[Path]()
    monkeypatch.setattr("promptdb.cli.completion._renew", renewed.append)
    other = tmp_path / "other"
    other.mkdir()
    (other / "promptdb.toml").write_text("")
    file = cache_file(other)
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(NAMES))
    print_candidates(["-C", "other", "show", "hel"])
    assert (capsys.readouterr().out, renewed) == ("hello\n", [])

    os.utime(file, (2e9, 2e9))
    print_candidates(["-C", "other", "show", "hel"])
    assert (capsys.readouterr().out, renewed) == ("hello\n", [other])

    monkeypatch.chdir(other)
    file.unlink()
    (other / "promptdb.toml").unlink()
    other.rmdir()
    print_candidates(["prom"])
    assert capsys.readouterr().out == "promote\n"


@pytest.mark.parametrize(
    ("line", "replies"),
    [
        ("promptdb prom", ["promote"]),
        ("promptdb promote ", ["hello", "support/greet", "support/triage"]),
        # bash takes the part after the colon for the word.
        ("promptdb promote support/triage:p", ["production"]),
    ],
)
def test_bash_completes(tmp_path: Path, line: str, replies: list[str]) -> None:
    file = cache_file(tmp_path)
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(NAMES))
    script = subprocess.run(
        [sys.executable, "-m", "promptdb", "completion", "bash"], capture_output=True, text=True, check=True
    ).stdout
    asked = f"COMP_LINE='{line}' COMP_POINT={len(line)}\n_promptdb_complete 2>/dev/null\nprintf '%s\\n' \"${{COMPREPLY[@]}}\""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", f"{script}\n{asked}"],
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": path},
        check=True,
    )
    assert sorted(done.stdout.split()) == replies


def test_nothing_heavy_is_loaded() -> None:
    program = (
        "import sys; from promptdb.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print([name for name in ('click', 'pydantic', 'sqlalchemy', 'yaml', 'rich') if name in sys.modules])"
    )
    environment = {**os.environ, REQUEST: "1"}
    done = subprocess.run(
        [sys.executable, "-c", program, "prom"], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout == "promote\n[]\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == 0
    assert f"{REQUEST}" in capsys.readouterr().out
    assert run(["completion"]) == 2
