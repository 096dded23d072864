"""Progress bars: on a terminal only, wiped away when the work is done."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as Display

    from promptdb.blobs.store import BlobStore
    from promptdb.progress import Progress

_FEW = 500
"""Files: fewer are done before a bar could be read."""

_FEW_FROM_AFAR = 20
"""The same for blobs that go over a network."""

_BETWEEN_REFRESHES = 0.05
"""Seconds."""


@dataclass(frozen=True)
class Bar:
    """Is not shown for fewer than `few` items."""

    title: str
    few: int = _FEW


def uploading(blobs: "BlobStore") -> Bar | None:
    """For blobs that go to a server; to a folder they are written before a bar could be read."""
    return None if blobs.backend == "local" else Bar("uploading", _FEW_FROM_AFAR)


@contextmanager
def progress_bar(bar: str | Bar | None) -> "Iterator[Progress | None]":
    """What moves a bar, or None where there is nobody to see it."""
    with progress_bars(Bar(bar) if isinstance(bar, str) else bar) as (progress,):
        yield progress


@contextmanager
def progress_bars(*bars: Bar | None) -> "Iterator[tuple[Progress | None, ...]]":
    """What moves each of several bars of which one follows another."""
    if not sys.stderr.isatty() or not any(bars):
        yield (None,) * len(bars)
        return
    from rich.console import Console
    from rich.progress import Progress as Display

    with Display(console=Console(stderr=True), transient=True, auto_refresh=False) as display:
        yield tuple(_moving(display, bar) if bar else None for bar in bars)


def _moving(display: "Display", bar: Bar) -> "Progress":
    task, refreshed = display.add_task(bar.title, total=None, visible=False), 0.0

    def advance(done: int, total: int) -> None:
        nonlocal refreshed
        if not refreshed:  # the one before is over
            for other in display.task_ids:
                display.update(other, visible=False)
        display.update(task, completed=done, total=total, visible=total >= bar.few)
        if time.monotonic() - refreshed >= _BETWEEN_REFRESHES or done == total:
            display.refresh()  # by ourselves: a thread for it would keep other processes from helping
            refreshed = time.monotonic()

    return advance
