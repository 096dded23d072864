"""Progress bars: on a terminal only, wiped away when the work is done."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from promptdb.progress import UPLOADING

if TYPE_CHECKING:
    from rich.progress import Progress as Display

    from promptdb.progress import Progress

_FEW = 500
"""Files: fewer are done before a bar could be read."""

_FEW_FROM_AFAR = 20
"""The same for blobs that go over a network."""

_BETWEEN_REFRESHES = 0.05
"""Seconds."""


@contextmanager
def progress_bar(title: str) -> "Iterator[Progress | None]":
    """Show a bar while a step runs. Gives what moves it, or None where no one is there to see it."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Display

    with Display(console=Console(stderr=True), transient=True, auto_refresh=False) as display:
        yield _moving(display, title, _FEW_FROM_AFAR if title == UPLOADING else _FEW)


def _moving(display: "Display", title: str, few: int) -> "Progress":
    task, refreshed = display.add_task(title, total=None, visible=False), 0.0

    def advance(done: int, total: int) -> None:
        nonlocal refreshed
        display.update(task, completed=done, total=total, visible=total >= few)
        if time.monotonic() - refreshed >= _BETWEEN_REFRESHES or done == total:
            # Not by a thread of rich's own: with one, no other process could be forked to help.
            display.refresh()
            refreshed = time.monotonic()

    return advance
