"""The events that a watcher reports. The command line chooses the words."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from promptdb.problems import Problem
    from promptdb.sync.apply import Applied


@dataclass(frozen=True)
class Started:
    """`mode` is `polling`, with its `reason`, or the kind of events of the system, such as `inotify`."""

    root: Path
    database: str
    mode: str
    interval: float
    reason: str | None = None


@dataclass(frozen=True)
class Synced:
    """A sync wrote something."""

    applied: "Applied"


@dataclass(frozen=True)
class Invalid:
    """The problems of all files have changed. No problems are left if the list is empty."""

    problems: "tuple[Problem, ...]"


@dataclass(frozen=True)
class Waiting:
    """Something keeps the watcher from looking."""

    reason: str


@dataclass(frozen=True)
class Failed:
    """A look failed. The watcher tries again."""

    message: str
    hint: str | None = None


@dataclass(frozen=True)
class Resumed:
    """The reason to wait, or the failure, is over."""


@dataclass(frozen=True)
class Warned:
    """The watcher continues with a limitation."""

    message: str
    hint: str | None = None


@dataclass(frozen=True)
class Stopped:
    """The watcher was stopped by ^C or SIGTERM."""


Event = Started | Synced | Invalid | Waiting | Failed | Resumed | Warned | Stopped
