"""The watcher: looks at the files when the schedule demands it, and syncs them."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from promptdb.errors import ConfigError, Conflict, LockTimeout, StalePlan, StorageError
from promptdb.git.worktree import open_work_tree
from promptdb.problems import Problem, printable_path
from promptdb.project.load import LoadedTree
from promptdb.settings import AppSettings
from promptdb.watch.busy import operation, stale_lock
from promptdb.watch.event_source import POLLING, EventSource
from promptdb.watch.events import Event, Failed, Invalid, Resumed, Started, Synced, Waiting, Warned
from promptdb.watch.ground import Ground, Snapshot
from promptdb.watch.hints import Hints
from promptdb.watch.schedule import Schedule
from promptdb.watch.single import only_one
from promptdb.workspace import Workspace

INTERVAL = 5.0
"""Seconds between two checks for changes without events."""

POLLING_INTERVAL = 2.0
"""The same, if there are no events at all."""

_PULSE = 1.0
"""Seconds between two checks that events still arrive. A renamed folder stops them without an event."""

_WORTH_REPORTING = 2.0
"""Seconds of waiting before a report. Git is busy for a moment with every commit."""


class Watcher:
    """Keeps a local registry in step with the files until it is stopped.

    Args:
        settings: the settings of the files and of the registry.
        report: receives every event, in the thread of `run`.
        interval: seconds between two checks for changes without events.
        polling: use no events.

    Raises:
        ConfigError: a setting is wrong, or the registry is not local.
    """

    def __init__(
        self,
        settings: AppSettings,
        report: Callable[[Event], None],
        *,
        interval: float | None = None,
        polling: bool = False,
    ) -> None:
        self._root, self._layout = settings.prompts_path, settings.layout
        self._report = report
        self._workspace = Workspace(settings, self._warn_of_sharing)
        stores = self._workspace.stores
        if not stores.is_local:
            raise ConfigError(
                f"watch writes only to a local registry, and this one is {stores.address}",
                "set PROMPTDB_DATABASE_URL to a SQLite file in or beside the checkout, or use 'promptdb sync'",
            )
        database = Path(stores.engine.url.database or "")
        self._ground = Ground(self._root, database, settings.blob_path, self._layout)
        self._hints = Hints()
        self._source = EventSource(self._ground, self._hints, polling=polling)
        self._interval = interval
        self._schedule = Schedule(self._seconds())
        self._stopping = threading.Event()
        self._seen: Snapshot | None = None
        self._problems: tuple[Problem, ...] = ()
        self._trouble: Waiting | Failed | None = None
        self._waiting_since: float | None = None
        self._stale: Path | None = None

    def run(self) -> None:
        """Look, sync and wait until `stop` is called.

        Raises:
            Guard: another process watches this root.
            ConfigError: the schema of the database belongs to another release.
            IntegrityFailure: the registry is damaged.
        """
        with only_one(self._root):
            try:
                self._source.renew()
                self._schedule.interval = self._seconds()
                where, database = self._root.resolve(), self._workspace.stores.address
                self._report(Started(where, database, self._source.mode, self._schedule.interval, self._source.reason))
                self._schedule.hint(time.monotonic())
                while not self._stopping.is_set():
                    self._turn()
            finally:
                self._source.stop()
                self._workspace.close()

    def stop(self) -> None:
        """Let `run` return after the current look. Any thread and any signal handler may call this."""
        self._stopping.set()
        self._hints.add()

    def _turn(self) -> None:
        now = time.monotonic()
        latest = self._hints.take()
        if latest is not None:
            self._schedule.hint(latest)
        elif not self._schedule.is_pending and not self._source.is_good():
            self._schedule.hint(now)
        if self._schedule.is_due(now):
            self._schedule.begin()
            self._look()
        elif self._schedule.is_check_due(now):
            self._schedule.checked(now)
            if self._has_changed():
                self._schedule.hint(now)
        elif self._schedule.is_pending:
            # Not the hints: further ones would wake us for nothing.
            self._stopping.wait(self._schedule.wait(now))
        else:
            self._hints.wait(min(self._schedule.wait(now), _PULSE))

    def _look(self) -> None:
        try:
            obstacle = self._obstacle() or self._sync()
        except StalePlan:
            obstacle = "files change while they are read"
        except (Conflict, LockTimeout, StorageError) as error:
            self._schedule.failed(time.monotonic())
            self._turn_to(Failed(error.message, error.hint))
            return
        except ConfigError as error:
            if self._root.is_dir() and self._layout.is_plain:
                raise
            # One of several roots may be gone for a moment.
            obstacle = "the prompts folder was removed" if self._layout.is_plain else error.message
        now = time.monotonic()
        if obstacle is None:
            self._waiting_since = None
            self._schedule.succeeded(now)
            self._turn_to(None)
            return
        self._schedule.postponed(now)
        self._waiting_since = now if self._waiting_since is None else self._waiting_since
        if now - self._waiting_since >= _WORTH_REPORTING:
            self._turn_to(Waiting(obstacle))

    def _obstacle(self, loaded: LoadedTree | None = None) -> str | None:
        """Explain why the files cannot be read at this moment, or were not read as one state, or return None."""
        if not self._root.is_dir():
            return f"there is no prompts folder {self._root}"
        git = self._ground.git()
        if git is None:
            return None
        stale = stale_lock(git.own, time.time())
        if stale is not None and stale != self._stale:
            hint = "remove it if no git command is running"
            self._report(Warned(f"{stale} is old: it counts as a leftover of a killed git", hint))
        self._stale = stale
        return operation(git.own, time.time()) or self._conflicts(loaded)

    def _conflicts(self, loaded: LoadedTree | None) -> str | None:
        # A conflict of `git stash pop` has no other sign.
        work_tree = open_work_tree(self._root, self._layout)
        if work_tree is None:
            return None
        # An edit after git was asked and before its file was read would count as content of the commit.
        if loaded is not None and (work_tree.dirty_paths ^ loaded.dirty_paths) - loaded.ignored_paths:
            return "files change while they are read"
        if not (paths := work_tree.unmerged_paths):
            return None
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        return f"{printable_path(paths[0])}{more} has a conflict; 'git add' marks it as resolved"

    def _sync(self) -> str | None:
        """Read everything and write new versions. If git changed files meanwhile, write nothing and return the reason."""
        if (warned := self._source.renew()) is not None:
            self._report(warned)
            self._schedule.interval = self._seconds()
        before = self._ground.snapshot()
        obstacle: str | None = None

        def proceed(loaded: LoadedTree) -> bool:
            nonlocal obstacle
            obstacle = self._obstacle(loaded)
            if obstacle is None:
                self._report_files(loaded)
            return obstacle is None

        applied = self._workspace.sync_valid(proceed)
        if applied is None:
            return obstacle
        self._seen = before
        if applied.run_id is not None:
            self._report(Synced(applied))
        return None

    def _report_files(self, loaded: LoadedTree) -> None:
        """Report problems as they come and go, and a database that went away."""
        problems = tuple(loaded.desired.problems)
        if problems != self._problems:
            self._problems = problems
            self._report(Invalid(problems))
        database = self._ground.database
        if self._seen is not None and database.parent.is_dir() and not database.exists():
            self._report(Warned(f"{database} is gone; a new registry begins there", "restore it if you need it"))

    def _warn_of_sharing(self, place: str, others: frozenset[UUID]) -> None:
        hint = f"give each a store of its own: {len(others) + 1} have marked this one"
        self._report(Warned(f"{place} has blobs of other registries too; 'promptdb gc' removes nothing there", hint))

    def _has_changed(self) -> bool:
        seen = self._seen
        return seen is None or not seen.is_settled or self._ground.snapshot().digest != seen.digest

    def _turn_to(self, trouble: Waiting | Failed | None) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            self._report(trouble or Resumed())

    def _seconds(self) -> float:
        return self._interval or (POLLING_INTERVAL if self._source.mode == POLLING else INTERVAL)
