"""Named points of a run, at which a process of its own waits while the test does something to it, or to its stores."""

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import FrameType
from typing import Any

import sqlalchemy as sa
import workers

from promptdb.errors import PromptDBError

_REACHED = "reached"


@dataclass(frozen=True)
class Point:
    """A moment, by what happens in it for the n-th time.

    `event` is `call` or `return` of a Python function, named by `what`, alone or with its class; `sql` before a statement that
    `what` matches, or `sql done` after it.
    """

    name: str
    event: str
    what: str
    occurrence: int = 1

    def __str__(self) -> str:
        return self.name


LOCK = r"BEGIN IMMEDIATE|pg_advisory_xact_lock"

POINTS = (
    Point("after the scan", "call", "upload_and_write"),
    Point("before the first blob", "call", "put_all"),
    Point("between blobs", "call", "Batch.blobs", 2),
    Point("after the last blob, before the transaction", "return", "upload_in_order"),
    Point("before the lock", "sql", LOCK),
    Point("after BEGIN and the lock", "sql done", LOCK),
    Point("after the row of the run", "return", "RegistryWriter.insert_run"),
    Point("after the rows of versions", "return", "RegistryWriter.insert_versions"),
    Point("after the rows of assets", "return", "RegistryWriter.insert_assets"),
    Point("after the moves of aliases", "return", "move_pointers"),
    Point("before COMMIT", "return", "_Sync._write"),
    Point("after COMMIT", "return", "upload_and_write"),
)
"""Of a sync that adds versions and moves aliases, in this order."""

WRITTEN = POINTS[-1:]
"""Those at which everything is there."""


class Paused:
    """A process that waits at its point."""

    def __init__(self, process: Any, pipe: Connection) -> None:
        self._process = process
        self._pipe = pipe

    @property
    def pid(self) -> int:
        pid: int = self._process.pid
        return pid

    def go_on(self) -> None:
        self._pipe.send(None)

    def answer(self) -> Any:
        """What the work returned, or the text of its error, as `workers.together` has it."""
        try:
            return self._pipe.recv() if self._pipe.poll(workers.TIMEOUT) else "no answer"
        except EOFError:
            return "died"

    def finish(self) -> Any:
        self.go_on()
        return self.answer()

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self._process.join(workers.TIMEOUT)


@contextmanager
def paused_at(point: Point, work: Callable[..., Any], *arguments: Any) -> Iterator[Paused]:
    """Run `work` in a process up to a point. Killed at the end, if it is still there."""
    ours, theirs = workers._CONTEXT.Pipe()
    process = workers._CONTEXT.Process(target=_run, args=(theirs, dict(os.environ), point, work, arguments))
    process.start()
    theirs.close()
    paused = Paused(process, ours)
    try:
        first = paused.answer()
        assert first == _REACHED, f"the point {point.name!r} was not reached: {first}"
        yield paused
    finally:
        process.kill()
        process.join()
        ours.close()


def _run(
    pipe: Connection, environment: dict[str, str], point: Point, work: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    workers._set_environment(environment)
    left = point.occurrence

    def pass_by(*_: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            sys.setprofile(None)
            pipe.send(_REACHED)
            pipe.recv()

    def on_statement(_: Any, __: Any, statement: str, *___: Any) -> None:
        if re.search(point.what, statement):
            pass_by()

    def on_call(frame: FrameType, event: str, _: Any) -> None:
        name = frame.f_code.co_qualname  # type: ignore[attr-defined]  # Python 3.11
        if event == point.event and (name == point.what or name.endswith(f".{point.what}")):
            pass_by()

    if point.event.startswith("sql"):
        moment = "after_cursor_execute" if point.event == "sql done" else "before_cursor_execute"
        sa.event.listen(sa.Engine, moment, on_statement)
    else:
        sys.setprofile(on_call)
    try:
        answer = work(*arguments)
    except PromptDBError as error:
        answer = f"{type(error).__name__}: {error.message}"
    pipe.send(answer)
