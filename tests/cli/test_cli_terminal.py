"""Commands on a real terminal: layout, colours, and prompts that try to play with it."""

import fcntl
import os
import pty
import re
import shlex
import struct
import subprocess
import termios
from collections.abc import Callable
from pathlib import Path

import pytest
from clitools import PROMPTDB, STYLE, TIMEOUT, Make, Run, as_seen, commands, process, steady, terminal
from registries import write
from repositories import Git, commit_all

pytestmark = pytest.mark.slow

EVIL = "\x1b]0;owned\x07\x1b[2J\x1b[35;5m\r\x08"
"""Sets the title of the window, clears the screen, blinks, goes back to the start of the line."""


def harmless(shown: str) -> None:
    """Whether nothing but colours, and the bar that wipes itself away, controls the terminal."""
    left = as_seen(shown)
    assert [character for character in left if not character.isprintable() and character != "\n"] == []
    assert "\x1b[35;5m" not in shown
    assert "\x1b[2J" not in shown


# Layout


@pytest.mark.parametrize(
    "arguments", [["list"], ["alias", "list"], ["log", "greet"], ["alias", "log", "greet"]], ids=" ".join
)
def test_a_table_has_the_rows_that_a_pipe_gets(run: Run, two_versions: Path, arguments: list[str]) -> None:
    wide = as_seen(terminal(*arguments, columns=160).out)
    assert [line.split() for line in wide.splitlines()] == [line.split() for line in run(*arguments).out.splitlines()]


def test_a_plan_on_a_terminal_is_the_plan_in_a_pipe(run: Run, project: Path) -> None:
    shown, ran = as_seen(terminal("plan", columns=160).out), run("plan")
    assert [line.split() for line in shown.splitlines()] == [line.split() for line in (ran.err + ran.out).splitlines()]


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize(
    "arguments", [["list"], ["log", "support/triage"], ["alias", "log", "support/triage"], ["plan"]], ids=" ".join
)
def test_an_ordinary_row_fits_one_line(run: Run, git: Git, project: Path, arguments: list[str], columns: int) -> None:
    commit_all(git)
    assert run("sync").code == 0
    assert run("promote", "support/triage", "production", "-m", "release 7").code == 0
    write(project, {"prompts/greet.txt": "Hi!"})
    shown = as_seen(terminal(*arguments, columns=columns).out).splitlines()
    assert len(shown) == len(run(*arguments).out.splitlines())
    assert max(map(len, shown)) <= columns


def test_at_80_columns_names_and_digests_are_whole(run: Run, git: Git, project: Path) -> None:
    name = "customer-support/escalations/high-priority-triage"
    write(project, {f"prompts/{name}.md": "---\nassets: [{path: _the-whole-history-of-tickets.csv}]\n---\nHi"})
    write(project, {"prompts/customer-support/escalations/_the-whole-history-of-tickets.csv": "a"})
    commit_all(git)
    assert run("sync").code == 0
    assert run("promote", name, "production", "-m", "why " * 20).code == 0
    write(project, {f"prompts/{name}.md": "Ho"})
    for arguments in (["list"], ["alias", "list"], ["plan"], ["promote", name, "staging", "--dry-run"]):
        shown = as_seen(terminal(*arguments).out)
        assert re.search(rf"(^|  ){name}(:staging)?(  |$)", shown, re.MULTILINE), shown
    for arguments in (["list"], ["plan"], ["log", name], ["show", name, "--assets"]):
        shown = as_seen(terminal(*arguments).out)
        assert re.search(r"  sha256:[0-9a-f]{8}(  |$)", shown, re.MULTILINE), shown
    for arguments in (["list"], ["log", name], ["alias", "log", name], ["show", name, "--assets"]):
        assert max(map(len, as_seen(terminal(*arguments).out).splitlines())) <= 80


@pytest.mark.parametrize("columns", [30, 60])
def test_on_a_narrow_terminal_nothing_is_lost(run: Run, two_versions: Path, columns: int) -> None:
    shown = as_seen(terminal("list", columns=columns).out)
    assert max(map(len, shown.splitlines())) <= columns
    letters = re.sub(r"\s", "", shown)
    for cell in ("default", "/greet", "production=1"):
        assert all(character in letters for character in cell)
    assert "…" not in shown


def test_a_process_of_its_own_shows_the_same(two_versions: Path) -> None:
    """The other tests fork theirs, which saves the time to load everything."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80"}
    subprocess.run([*PROMPTDB, "list"], stdin=theirs, stdout=theirs, stderr=theirs, env=environment, timeout=TIMEOUT)
    shown = os.read(ours, 65536).decode().replace("\r\n", "\n")
    os.close(ours)
    os.close(theirs)
    assert shown == terminal("list", columns=80).out


def test_colours_are_of_terminals_only(run: Run, synced: Path) -> None:
    assert STYLE.search(terminal("list").out)
    assert not STYLE.search(process("list").out)


def test_a_terminal_without_colours_gets_none(synced: Path) -> None:
    assert not STYLE.search(terminal("list", NO_COLOR="1").out.replace("\x1b[1m", "").replace("\x1b[0m", ""))


def test_no_progress_bar_is_left_behind(project: Path) -> None:
    assert as_seen(terminal("check").out) == "2 prompts and 1 test: no problems\n"


def test_an_error_is_one_line_and_a_hint_on_a_terminal_too(synced: Path) -> None:
    ran = terminal("show", "support/triag")
    assert (ran.code, as_seen(ran.out)) == (
        1,
        "error: there is no prompt support/triag\nhint: did you mean support/triage?\n",
    )


@pytest.mark.parametrize(
    "arguments", [["list", "--json"], ["show", "greet", "--json"], ["status", "--json"]], ids=" ".join
)
def test_json_has_no_colours_on_a_terminal(run: Run, synced: Path, arguments: list[str]) -> None:
    assert as_seen(terminal(*arguments).out) == run(*arguments).out
    assert not STYLE.search(terminal(*arguments).out)


# Markup


MARKUP = "[bold]{name}[/bold] [link=x] [/nothing] :smile:"


@pytest.fixture
def marked(copied: Callable[[Make], Path]) -> Path:
    """A prompt that is full of what rich would take for markup, in all its parts."""
    return copied(make_marked)


def make_marked(folder: Path) -> None:
    metadata = '{user_version: "[red]v1", title: "[bold]t"}'
    write(folder, {"prompts/marked.md": f"---\nmetadata: {metadata}\n---\n{MARKUP}"})
    commands("sync", "promote marked production -m [bold]why[/bold]")


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["render", "marked", "-v", "name=[red]Bo"], "[bold][red]Bo[/bold] [link=x] [/nothing] :smile:\n"),
        (["show", "marked"], MARKUP),
        (["log", "marked"], "[red]v1"),
        (["alias", "log", "marked"], "[bold]why[/bold]"),
        (["show", "marked:[red]v2"], "'[red]v2'"),
        (["promote", "marked", "[bold]"], "error: '[bold]' cannot be an alias\n"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_markup_is_shown_as_it_is_written(marked: Path, arguments: list[str], shown: str) -> None:
    assert shown in as_seen(terminal(*arguments, columns=160).out)


def test_markup_in_a_file_name_is_shown_as_it_is_written(project: Path) -> None:
    write(project, {"prompts/[red]x.txt": "x"})
    assert "prompts/[red]x.txt:1:1: error [PDB501] '[red]x' is not" in as_seen(terminal("check", columns=200).out)


# Escape codes


@pytest.fixture
def evil(copied: Callable[[Make], Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A prompt with escape codes wherever they can be."""
    monkeypatch.setenv("PROMPTDB_ACTOR", f"me{EVIL}")
    return copied(make_evil)


def make_evil(folder: Path) -> None:
    quoted = EVIL.encode("unicode_escape").decode()
    text = (
        f'metadata: {{title: "{quoted}"}}\n'
        f'variables: {{"x{quoted}": {{type: string, description: "{quoted}", default: "{quoted}"}}, name: {{}}}}\n'
        f'messages: [{{role: generic, role_name: "judge{quoted}", template: "Hi {{name}}{quoted}"}}]\n'
        f'assets: [{{path: "_data{quoted}.csv"}}]\n'
    )
    write(
        folder, {"prompts/evil.yaml": text, f"prompts/_data{EVIL}.csv": "x", "prompts/text.txt": f"Hi {{name}}{EVIL}"}
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROMPTDB_ACTOR", f"me{EVIL}")
        commands("sync", shlex.join(["promote", "evil", "production", "-m", f"why{EVIL}"]))
    write(folder, {"prompts/evil.yaml": text.replace("Hi", "Ho")})


ALL = [
    "list",
    "show evil",
    "log evil",
    "alias list",
    "alias log evil",
    "plan",
    "status",
    "diff evil",
    "check",
    "export evil -",
]


@pytest.mark.parametrize("command", [*ALL, "show evil --json", "render text -v name=x --json", "log evil --json"])
def test_no_command_lets_a_prompt_control_the_terminal(evil: Path, command: str) -> None:
    ran = terminal(*command.split(), columns=300)
    assert ran.code == 0
    harmless(ran.out)


def test_json_escapes_the_eight_bit_escape_code(run: Run, project: Path) -> None:
    """U+009B does what ESC [ does, and JSON need not escape it."""
    write(project, {"prompts/c1.txt": "Hi \x9b31m"})
    assert run("sync").code == 0
    assert "\x9b" not in terminal("render", "c1", "--json").out


@pytest.mark.parametrize("command", ["render text -v name=x", "render evil -v name=x"])
def test_a_rendered_prompt_does_not_control_the_terminal(evil: Path, command: str) -> None:
    """In a pipe it comes out byte by byte; on a terminal a person looks at it."""
    ran = terminal(*command.split(), columns=300)
    assert ran.code == 0
    assert "Hi x" in ran.out
    harmless(ran.out)


@pytest.mark.parametrize(
    "arguments",
    [
        ["show", f"a{EVIL}"],
        ["show", f"evil:{EVIL}"],
        ["render", "text", "-v", f"n{EVIL}=x"],
        ["list", f"x{EVIL}"],
        ["alias", "set", "evil", EVIL],
    ],
    ids=["name", "selector", "variable", "pattern", "alias"],
)
def test_no_error_repeats_escape_codes(evil: Path, arguments: list[str]) -> None:
    harmless(terminal(*arguments, columns=300).out)


@pytest.mark.parametrize("command", ["check", "plan", "sync"])
def test_no_problem_repeats_escape_codes(project: Path, command: str) -> None:
    quoted = EVIL.encode("unicode_escape").decode()
    write(project, {f"prompts/x{EVIL}.txt": "x", "prompts/y.yaml": f'template: x\n"a{quoted}": 1\nkind: "{quoted}"\n'})
    ran = terminal(command, columns=300)
    assert ran.code == 4
    harmless(ran.out)


FAILING = f"""\
---
template_format: plain
tests: [{{name: "t{EVIL.encode("unicode_escape").decode()}", expect: {{equals: "a\\nold \\n{EVIL.encode("unicode_escape").decode()}"}}}}]
---
a{EVIL}
new
"""


@pytest.mark.parametrize("arguments", [["check"], ["check", "--format", "github"], ["check", "--update-tests"]])
def test_no_diff_repeats_escape_codes(project: Path, arguments: list[str]) -> None:
    write(project, {"prompts/x.md": FAILING.encode()})
    ran = terminal(*arguments, columns=300)
    assert ("test 't" in ran.out, ran.code) == (True, 0 if "--update-tests" in arguments else 4)
    harmless(ran.out)


def test_a_diff_has_colours(project: Path) -> None:
    write(project, {"prompts/x.yaml": 'template: "a\\nb"\ntests: [{name: t, expect: {equals: "a\\nc"}}]\n'})
    shown = terminal("check", columns=200).out
    assert "    | \x1b[31m-c\x1b[0m\n    | \x1b[32m+b\x1b[0m\n" in shown
    assert as_seen(shown).splitlines()[1:-1] == [f"    | {line}" for line in ("@@ -1,2 +1,2 @@", " a", "-c", "+b")]


def test_an_author_does_not_control_the_terminal(run: Run, git: Git, project: Path) -> None:
    git("add", "--all")
    git("commit", "--quiet", "-m", "x", GIT_AUTHOR_NAME="An\x1b[35;5mn")
    assert run("sync").code == 0
    shown = terminal("log", "greet", columns=200).out
    harmless(shown)
    assert steady(as_seen(shown)).splitlines()[1].endswith("An [35;5mn")
