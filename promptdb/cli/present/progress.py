"""Progress bars, which only terminals get and which disappear with the end of a step."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from promptdb.cli.present.text import without_color
from promptdb.progress import UPLOADING

if TYPE_CHECKING:
    from rich.progress import Progress as Display

    from promptdb.progress import Progress

# Fewer files, or fewer blobs over a network, are done before anyone could read a bar.
_FEW_FILES, _FEW_UPLOADS = 500, 20
_SECONDS_BETWEEN_REFRESHES = 0.05


@contextmanager
def progress_bar(title: str) -> "Iterator[Progress | None]":
    """Show a bar while a step runs. Yields the function that moves it, or None without a terminal."""
    if sys.stderr is None or not sys.stderr.isatty():  # None where it is closed
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Display

    with Display(console=Console(stderr=True, no_color=without_color()), transient=True, auto_refresh=False) as display:
        yield _moving(display, title, _FEW_UPLOADS if title == UPLOADING else _FEW_FILES)


def _moving(display: "Display", title: str, few: int) -> "Progress":
    task, refreshed = display.add_task(title, total=None, visible=False), 0.0

    def advance(done: int, total: int) -> None:
        nonlocal refreshed
        display.update(task, completed=done, total=total, visible=total >= few)
        if time.monotonic() - refreshed >= _SECONDS_BETWEEN_REFRESHES or done == total:
            # rich's own refresh thread would make it unsafe to fork worker processes.
            display.refresh()
            refreshed = time.monotonic()

    return advance
