"""The log of a GitHub workflow, which takes lines of it as commands: those that we mean, and no other.

The runner obeys a line that begins with `::`, and one with `##[` anywhere, whichever stream it comes from
(https://docs.github.com/actions/reference/workflow-commands-for-github-actions). A prompt may hold such lines.
"""

import io
import os
import re
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from stat import S_ISREG
from typing import TextIO

import click

_OLD_COMMAND = "##["
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_HIDDEN = "\u200b"
"""A space without width: the runner does not take it off, and readers do not see it."""

Guard = Callable[[str], str]
"""Makes a line, its end included, one that the runner does not obey."""


@contextmanager
def guarded_log() -> Iterator[None]:
    """While a command runs in a workflow, what it prints to the log is no command.

    A line of standard output that could be one is fenced by `::stop-commands::`, so that it is shown as it is. On standard
    error it is broken up: fences on both streams would end one another. What goes to a file or a terminal is left alone.
    """
    streams = sys.stdout, sys.stderr
    if os.environ.get("GITHUB_ACTIONS") != "true":
        yield
        return
    token = f"promptdb-{secrets.token_hex(16)}"
    guarded = [_guarded(sys.stdout, lambda line: _fenced(line, token)), _guarded(sys.stderr, harmless)]
    sys.stdout, sys.stderr = guarded
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams
        for stream in guarded:
            if isinstance(stream, _GuardedStream):
                with suppress(OSError):  # nobody reads any more
                    stream.finish()


def print_command(text: str) -> None:
    """Print a line that the runner shall obey."""
    if isinstance(sys.stdout, _GuardedStream):
        sys.stdout.write_unguarded(f"{text}\n")
    else:
        click.echo(text)


def harmless(line: str) -> str:
    """The line with what would make it a command broken up, by a character that is not seen."""
    start = len(line) - len(line.lstrip())
    if line.startswith("::", start):
        line = f"{line[:start]}{_HIDDEN}{line[start:]}"
    return line.replace(_OLD_COMMAND, f"#{_HIDDEN}#[")


def _fenced(line: str, token: str) -> str:
    if harmless(line) == line:
        return line
    end = "" if line.endswith(("\r", "\n")) else "\n"
    return f"::stop-commands::{token}\n{line}{end}::{token}::\n"


class _GuardedStream(io.TextIOWrapper):
    """Writes whole lines, each through a guard; the last one waits until it is complete."""

    def __init__(self, stream: io.TextIOWrapper, guard: Guard) -> None:
        super().__init__(stream.buffer, stream.encoding, stream.errors, newline="", write_through=True)
        self._guard = guard
        self._begun = ""

    def write(self, text: str) -> int:
        lines = _LINE.findall(self._begun + text)
        self._begun = "" if not lines or lines[-1].endswith(("\r", "\n")) else lines.pop()
        super().write("".join(map(self._guard, lines)))
        return len(text)

    def write_unguarded(self, text: str) -> None:
        super().write(text)

    def finish(self) -> None:
        """Write the rest, and leave what is below open."""
        try:
            super().write(self._guard(self._begun) if self._begun else "")
        finally:
            self.detach()


def _guarded(stream: TextIO, guard: Guard) -> TextIO:
    if not isinstance(stream, io.TextIOWrapper) or stream.isatty():
        return stream
    with suppress(OSError, ValueError):  # no file of the system
        if S_ISREG(os.fstat(stream.fileno()).st_mode):
            return stream
    stream.flush()
    return _GuardedStream(stream, guard)
