"""Running commands in processes of their own, and reading what commands print."""

import fcntl
import json
import multiprocessing
import os
import pty
import re
import select
import shlex
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from registries import write

from promptdb.cli import app
from promptdb.cli.app import main

GREET = "Hello {name}, welcome to {place}!\n"
TRIAGE = """\
variables:
  ticket: {type: string, description: As it came in}
  tries: {type: integer, default: 1}
messages:
  - role: system
    template: Triage the ticket, try {tries}.
  - role: human
    template: "{ticket}"
tests:
  - name: fences nothing
    variables: {ticket: It broke.}
    expect: {contains: It broke.}
"""
PROMPTS: dict[str, str | bytes] = {"prompts/greet.txt": GREET, "prompts/support/triage.yaml": TRIAGE}
PROMPTDB = [sys.executable, "-m", "promptdb"]
SCRIPT = str(Path(sys.executable).with_name("promptdb"))
"""The same for ^C: `python -m` dies of it where it comes while a class is made from text, whatever the exit code is to be."""
TIMEOUT = 120.0
"""Seconds: only a process that hangs takes so long."""


class Ran(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str = ""

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Run(Protocol):
    def __call__(self, *arguments: object) -> Ran: ...


Make = Callable[[Path], None]
"""What makes something of a project, which is the current folder too."""


def commands(*lines: str) -> None:
    """Run commands in this process, none of which may fail."""
    for line in lines:
        assert app.run(shlex.split(line)) == 0, line


def make_synced(_: Path) -> None:
    commands("sync")


def make_two_versions(folder: Path) -> None:
    commands("sync")
    write(folder, {"prompts/greet.txt": "Hi {name}, welcome to {place}!\n"})
    commands("sync", "promote greet:rev:1 production", "promote greet staging")


def steady(text: str) -> str:
    """The text with every time and digest replaced by one of the same length."""
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "2026-01-01 00:00", text)
    return re.sub(r"sha256:[0-9a-f]{8,64}", "sha256:" + "0" * 8, text)


OPEN: dict[str, Any] = {
    "aliases": {},
    **{name: [] for name in ("parts", "unconfirmed", "contract", "breaking", "proposed_renames", "passed_renames")},
}
"""Maps whose keys are data, and lists that are often empty: shown as these."""


def keys(value: Any) -> Any:
    """The keys of JSON data at every depth: a dict as its keys, a list as the keys that all its items have, else None."""
    if isinstance(value, dict):
        return {key: OPEN[key] if key in OPEN and item is not None else keys(item) for key, item in value.items()}
    if isinstance(value, list):
        shapes = [keys(item) for item in value]
        assert all(shape == shapes[0] for shape in shapes)
        return shapes[:1]
    return None


def failure(message: str, hint: str | None = None) -> str:
    """An error as the command line tells it."""
    return f"error: {message}\n" + (f"hint: {hint}\n" if hint else "")


def process(*arguments: object, folder: Path | None = None, **environment: str) -> Ran:
    """Run a command in a process of its own, in the current folder or another."""
    done = subprocess.run(
        [*PROMPTDB, *map(str, arguments)],
        cwd=folder,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=TIMEOUT,
    )
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


@contextmanager
def started(*arguments: object, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    """A command that runs, with its children in a group of their own; killed at the end if it is still there.

    ^C reaches it even where the tests run in the background of a shell, which has its commands ignore it.
    """
    running = subprocess.Popen(
        [SCRIPT, *map(str, arguments)],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        text=True,
    )
    with running:
        try:
            yield running
        finally:
            with suppress(ProcessLookupError):  # nobody is left
                os.killpg(running.pid, signal.SIGKILL)


def terminal(*arguments: object, columns: int = 80, **environment: str) -> Ran:
    """Run a command on a real pseudo-terminal of a given width; output and errors come together, with LF line ends.

    The process is forked from a server that has promptdb loaded already: dozens of these would take a minute otherwise.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    variables = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    variables |= {"TERM": "xterm-256color", **environment}
    command = [str(argument) for argument in arguments]
    running = FORKS.Process(target=_on_terminal, args=(os.ttyname(theirs), str(Path.cwd()), variables, command))
    running.start()
    shown = b""
    try:
        while running.is_alive() or select.select([ours], [], [], 0)[0]:
            if select.select([ours], [], [], 0.02)[0]:
                shown += os.read(ours, 65536)
        running.join(TIMEOUT)
        assert running.exitcode is not None
        return Ran(running.exitcode, shown.decode().replace("\r\n", "\n"))
    finally:
        os.close(ours)
        os.close(theirs)
        running.kill()


FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["pytest", "promptdb.service", "promptdb.sync.sync_tree", "promptdb.cli.app"])


def _on_terminal(device: str, folder: str, environment: dict[str, str], arguments: list[str]) -> None:
    os.setsid()
    descriptor = os.open(device, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(descriptor, standard)
    sys.stdin, sys.stdout, sys.stderr = (
        open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115
        for number, mode in enumerate(("r", "w", "w"))
    )
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    main(arguments)


STYLE = re.compile(r"\x1b\[[0-9;]*m")
PROGRESS = re.compile(r"\x1b\[\?25[lh]|\r|\x1b\[2K|\x1b\[1A")


def as_seen(text: str) -> str:
    """What is left on the screen: without colours, and without the bar that was wiped away."""
    return STYLE.sub("", PROGRESS.sub("", text))
