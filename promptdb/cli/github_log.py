"""The log of a GitHub workflow, which takes lines of it as commands: those that we mean, and no other.

The runner obeys a line that begins with `::`, and one with `##[` anywhere, whichever stream it comes from
(https://docs.github.com/actions/reference/workflow-commands-for-github-actions). A prompt may hold such lines.
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
"""A space without width: the runner does not take it off, and readers do not see it."""


@contextmanager
def guarded_log() -> Iterator[None]:
    """Keep the runner from obeying text that a command prints, in a workflow.

    One fence of `::stop-commands::` on standard output holds everything from the first line that the runner would obey to
    the end, or to a line that we mean as a command. Lines of standard error are broken up instead. Output without such a line
    has no fence: a pipe to another program looks like one to the log. What goes to a file or a terminal stays as it is.
    """
    streams = sys.stdout, sys.stderr
    if os.environ.get("GITHUB_ACTIONS") != "true":
        yield
        return
    # The runner reads the two streams in no certain order: a fence on one of them does not hold lines of the other.
    guarded = [_guarded(sys.stdout, fenced=True), _guarded(sys.stderr, fenced=False)]
    sys.stdout, sys.stderr = guarded
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams
        for stream in guarded:
            if isinstance(stream, _LogStream):
                with suppress(OSError):  # nobody reads any more
                    stream.finish()


def print_command(text: str) -> None:
    """Print a line that the runner must obey."""
    if isinstance(sys.stdout, _LogStream):
        sys.stdout.write_command(text)
    else:
        click.echo(text)


def harmless(line: str) -> str:
    """Break up what would make the line a command, by a character that is not seen."""
    start = len(line) - len(line.lstrip())
    if line.startswith("::", start):
        line = f"{line[:start]}{_HIDDEN}{line[start:]}"
    return line.replace(_OLD_COMMAND, f"#{_HIDDEN}#[")


class _LogStream(io.TextIOWrapper):
    """Writes whole lines, none of which the runner obeys; the last one waits until it is complete.

    Args:
        stream: what to write to.
        fenced: show lines as they are, behind a fence; otherwise break them up.
    """

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
        """Write the rest, and keep what is below open."""
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
    with suppress(OSError, ValueError):  # no file of the system
        if S_ISREG(os.fstat(stream.fileno()).st_mode):
            return stream
    stream.flush()
    return _LogStream(stream, fenced=fenced)
