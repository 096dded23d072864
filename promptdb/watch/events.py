"""What a watcher tells, one value for each thing. The command line chooses the words."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from promptdb.problems import Problem
    from promptdb.sync.apply import Applied


@dataclass(frozen=True)
class Started:
    """`mode` is `polling`, or the system's kind of events, such as `inotify`; `reason` says why it polls."""

    root: Path
    database: str
    mode: str
    interval: float
    reason: str | None = None


@dataclass(frozen=True)
class Synced:
    """Something was written."""

    applied: "Applied"


@dataclass(frozen=True)
class Invalid:
    """The problems of all files, since they are others than before. Empty: all of them are mended."""

    problems: "tuple[Problem, ...]"


@dataclass(frozen=True)
class Waiting:
    """Something keeps it from looking."""

    reason: str


@dataclass(frozen=True)
class Failed:
    """A look failed, and is tried again."""

    message: str
    hint: str | None = None


@dataclass(frozen=True)
class Resumed:
    """What it waited for, or what failed, is over."""


@dataclass(frozen=True)
class Warned:
    """It goes on, but not as it should."""

    message: str
    hint: str | None = None


@dataclass(frozen=True)
class Stopped:
    """By ^C or SIGTERM."""


Event = Started | Synced | Invalid | Waiting | Failed | Resumed | Warned | Stopped
