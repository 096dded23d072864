"""Keeps the text of prompts from being read as commands in the log of a GitHub workflow.

The runner obeys a line of either stream that begins with `::` or contains `##[`
(https://docs.github.com/actions/reference/workflow-commands-for-github-actions). A prompt may contain such lines.
"""

import io
import os
import re
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from stat import S_ISREG
from typing import TextIO

import click

_OLD_COMMAND = "##["
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_HIDDEN = "\u200b"
"""A zero-width space: the runner does not strip it, and readers do not see it."""


@contextmanager
def guarded_log() -> Iterator[None]:
    """Keep the runner from obeying text that a command prints in a workflow.

    On standard output, a `::stop-commands::` fence opens before the first line that the runner would obey. It closes at the
    end, or before a command of our own. On standard error, such lines are broken up instead. Output without such lines gets no
    fence, since a pipe to another program looks like one to the log. Files and terminals get the text unchanged.
    """
    streams = sys.stdout, sys.stderr
    if os.environ.get("GITHUB_ACTIONS") != "true":
        yield
        return
    # The runner interleaves the two streams in any order, so a fence on one does not cover lines of the other.
    guarded = [_guarded(sys.stdout, fenced=True), _guarded(sys.stderr, fenced=False)]
    sys.stdout, sys.stderr = guarded
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams
        for stream in guarded:
            if isinstance(stream, _LogStream):
                with suppress(OSError):  # the reader is gone
                    stream.finish()


def print_command(text: str) -> None:
    """Print a line for the runner to obey."""
    if isinstance(sys.stdout, _LogStream):
        sys.stdout.write_command(text)
    else:
        click.echo(text)


def harmless(line: str) -> str:
    """Insert an invisible character where the line would be a command."""
    start = len(line) - len(line.lstrip())
    if line.startswith("::", start):
        line = f"{line[:start]}{_HIDDEN}{line[start:]}"
    return line.replace(_OLD_COMMAND, f"#{_HIDDEN}#[")


class _LogStream(io.TextIOWrapper):
    """Writes whole lines that the runner does not obey: behind a fence, or broken up if not `fenced`."""

    def __init__(self, stream: io.TextIOWrapper, *, fenced: bool) -> None:
        super().__init__(stream.buffer, stream.encoding, stream.errors, newline="", write_through=True)
        self._fenced = fenced
        self._token = ""
        self._begun = ""

    def write(self, text: str) -> int:
        lines = _LINE.findall(self._begun + text)
        self._begun = "" if not lines or lines[-1].endswith(("\r", "\n")) else lines.pop()
        super().write("".join(map(self._safe, lines)))
        return len(text)

    def write_command(self, text: str) -> None:
        super().write(f"{self._end_of_fence()}{text}\n")

    def finish(self) -> None:
        """Write the rest and leave the underlying buffer open."""
        rest = self._safe(self._begun)
        end = self._end_of_fence()
        try:
            super().write(f"{rest}\n{end}" if rest and end else rest + end)
        finally:
            self.detach()

    def _safe(self, line: str) -> str:
        if self._token or harmless(line) == line:
            return line
        if not self._fenced:
            return harmless(line)
        self._token = f"promptdb-{secrets.token_hex(16)}"
        return f"::stop-commands::{self._token}\n{line}"

    def _end_of_fence(self) -> str:
        token, self._token = self._token, ""
        return token and f"::{token}::\n"


def _guarded(stream: TextIO, *, fenced: bool) -> TextIO:
    if not isinstance(stream, io.TextIOWrapper) or stream.isatty():
        return stream
    with suppress(OSError, ValueError):  # not a file of the system
        if S_ISREG(os.fstat(stream.fileno()).st_mode):
            return stream
    stream.flush()
    return _LogStream(stream, fenced=fenced)
