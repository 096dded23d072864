"""A watcher in a process of its own, and looking at what it wrote."""

import ctypes
import json
import multiprocessing
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from promptdb.cli.app import main
from promptdb.domain.plan import Policy
from promptdb.project.load import load_tree
from promptdb.service import PromptService
from promptdb.settings import AppSettings
from promptdb.sync.sync_tree import sync_tree

DEADLINE = 180.0
"""Seconds: only what never happens takes so long."""

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        *("pytest", "promptdb.service", "promptdb.sync.sync_tree", "promptdb.cli.app", "alembic.command"),
        *("psycopg", "git", "promptdb.watch.loop", "promptdb.cli.commands.watch", "watchdog.observers"),
    ]
)

_CLONE_NEWUSER = 0x10000000
_NO_NAMESPACES = 99

Heads = dict[str, str]
"""Prompt -> digest of its highest revision."""


def wait_for(condition: Callable[[], Any], what: object = "a condition") -> Any:
    """Until it gives something true, which is returned."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError(f"never came: {what}")


class Watching:
    """A running `promptdb watch --json`."""

    def __init__(self, process: Any, out: Path, err: Path) -> None:
        self.process = process
        self.out = out
        self.err = err

    @property
    def events(self) -> list[dict[str, Any]]:
        lines = self.out.read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def told(self, name: str, after: int = 0) -> list[dict[str, Any]]:
        return [event for event in self.events[after:] if event["event"] == name]

    def wait_for(self, name: str, after: int = 0, **fields: Any) -> dict[str, Any]:
        """The first such event, from a number of them onwards."""

        def found() -> Any:
            return [e for e in self.told(name, after) if fields.items() <= e.items()]

        try:
            event: dict[str, Any] = wait_for(found, (name, fields))[0]
        except AssertionError as error:
            raise AssertionError(f"{error}; told: {self.events}; {self.err.read_text()}") from None
        return event

    def send(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Its exit code."""
        self.send(number)
        self.process.join(DEADLINE)
        code: int = self.process.exitcode
        return code


@contextmanager
def watching(*arguments: str, folder: Path, limits: dict[str, int] | None = None) -> Iterator[Watching]:
    """Run it in a folder, from the moment it has begun to watch.

    Args:
        arguments: of the command.
        folder: the current folder of the command.
        limits: of inotify, as /proc/sys/user names them; they hold for this process only.
    """
    outputs = [folder.parent / f"{folder.name}-{os.urandom(4).hex()}.{name}" for name in ("out", "err")]
    command = ["watch", "--json", *arguments]
    process = _CONTEXT.Process(target=_run, args=(command, folder, dict(os.environ), limits or {}, *outputs))
    process.start()
    running = Watching(process, *outputs)
    try:
        wait_for(lambda: outputs[0].exists() and (running.events or not process.is_alive()), "a start")
        if process.exitcode == _NO_NAMESPACES:
            pytest.skip("this system gives nobody a user namespace")
        yield running
    finally:
        process.kill()
        process.join(DEADLINE)


def _run(
    command: list[str], folder: Path, environment: dict[str, str], limits: dict[str, int], out: Path, err: Path
) -> None:
    if limits and ctypes.CDLL(None).unshare(_CLONE_NEWUSER):
        sys.exit(_NO_NAMESPACES)
    for limit, value in limits.items():
        Path("/proc/sys/user", limit).write_text(str(value))
    for number, name in ((1, out), (2, err)):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    main(command)


def heads(folder: Path, name: str = "promptdb.sqlite3", *, archived: bool = False) -> Heads:
    """What `latest` gives for each prompt, by SQL of our own."""
    file = folder / name
    if not file.exists():
        return {}
    query = """
        SELECT p.namespace || '/' || p.name, v.spec_hash FROM prompts p JOIN prompt_versions v ON v.prompt_id = p.id
        WHERE v.revision = (SELECT max(revision) FROM prompt_versions WHERE prompt_id = p.id)
        AND (p.archived_at IS NOT NULL) = ?
    """
    with closing(sqlite3.connect(file)) as connection:
        try:
            return dict(connection.execute(query, [archived]).fetchall())
        except sqlite3.OperationalError:  # no table yet, or locked
            return {}


def fresh(folder: Path) -> Heads:
    """What a sync into an empty registry gives."""
    service = PromptService(
        AppSettings(
            base=folder, database_url=f"sqlite:///{folder.parent / 'fresh.sqlite3'}", blob_root=folder.parent / "b"
        )
    )
    try:
        sync_tree(service.reader.created, load_tree(service.settings), Policy(), keep_going=True)
        return heads(folder.parent, "fresh.sqlite3")
    finally:
        service.close()
        (folder.parent / "fresh.sqlite3").unlink()


def converges(folder: Path, expected: Heads | None = None) -> None:
    """The watched registry gets to say what a fresh one does; prompts whose files are gone stay."""
    wanted = fresh(folder) if expected is None else expected
    try:
        wait_for(lambda: wanted.items() <= heads(folder).items())
    except AssertionError:
        assert heads(folder) == wanted
    assert heads(folder, archived=True) == {}
