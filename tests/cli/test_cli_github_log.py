"""The log of a GitHub workflow: text of a prompt in it is never obeyed, and what we mean as a command is."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from clitools import Make, Run, commands, process
from registries import write

from promptdb.cli.github_log import guarded_log, harmless, print_command

EVIL = "::add-mask::everything\n  ::error::x\n##[add-path]/evil\nin ##[warning] a line\na\r::add-mask::b"
QUOTED = json.dumps(EVIL)
TEMPLATE = f"template_format: plain\ntemplate: {QUOTED}\n"


def obeyed(log: str) -> list[str]:
    """The lines that GitHub's runner takes as commands: after a `::stop-commands::TOKEN`, none but `::TOKEN::`."""
    found, token = [], None
    for line in re.split(r"\r\n|\r|\n", log):
        text = line.strip()
        if token is not None:
            token = None if text == f"::{token}::" else token
        elif stop := re.fullmatch(r"::stop-commands::(\S+)", text):
            token = stop[1]
        elif text.startswith("::") or "##[" in line:
            found.append(line)
    assert token is None, "commands stay stopped"
    return found


@pytest.fixture
def workflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")


@pytest.fixture
def evil(copied: Callable[[Make], Path]) -> Path:
    """Two versions of a prompt that is full of commands, and a third that is not synced."""
    return copied(make_evil)


def make_evil(folder: Path) -> None:
    for text in ("one", "two"):
        write(folder, {"prompts/evil.yaml": f"{TEMPLATE}metadata: {{title: '{text} ##[error]'}}\n"})
        commands("sync")
    write(folder, {"prompts/evil.yaml": f"{TEMPLATE}metadata: {{title: three}}\n"})


COMMANDS = [
    "show evil",
    "show evil --json",
    "render evil",
    "render evil --as text",
    "render evil --json",
    "diff evil",
    "diff evil --json",
    "diff evil:rev:1 :rev:2",
    "plan",
    "plan --json",
    "plan --format markdown",
    "check",
    "check --format github",
    "sync",
    "log evil",
]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.usefixtures("workflow")
@pytest.mark.slow
def test_no_text_of_a_prompt_is_obeyed(run: Run, evil: Path, command: str) -> None:
    ran = run(*command.split())
    assert ran.code == 0
    assert obeyed(ran.out) == []
    assert obeyed(ran.err) == []


def test_the_runner_would_obey_it_otherwise(run: Run, evil: Path) -> None:
    assert len(obeyed(run("render", "evil").out)) == 5


@pytest.mark.usefixtures("workflow")
def test_a_fenced_text_is_shown_as_it_is(run: Run, evil: Path) -> None:
    shown = re.sub(r"::(stop-commands::)?promptdb-\w+(::)?\n", "", run("render", "evil").out)
    assert shown == EVIL + "\n"


@pytest.mark.usefixtures("workflow")
def test_a_text_without_commands_is_not_touched(run: Run, synced: Path) -> None:
    assert run("render", "greet", "-v", "name=a::b", "-v", "place=c") == (0, "Hello a::b, welcome to c!\n", "")


@pytest.mark.usefixtures("workflow")
def test_one_fence_holds_everything_from_the_first_command(capsys: pytest.CaptureFixture[str]) -> None:
    with guarded_log():
        click.echo("before\n::error::x\nbetween\n##[error]\nlast", nl=False)
    before, start, *fenced, end = capsys.readouterr().out.splitlines()
    assert (before, fenced) == ("before", ["::error::x", "between", "##[error]", "last"])
    assert start == f"::stop-commands::{end.strip(':')}"


@pytest.mark.usefixtures("workflow")
def test_a_command_that_is_meant_ends_the_fence(capsys: pytest.CaptureFixture[str]) -> None:
    with guarded_log():
        for meant in ("::notice::one", "::notice::two"):
            click.echo("::error::x")
            print_command(meant)
        click.echo("after")
    out = capsys.readouterr().out
    assert obeyed(out) == ["::notice::one", "::notice::two"]
    assert len(set(re.findall("stop-commands::(.*)", out))) == 2
    assert out.endswith("::notice::two\nafter\n")


@pytest.mark.usefixtures("workflow")
def test_json_needs_no_fence(run: Run, evil: Path) -> None:
    assert run("render", "evil", "--json").json["text"] == EVIL


@pytest.mark.usefixtures("workflow")
def test_tokens_are_not_used_twice(run: Run, evil: Path) -> None:
    tokens = {token for _ in range(2) for token in re.findall(r"promptdb-\w{32}", run("render", "evil").out)}
    assert len(tokens) == 2


@pytest.mark.usefixtures("workflow")
def test_annotations_stay_commands_and_nothing_else_is_one(run: Run, project: Path) -> None:
    golden = f'template: "x"\ntests: [{{name: "t ##[error]", expect: {{equals: {QUOTED}}}}}]\n'
    write(project, {"prompts/x.yaml": golden})
    for command in (["check", "--format", "github"], ["check"]):
        ran = run(*command)
        assert ran.code == 4
        expected = [line for line in ran.out.splitlines() if line.startswith("::error file=prompts/x.yaml,line=2,")]
        assert obeyed(ran.out) == expected
        assert len(expected) == (len(command) == 3)


@pytest.mark.usefixtures("workflow")
def test_rewritten_tests_are_told_and_not_obeyed(run: Run, project: Path) -> None:
    write(project, {"prompts/x.yaml": 'template: x\ntests:\n  - name: "a ##[error] b"\n    expect: {equals: y}\n'})
    ran = run("check", "--format", "github", "--update-tests")
    assert (ran.code, obeyed(ran.out)) == (0, [])
    assert "##[error]" in ran.out


@pytest.mark.usefixtures("workflow")
def test_errors_are_broken_up(run: Run, project: Path) -> None:
    write(project, {"prompts/x.yaml": 'template: x\n"k ##[error] ": 1\n'})
    ran = run("plan")
    assert (ran.code, obeyed(ran.err)) == (4, [])
    assert "#\u200b#[error]" in ran.err


@pytest.mark.slow
def test_a_file_gets_the_text_alone(evil: Path) -> None:
    code = "import sys; from promptdb.cli.app import main; sys.stdout = open('out.txt', 'w', newline=''); main()"
    command = [sys.executable, "-c", code, "render", "evil"]
    subprocess.run(command, env={**os.environ, "GITHUB_ACTIONS": "true"}, check=True)
    assert (evil / "out.txt").read_bytes().decode() == EVIL + "\n"


@pytest.mark.slow
def test_a_pipe_is_guarded_in_a_process_of_its_own(evil: Path) -> None:
    ran = process("render", "evil", GITHUB_ACTIONS="true")
    assert (ran.code, obeyed(ran.out)) == (0, [])
    assert "::stop-commands::promptdb-" in ran.out


@pytest.mark.usefixtures("workflow")
def test_a_line_is_judged_when_it_is_complete(capsys: pytest.CaptureFixture[str]) -> None:
    with guarded_log():
        for piece in (":", ":error", "::x\nnext ", "#", "#[error]"):
            click.echo(piece, nl=False)
            sys.stdout.flush()
        print_command("::notice::meant")
    out = capsys.readouterr().out
    assert obeyed(out) == ["::notice::meant"]


@pytest.mark.usefixtures("workflow")
def test_the_streams_are_what_they_were_afterwards(run: Run, synced: Path) -> None:
    before = sys.stdout, sys.stderr
    assert run("show", "nothing").code == 1
    assert (sys.stdout, sys.stderr) == before


@pytest.mark.parametrize("line", ["::x", "  ::x", "\t::x\n", "\u2003::x", "a ##[x", "##[x]##[y]", "###[x", "::##[x"])
def test_a_command_is_broken_up_and_reads_as_before(line: str) -> None:
    assert obeyed(line) != []
    assert obeyed(harmless(line)) == []
    assert harmless(line).replace("\u200b", "") == line


@pytest.mark.parametrize("line", ["", "a::b", ":: "[:1], "#[x", "# #[x", "- ::x"])
def test_other_lines_stay(line: str) -> None:
    assert harmless(line) == line
