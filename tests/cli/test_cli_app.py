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
from clitools import PROMPTDB, TIMEOUT, Run, failure, process, started
from registries import write

from promptdb.cli.app import COMMANDS
from promptdb.project.parallel import WORTH_IT


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_lists_every_command_in_the_order_of_work(run: Run, option: str) -> None:
    ran = run(option)
    assert (ran.code, ran.err) == (0, "")
    listed = ran.out.split("Commands:\n")[1].splitlines()
    assert [line.split()[0] for line in listed if line.startswith("  ") and line[2] != " "] == list(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_of_its_own(run: Run, command: str) -> None:
    ran = run(command, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"Usage: promptdb {command}")


def test_version_is_that_of_the_package(run: Run) -> None:
    assert run("--version") == (0, f"promptdb {version('promptdb')}\n", "")


def test_no_command_is_a_usage_error_that_shows_help(run: Run) -> None:
    ran = run()
    assert ran.code == 2
    assert "Commands:" in ran.out + ran.err


USAGE = [
    (["frobnicate"], "No such command 'frobnicate'."),
    (["list", "--frobnicate"], "No such option '--frobnicate'."),
    (["show"], "Missing argument 'REF'."),
    (["show", "a", "b"], "Got unexpected extra argument (b)"),
    (["promote", "a"], "Missing argument 'ALIAS'."),
    (["log", "a", "--limit", "many"], "Invalid value for '-n' / '--limit': 'many' is not a valid integer range."),
    (["check", "--format", "xml"], "Invalid value for '--format': 'xml' is not one of 'text', 'json', 'github'."),
    (["plan", "--format", "xml"], "Invalid value for '--format': 'xml' is not one of 'text', 'json', 'markdown'."),
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


# Standard output and standard error


def test_data_goes_to_standard_output_alone(synced: Path) -> None:
    ran = process("list")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("PROMPT ")


def test_an_error_goes_to_standard_error_alone(synced: Path) -> None:
    ran = process("show", "support/triag")
    assert ran == (1, "", "error: there is no prompt support/triag\nhint: did you mean support/triage?\n")


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
def test_a_disk_that_is_full_is_an_error_of_one_line(synced: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*PROMPTDB, "list"], stdout=full, stderr=subprocess.PIPE, timeout=TIMEOUT, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [["list"], ["list", "--json"], ["--help"], ["sync"]], ids=" ".join)
@pytest.mark.slow
def test_a_closed_standard_output_is_no_traceback(synced: Path, arguments: list[str]) -> None:
    command = ["sh", "-c", 'exec "$@" >&-', "sh", *PROMPTDB, *arguments]
    done = subprocess.run(command, stderr=subprocess.PIPE, timeout=TIMEOUT, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_a_closed_standard_error_stops_no_command(synced: Path) -> None:
    for words in ("check", "plan", "sync", "status", "verify"):
        done = subprocess.run(
            ["sh", "-c", 'exec "$@" 2>&-', "sh", *PROMPTDB, words], stdout=subprocess.PIPE, timeout=TIMEOUT
        )
        assert done.returncode == 0, words
        assert done.stdout, words


# ^C


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
