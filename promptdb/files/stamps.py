"""Stamps: what tells, without a look into a file, that it is the one that was read before.

A stamp counts only if every later change of the file must give it another one. Each change sets the time of change (ctime),
which nobody can set back, to what the clock of the file system says: so that clock is asked before the file is read, and a
file whose times are not well before that is read again the next time (compare https://git-scm.com/docs/racy-git).
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NewType
from uuid import uuid4

Stamp = NewType("Stamp", str)

Lasting = Callable[[Stamp], bool]
"""Whether a stamp, of a file that was read after the clock was asked, stands for what was read."""

_MARGIN = 1_000_000_000
"""Nanoseconds: times are taken from a clock that ticks every few milliseconds."""

_COARSE = 10_000_000
"""Nanoseconds. File systems that count in steps of this size or larger have no time of change that could be trusted."""


_IS_WINDOWS = os.name == "nt"


def stamp_of(status: os.stat_result) -> Stamp:
    """Of a file that is no link."""
    return Stamp(
        f"{status.st_dev} {status.st_ino} {status.st_mode} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
    )


def never_lasting(stamp: Stamp) -> bool:  # noqa: ARG001
    return False


def lasting_from_now(folder: Path) -> Lasting:
    """Ask the clock of the file system that a folder is on, which is made if need be. Of files elsewhere no stamp lasts.

    None lasts either where the clock cannot be asked, as in a read-only repository, where the time of change is that of the
    content (some network file systems) or of the creation (Windows), or where inodes have no numbers.
    """
    if _IS_WINDOWS:
        return never_lasting
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = _probe(folder / f".{uuid4().hex}")
    except OSError:
        return never_lasting
    if probe is None:
        return never_lasting
    device, now = probe
    return lambda stamp: _is_lasting(stamp, device, now)


def _probe(file: Path) -> tuple[int, int] | None:
    """The number of the file system and its time in nanoseconds; None if it keeps no times of change."""
    try:
        file.touch()
        now = file.stat().st_ctime_ns
        os.utime(file, ns=(0, 0))
        status = file.stat()
        keeps_change = status.st_mtime_ns != status.st_ctime_ns >= now and status.st_ino != 0
        return (status.st_dev, now) if keeps_change else None
    finally:
        with suppress(OSError):
            file.unlink()


def _is_lasting(stamp: Stamp, device: int, now: int) -> bool:
    its_device, _, _, _, modified, changed = map(int, stamp.split(" "))
    return its_device == device and max(modified, changed) < now - _MARGIN and changed % _COARSE != 0
