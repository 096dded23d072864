"""A lock that allows one watcher for each prompts root."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_state_path

from promptdb.domain.digest import digest_of
from promptdb.errors import ConfigError, Guard, StorageError


@contextmanager
def only_one(root: Path) -> Iterator[None]:
    """Hold the lock of a prompts root. The kernel releases it when the process ends, in whatever way.

    Raises:
        Guard: another process holds the lock. The message names it.
        StorageError: the lock cannot be written.
        ConfigError: this system does not have such locks.
    """
    if sys.platform == "win32":
        raise ConfigError("promptdb watch does not run on Windows", "run it in WSL")
    import fcntl

    file = _lock_file(root)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        hint = "set XDG_STATE_HOME to a writable folder"
        raise StorageError(f"cannot write the lock {file}: {error.strerror}", hint) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.read(descriptor, 32).decode(errors="replace").strip()
            who = f"process {owner}" if owner.isdigit() else "another process"
            raise Guard(
                f"{who} already watches {root}", "that process syncs this checkout already; stop it to watch from here"
            ) from error
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)


def _lock_file(root: Path) -> Path:
    # Never removed: a process that holds a removed lock excludes no other process.
    name = digest_of(os.fsencode(root.resolve())).partition(":")[2]
    return user_state_path("promptdb", appauthor=False) / "watch" / f"{name[:32]}.lock"
