"""One watcher for each prompts root."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_state_path

from promptdb.domain.digest import digest_of
from promptdb.errors import ConfigError, Guard, StorageError

_MAX_PID = 32
"""Bytes."""


@contextmanager
def only_one(root: Path) -> Iterator[None]:
    """Hold the lock that belongs to a prompts root. The kernel releases it, however the process ends.

    Raises:
        Guard: another process holds it; the message names it.
        StorageError: there is no place for the lock.
        ConfigError: this system has no such locks.
    """
    if sys.platform == "win32":
        raise ConfigError("promptdb watch does not run on Windows", "run it in WSL")
    import fcntl

    file = _lock_file(root)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        hint = "set XDG_STATE_HOME to a folder that can be written"
        raise StorageError(f"cannot write the lock {file}: {error.strerror}", hint) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.read(descriptor, _MAX_PID).decode(errors="replace").strip()
            who = f"process {owner}" if owner.isdigit() else "another process"
            raise Guard(f"{who} watches {root} already", "stop it first, or let it do the work") from error
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)


def _lock_file(root: Path) -> Path:
    """Never removed: whoever waits on a removed one holds nothing."""
    name = digest_of(os.fsencode(root.resolve())).partition(":")[2]
    return user_state_path("promptdb", appauthor=False) / "watch" / f"{name[:32]}.lock"
