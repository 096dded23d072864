"""The group of commands: help, usage errors, synonyms, and how a run ends."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from importlib.metadata import version
from pathlib import Path

import pytest
from clitools import PROMPTDB, TIMEOUT, Run, failure, process, started, terminal
from registries import write

from promptdb.cli import main
from promptdb.cli.app import COMMANDS, JOBS
from promptdb.project.parallel import WORTH_IT

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_lists_every_command_in_the_order_of_work(run: Run, option: str) -> None:
    ran = run(option)
    assert (ran.code, ran.err) == (0, "")
    jobs = ran.out.partition("-h, --help")[2].split("\n\n")[1:-1]
    assert [job.partition(":\n")[0] for job in jobs] == list(JOBS)
    listed = [line.split()[0] for job in jobs for line in job.splitlines()[1:] if line[2] != " "]
    assert listed == list(COMMANDS)


def test_help_names_first_steps_and_where_the_documentation_is(run: Run) -> None:
    out = " ".join(run("--help").out.split())
    assert "First steps: 'promptdb init'" in out
    assert "Documentation: https://" in out


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_of_its_own(run: Run, command: str) -> None:
    ran = run(command, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"Usage: promptdb {command}")


def test_version_is_that_of_the_package(run: Run) -> None:
    assert run("--version") == (0, f"promptdb {version('promptdb-git')}\n", "")


def test_no_command_is_a_usage_error_that_shows_help(run: Run) -> None:
    ran = run()
    assert ran.code == 2
    assert "Prompt files:" in ran.err


USAGE = [
    (["frobnicate"], "No such command 'frobnicate'."),
    (["lst"], "No such command 'lst'. Did you mean 'list'?"),
    (["list", "--jsn"], "No such option '--jsn'. Did you mean '--json'?"),
    (["sync", "--dry-run"], "No such option '--dry-run'. 'promptdb plan' shows what sync would do"),
    (["-C", "nowhere", "list"], "Invalid value for '-C': Directory 'nowhere' does not exist."),
    (["--color", "green", "list"], "Invalid value for '--color': 'green' is not one of 'auto', 'always', 'never'."),
    (["plan", "--json", "--format", "markdown"], "--json and --format cannot be combined"),
    (["check", "--json", "--format", "github"], "--json and --format cannot be combined"),
    (["list", "--frobnicate"], "No such option '--frobnicate'."),
    (["show"], "Missing argument 'REF'."),
    (["show", "a", "b"], "Got unexpected extra argument (b)"),
    (["promote", "a"], "Missing argument 'ALIAS'."),
    (["log", "a", "--limit", "many"], "Invalid value for '-n' / '--limit': 'many' is not a valid integer range."),
    (["check", "--format", "xml"], "Invalid value for '--format': 'xml' is not one of 'text', 'github'."),
    (["plan", "--format", "xml"], "Invalid value for '--format': 'xml' is not one of 'text', 'markdown'."),
    (["plan", "--max-prune", "101"], "Invalid value for '--max-prune': 101 is not in the range 0<=x<=100."),
    (["alias", "frobnicate"], "No such command 'frobnicate'."),
    (["db", "frobnicate"], "No such command 'frobnicate'."),
]


@pytest.mark.parametrize(("arguments", "message"), USAGE)
def test_a_usage_error_is_exit_code_2_and_told_on_standard_error(
    run: Run, project: Path, arguments: list[str], message: str
) -> None:
    ran = run(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err
    assert "--help" in ran.err


@pytest.mark.parametrize(("synonym", "name"), [("resolve", "show"), ("export-file", "export")])
def test_a_synonym_does_what_the_command_does(run: Run, synced: Path, synonym: str, name: str) -> None:
    rest = ["greet", "-"] if name == "export" else ["greet"]
    assert run(synonym, *rest) == run(name, *rest)


def test_a_synonym_is_not_listed_twice(run: Run) -> None:
    assert "resolve" not in run("--help").out


# Options of every command


def test_the_folder_to_run_in_is_that_of_a_start_there(
    run: Run, synced: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = run("check"), run("list")
    monkeypatch.chdir(tmp_path)
    assert (run("-C", synced, "check"), run("-C", synced, "list")) == here
    assert Path.cwd() == tmp_path


@pytest.mark.parametrize(
    ("words", "code", "out"),
    [
        ("check", 0, ""),
        ("sync", 0, ""),
        ("promote greet staging", 0, ""),
        ("list --json", 0, '"default/greet"'),
        ("render greet -v name=Ada -v place=Rome", 0, "Hello Ada, welcome to Rome!"),
        ("promote greet production --json", 0, '"production"'),
        ("alias list", 0, "support/triage"),
        ("export greet -", 0, "template: "),
    ],
)
def test_quiet_leaves_data(run: Run, synced: Path, words: str, code: int, out: str) -> None:
    assert run("promote", "support/triage", "production").code == 0
    ran = run("-q", *words.split())
    assert (ran.code, ran.err) == (code, "")
    assert out in ran.out if out else ran.out == ""


def test_quiet_leaves_errors(run: Run, synced: Path) -> None:
    write(synced, {"prompts/bad.txt": "{", "prompts/warn.yaml": "template: x\nvariables: {a: {}}\n"})
    for words in ("check", "sync", "show nothing"):
        loud = run(*words.split())
        assert loud.code > 0
        assert run("-q", *words.split()) == loud
    (synced / "prompts/bad.txt").unlink()
    assert run("check").out.startswith("prompts/warn.yaml")
    assert run("-q", "check") == (0, "", "")


@pytest.mark.parametrize(
    ("options", "colored"), [([], False), (["--color", "always"], True), (["--color", "never"], False)]
)
def test_colors_in_a_pipe_come_only_if_asked_for(run: Run, synced: Path, options: list[str], colored: bool) -> None:
    write(synced, {"prompts/bad.txt": "{"})
    assert ("\x1b[" in run(*options, "check").out) == colored
    assert ("\x1b[" in run(*options, "show", "nothing").err) == colored


@pytest.mark.parametrize(
    ("options", "environment", "colored"),
    [
        ([], {}, True),
        (["--color", "never"], {}, False),
        ([], {"NO_COLOR": "1"}, False),
        (["--color", "always"], {"NO_COLOR": "1"}, True),
    ],
)
def test_colors_on_a_terminal_can_be_switched_off(
    synced: Path, options: list[str], environment: dict[str, str], colored: bool
) -> None:
    write(synced, {"prompts/bad.txt": "{"})
    assert ("\x1b[3" in terminal(*options, "check", **environment).out) == colored


# Standard output and standard error


@pytest.mark.slow
def test_data_goes_to_standard_output_alone(synced: Path) -> None:
    ran = process("list")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("PROMPT ")


@pytest.mark.slow
def test_an_error_goes_to_standard_error_alone(synced: Path) -> None:
    ran = process("show", "support/triag")
    assert ran == (1, "", "error: there is no prompt support/triag\nhint: did you mean support/triage?\n")


@pytest.mark.slow
def test_the_exit_code_reaches_the_shell(synced: Path) -> None:
    write(synced, {"prompts/greet.txt": "Hello {name"})
    assert process("check").code == 4


# Pipes


@pytest.fixture
def many(project: Path, run: Run) -> Path:
    """More prompts than a pipe holds lines of."""
    write(project, {f"prompts/many/{'n' * 60}{number}.txt": "x" for number in range(700)})
    assert run("sync").code == 0
    return project


@pytest.mark.parametrize("arguments", [["list"], ["list", "--json"]], ids=" ".join)
@pytest.mark.slow
def test_a_pipe_closed_early_ends_the_command_quietly(many: Path, arguments: list[str]) -> None:
    with started(*arguments, PYTHONUNBUFFERED="") as running:  # with it, Python would not notice
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.readline()
        running.stdout.close()
        told = running.stderr.read()
        assert (running.wait(TIMEOUT), told) == (1, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is of Linux")
@pytest.mark.slow
def test_a_disk_that_is_full_is_an_error_of_one_line(synced: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*PROMPTDB, "list"], stdout=full, stderr=subprocess.PIPE, timeout=TIMEOUT, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


CLOSED = failure("cannot write the output: standard output is closed")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("list", CLOSED),
        ("-q list --json", CLOSED),
        ("alias list", CLOSED),
        ("sync --json", CLOSED),
        ("--help", ""),
        ("sync", ""),
    ],
)
@pytest.mark.slow
def test_a_closed_standard_output_fails_a_command_that_prints_data_and_no_other(
    synced: Path, words: str, told: str
) -> None:
    command = ["sh", "-c", 'exec "$@" >&-', "sh", *PROMPTDB, *words.split()]
    done = subprocess.run(command, stderr=subprocess.PIPE, timeout=TIMEOUT, text=True)
    assert (done.returncode, done.stderr) == (1 if told else 0, told)


@pytest.mark.slow
def test_a_closed_standard_error_stops_no_command(synced: Path) -> None:
    for words in ("check", "plan", "sync", "status", "verify"):
        done = subprocess.run(
            ["sh", "-c", 'exec "$@" 2>&-', "sh", *PROMPTDB, words], stdout=subprocess.PIPE, timeout=TIMEOUT
        )
        assert done.returncode == 0, words
        assert done.stdout, words


# ^C


def test_interrupted_while_modules_load_is_as_quiet(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupted:
        @staticmethod
        def find_spec(name: str, *_: object) -> None:
            if name == "promptdb.cli.app":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "promptdb.cli.app")
    monkeypatch.setattr(sys, "meta_path", [Interrupted, *sys.meta_path])
    with pytest.raises(SystemExit) as ended:
        main(["list"])
    assert (ended.value.code, capsys.readouterr().err) == (130, "interrupted\n")


@pytest.mark.slow
def test_interrupted_is_exit_code_130(synced: Path) -> None:
    """At a moment that is known: the command waits for somebody to write into a named pipe."""
    os.mkfifo("values")
    with started("render", "greet", "--vars", "values") as running, Path("values").open("wb"):  # open where it reads
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=TIMEOUT)
    assert (running.returncode, out, err.strip()) == (130, "", "interrupted")


on_linux = pytest.mark.skipif(
    sys.platform != "linux" or (os.cpu_count() or 1) < 2, reason="where there are cores to spare, and on Linux alone"
)


@pytest.fixture
def large(project: Path) -> Path:
    """A tree that is worth several processes."""
    write(project, {f"prompts/many/n{number}.txt": "Hello {name}! " * 500 for number in range(WORTH_IT + 1000)})
    return project


def readers(running: "subprocess.Popen[str]") -> list[int]:
    """The processes that read files for a command, as soon as there are any."""
    while not (found := children(running.pid)):
        assert running.poll() is None, "it was done before it had any: give it more files"
    return found


@pytest.mark.slow
@on_linux
def test_interrupted_while_several_processes_read_files_is_as_quiet(large: Path) -> None:
    """^C on a terminal reaches all of them."""
    with started("check") as running:
        readers(running)
        os.killpg(running.pid, signal.SIGINT)
        out, err = running.communicate(timeout=TIMEOUT)
    assert (running.returncode, out, err.strip()) == (130, "", "interrupted")


@pytest.mark.slow
@on_linux
def test_a_reading_process_that_is_killed_does_not_leave_the_command_waiting(large: Path) -> None:
    """As the kernel does where memory runs out."""
    for _ in range(5):
        with started("check") as running:
            os.kill(readers(running)[0], signal.SIGKILL)
            _, err = running.communicate(timeout=TIMEOUT)
        if running.returncode:  # otherwise all files were read before the signal came
            break
    told = failure("a process that read prompt files was killed", "try again; memory may have run out")
    assert (running.returncode, err) == (1, told)


@pytest.mark.slow
@on_linux
def test_a_command_that_is_killed_leaves_no_process_behind(large: Path) -> None:
    with started("check") as running:
        left = readers(running)
        running.kill()
        running.wait(TIMEOUT)
        deadline = time.monotonic() + TIMEOUT
        while (left := [process for process in left if is_alive(process)]) and time.monotonic() < deadline:
            time.sleep(0.02)
    assert left == []


def children(parent: int) -> list[int]:
    with suppress(FileNotFoundError):  # not every kernel has it
        return [int(child) for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
    found = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(file.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(file.parent.name))
    return found


def is_alive(process: int) -> bool:
    """Not even one that only waits to be noticed by its new parent."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
def test_a_command_that_waits_for_the_lock_can_be_interrupted(synced: Path) -> None:
    write(synced, {"prompts/new.txt": "x"})
    stored = blobs(synced)
    with closing(sqlite3.connect("promptdb.sqlite3", isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with started("sync", PROMPTDB_LOCK_TIMEOUT="3600") as running:
            while blobs(synced) == stored:  # they come before the lock
                assert running.poll() is None
                time.sleep(0.01)
            # Most likely it waits for the lock by then; before that, it is interrupted just the same.
            time.sleep(0.3)
            running.send_signal(signal.SIGINT)
            _, err = running.communicate(timeout=TIMEOUT)
    assert (running.returncode, err.strip()) == (130, "interrupted")


def blobs(folder: Path) -> int:
    return sum(file.is_file() for file in (folder / ".blobs" / "sha256").rglob("*"))
