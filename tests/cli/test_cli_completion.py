"""Completion in the shells of docs/editors.md: what each word may be, from small files, and nothing for what is missing or damaged."""

import json
import os
import pty
import runpy
import select
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from promptdb.cli.app import run
from promptdb.cli.completion import REQUEST, cache_file, candidates, print_candidates

ROOT = Path(__file__).parents[2]
TIMEOUT = 60.0
"""Seconds: only a shell that hangs takes so long."""
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
        ("import --from lang", ["langchain", "langfuse", "langsmith"]),
        ("export --to prompty he", ["hello"]),
        ("mcp --alias pro", ["production"]),
        ("mcp --namespace su", ["support"]),
        ("completion z", ["zsh"]),
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


@pytest.fixture
def shell_environment(tmp_path: Path) -> dict[str, str]:
    """For a shell in a project whose names are known."""
    file = cache_file(tmp_path)
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(NAMES))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "TERM": "dumb", "PS1": "> "}


@pytest.mark.parametrize(
    ("line", "replies"),
    [
        ("promptdb prom", ["promote"]),
        ("promptdb promote ", ["hello", "support/greet", "support/triage"]),
        # bash takes the part after the colon for the word.
        ("promptdb promote support/triage:p", ["production"]),
    ],
)
def test_bash_completes(shell_environment: dict[str, str], line: str, replies: list[str]) -> None:
    asked = f"COMP_LINE='{line}' COMP_POINT={len(line)}; _promptdb_complete; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    command = ["bash", "-c", f'eval "$(promptdb completion bash)"\n{asked}']
    done = subprocess.run(command, capture_output=True, text=True, env=shell_environment, check=True)
    assert sorted(done.stdout.split()) == replies


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
@pytest.mark.parametrize(
    ("line", "replies"),
    [
        ("promptdb prom", ["promote"]),
        ("promptdb promote ", ["hello", "support/greet", "support/triage"]),
        ("promptdb promote support/triage:p", ["support/triage:production"]),
        ("promptdb check tex", ["text.txt"]),
    ],
)
def test_fish_completes(tmp_path: Path, shell_environment: dict[str, str], line: str, replies: list[str]) -> None:
    (tmp_path / "text.txt").touch()
    command = ["fish", "--no-config", "-c", f'promptdb completion fish | source; complete -C "{line}"']
    done = subprocess.run(command, capture_output=True, text=True, env=shell_environment, check=True)
    assert sorted(done.stdout.split()) == replies


@pytest.mark.slow
@pytest.mark.skipif(not all(map(shutil.which, ("zsh", "setsid"))), reason="zsh or setsid is not installed")
def test_zsh_completes(tmp_path: Path, shell_environment: dict[str, str]) -> None:
    """On a terminal, as it completes nowhere else."""
    (tmp_path / "text.txt").touch()
    ours, theirs = pty.openpty()
    command = ["setsid", "--ctty", "--wait", "zsh", "-f", "-i"]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=shell_environment) as shell:
        os.close(theirs)
        # One line at a time: zsh drops what is typed before it reads a line.
        until(ours, "\r> ")
        os.write(ours, b'eval "$(promptdb completion zsh)"\n')
        until(ours, "\r> ")
        for typed, line in (
            ("promptdb prom\t", "promptdb promote "),
            ("promptdb show support/tri\t:p\t", "\b:production "),
            ("promptdb show support/triage:re\t", "support/triage:re\x07v:"),
            ("promptdb check tex\t", "text.txt"),
        ):
            os.write(ours, typed.encode())
            until(ours, line)
            os.write(ours, b"\x15")
        os.write(ours, b"exit\n")
        shell.wait(TIMEOUT)
    os.close(ours)


def until(terminal: int, text: str) -> str:
    """Read from a terminal until it shows a text."""
    shown = ""
    while text not in shown:
        assert select.select([terminal], [], [], TIMEOUT)[0], shown
        shown += os.read(terminal, 65536).decode()
    return shown


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
