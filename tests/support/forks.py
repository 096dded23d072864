"""Forked children that do some work, and report what came of it."""

import os
import select
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass

TIMEOUT = 60
"""Seconds: only a child that hangs takes so long."""

_LONGEST = 60_000
"""Bytes of an answer."""


@dataclass(frozen=True)
class Child:
    pid: int
    answers: int

    def answer(self) -> str:
        """The text of what the work returned, or of its error. Waits until the child has ended."""
        has_answered, _, _ = select.select([self.answers], [], [], TIMEOUT)
        if not has_answered:
            os.kill(self.pid, signal.SIGKILL)
        # Not up to the end of the pipe: children of the child may have it open.
        text = os.read(self.answers, _LONGEST).decode() if has_answered else "it hangs"
        os.close(self.answers)
        os.waitpid(self.pid, 0)
        return text


def forked(work: Callable[[], object]) -> Child:
    """A child that does the work and ends."""
    answers, ours = os.pipe()
    pid = os.fork()
    if pid == 0:
        _answer(work, ours)
    os.close(ours)
    return Child(pid, answers)


def _answer(work: Callable[[], object], pipe: int) -> None:
    try:
        text = str(work())
    except BaseException:  # noqa: BLE001
        text = traceback.format_exc()
    try:
        os.write(pipe, text.encode()[-_LONGEST:])
    finally:
        os._exit(0)
