"""Reduces events of the file system to hints that something happened."""

import os
import threading
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import BaseObserver


@dataclass(frozen=True)
class WatchedFolder:
    """A folder to observe, by its real path."""

    folder: Path
    recursive: bool = False


class Hints:
    """Hints from the threads of the observer to the thread that looks."""

    def __init__(self) -> None:
        self._happened = threading.Event()
        self._latest = 0.0
        self._place_is_gone = False

    def add(self) -> None:
        self._latest = time.monotonic()
        self._happened.set()

    def add_loss(self) -> None:
        """Note that an observed folder is gone, as in a checkout. The end of its events is then not an error."""
        self._place_is_gone = True

    def take_loss(self) -> bool:
        lost, self._place_is_gone = self._place_is_gone, False
        return lost

    def take(self) -> float | None:
        """Return the time of the latest hint since the last call, on the monotonic clock, or None."""
        if not self._happened.is_set():
            return None
        self._happened.clear()
        return self._latest

    def wait(self, seconds: float) -> None:
        self._happened.wait(seconds)


class Observation:
    """Observes the events of places, except those at and below the real paths in `skipped`.

    Raises:
        OSError: the system has no watches left.
    """

    def __init__(self, places: Sequence[WatchedFolder], skipped: Collection[str], hints: Hints) -> None:
        before = set(threading.enumerate())
        folders = _folders(places)
        self._observer = _start(places, Relevance(places, skipped), hints)
        self._threads = [thread for thread in threading.enumerate() if thread not in before]
        missing = _unwatched(folders)
        if missing > 0:
            self.stop()
            raise OSError(f"inotify has no watches left for {missing:,} of {len(folders):,} folders")

    @property
    def is_alive(self) -> bool:
        """True while events arrive. A thread ends with its folder, or by an error."""
        return all(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        self._observer.stop()


@dataclass(frozen=True)
class Relevance:
    """A test for relevant paths: the places and everything below them, without the skipped paths."""

    places: Sequence[WatchedFolder]
    skipped: Collection[str]

    def __call__(self, path: str) -> bool:
        # Called for each of thousands of events: pathlib is slower.
        folder = os.path.dirname(path)  # noqa: PTH120
        if any(not place.recursive and folder == str(place.folder) for place in self.places):
            return True
        return not any(path == skipped or path.startswith(skipped + os.sep) for skipped in self.skipped)


def kind_of_events() -> str:
    """Name the event mechanism of this system, such as `inotify`, `fsevents` or `kqueue`."""
    from watchdog.observers import Observer

    return cast("type", Observer).__name__.removesuffix("Observer").lower()


def _start(places: Sequence[WatchedFolder], is_relevant: Relevance, hints: Hints) -> "BaseObserver":
    from watchdog import events
    from watchdog.observers import Observer

    roots = {str(place.folder) for place in places}
    gone = (events.DirDeletedEvent, events.DirMovedEvent)

    class _Handler(events.FileSystemEventHandler):
        def on_any_event(self, event: "FileSystemEvent") -> None:
            if isinstance(event, gone) and os.fsdecode(event.src_path) in roots:
                hints.add_loss()
            if any(path and is_relevant(os.fsdecode(path)) for path in (event.src_path, event.dest_path)):
                hints.add()

    # Without this filter, reading a file makes two events.
    changes = [
        *(events.FileCreatedEvent, events.FileModifiedEvent, events.FileMovedEvent, events.FileDeletedEvent),
        *(events.DirCreatedEvent, events.DirMovedEvent, events.DirDeletedEvent, events.FileClosedEvent),
    ]
    observer = Observer()
    handler = _Handler()
    try:
        for place in places:
            observer.schedule(handler, str(place.folder), recursive=place.recursive, event_filter=changes)
        observer.start()
    except OSError:
        observer.stop()
        raise
    return observer


def _folders(places: Sequence[WatchedFolder]) -> set[str]:
    found = {str(place.folder) for place in places}
    for place in places:
        for folder, names, _ in os.walk(place.folder) if place.recursive else ():
            found |= {f"{folder}/{name}" for name in names}
    return {folder for folder in found if os.access(folder, os.R_OK) and not os.path.islink(folder)}  # noqa: PTH114


def _unwatched(folders: Collection[str]) -> int:
    """Count the folders without an inotify watch. Return 0 on systems that do not list their watches."""
    # When inotify runs out of watches, watchdog silently skips subfolders. The list is in proc_pid_fdinfo(5).
    watched, is_known = 0, False
    process = Path("/proc/self")
    for descriptor in (process / "fd").iterdir() if process.is_dir() else ():
        # A descriptor may be closed meanwhile.
        with suppress(OSError):
            if str(descriptor.readlink()) == "anon_inode:inotify":
                listed = (process / "fdinfo" / descriptor.name).read_text(encoding="ascii")
                watched, is_known = watched + listed.count("inotify wd:"), True
    return sum(map(os.path.isdir, folders)) - watched if is_known else 0
