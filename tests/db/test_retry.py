"""Units of work that are done again: which failures make it so, and that nothing is lost or done twice by it."""

import os
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from postgres import PostgresServer
from registries import dump, on_postgresql, rows, settings_for, write
from repositories import Git, commit_all
from sqlalchemy.exc import OperationalError

from promptdb.db import inserts, retry
from promptdb.db.engine import make_engine, reading, writing
from promptdb.db.migrate import upgrade
from promptdb.db.retry import again, is_transient, retried
from promptdb.domain.plan import Policy
from promptdb.errors import IntegrityFailure, LockTimeout, StorageError, Unreachable
from promptdb.project.load import load_tree
from promptdb.service import PromptService
from promptdb.sync.history import record_history
from promptdb.sync.sync_tree import sync_tree

WAIT = 120.0
"""Seconds until something that must happen is given up."""

REFUSED = 'connection failed: connection to server at "127.0.0.1", port 1 failed: Connection refused'
CLOSED = "consuming input failed: server closed the connection unexpectedly"


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (psycopg.errors.SerializationFailure(), True),
        (psycopg.errors.DeadlockDetected(), True),
        (psycopg.errors.AdminShutdown(), True),
        (psycopg.errors.CrashShutdown(), True),
        (psycopg.errors.CannotConnectNow(), True),
        (psycopg.errors.ConnectionFailure(), True),
        (psycopg.errors.ProtocolViolation(), True),
        (psycopg.OperationalError(REFUSED), True),
        (psycopg.OperationalError(REFUSED.replace("127.0.0.1", "ssl.example.com")), True),
        (psycopg.OperationalError(CLOSED), True),
        (psycopg.OperationalError("consuming input failed: SSL error: unexpected eof while reading"), True),
        (psycopg.OperationalError("consuming input failed: SSL connection has been closed unexpectedly"), True),
        (psycopg.OperationalError("SSL SYSCALL error: Connection reset by peer"), True),
        (psycopg.OperationalError("server sent an error response during SSL exchange"), True),
        (psycopg.OperationalError("FATAL:  the database system is starting up"), True),
        (psycopg.OperationalError("FATAL:  sorry, too many clients already"), True),
        (psycopg.errors.LockNotAvailable(), False),
        (psycopg.errors.InvalidPassword(), False),
        (psycopg.errors.InvalidCatalogName(), False),
        (psycopg.errors.UniqueViolation(), False),
        (psycopg.errors.DiskFull(), False),
        (psycopg.errors.QueryCanceled(), False),
        (psycopg.OperationalError('FATAL:  password authentication failed for user "a"'), False),
        (psycopg.OperationalError('FATAL:  database "a" does not exist'), False),
        (psycopg.OperationalError("channel binding required, but SSL not in use"), False),
        (psycopg.OperationalError("server does not support SSL, but SSL was required"), False),
        (psycopg.OperationalError("failed to resolve host 'a': [Errno -2] Name or service not known"), False),
        (psycopg.InterfaceError("wrong use"), False),
        (sqlite3.OperationalError("database is locked"), False),
        (None, False),
    ],
    ids=lambda value: f"{type(value).__name__} {value}" if isinstance(value, Exception) else "",
)
def test_only_what_may_be_better_in_a_moment_is_transient(cause: Exception | None, expected: bool) -> None:
    plain, wrapped = StorageError("failed"), StorageError("failed")
    plain.__cause__ = cause
    wrapped.__cause__ = OperationalError("SELECT 1", {}, cause) if cause is not None else None
    assert (is_transient(plain), is_transient(wrapped)) == (expected, expected)


@pytest.fixture
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "PATIENCE", 0.2)


@dataclass
class Unit:
    """Runs a statement, and counts how often. `failures` of its attempts have the server raise an error with `state`."""

    engine: sa.Engine
    state: str
    failures: int
    attempts: int = 0

    def __call__(self) -> str:
        self.attempts += 1
        with writing(self.engine) as connection:
            if self.attempts <= self.failures:
                connection.execute(sa.text(f"DO $$ BEGIN RAISE EXCEPTION SQLSTATE '{self.state}'; END $$"))
        return "done"


@on_postgresql
@pytest.mark.parametrize("state", ["40001", "40P01", "57P01", "08006"])
def test_a_unit_is_done_again_until_it_works(engine: sa.Engine, state: str) -> None:
    unit = Unit(engine, state, failures=2)
    assert (retried(unit)(), unit.attempts) == ("done", 3)


@on_postgresql
@pytest.mark.parametrize(
    ("state", "kind"), [("55P03", LockTimeout), ("23505", IntegrityFailure), ("53100", StorageError)]
)
def test_other_failures_are_told_at_once(engine: sa.Engine, state: str, kind: type[Exception]) -> None:
    unit = Unit(engine, state, failures=1)
    with pytest.raises(kind):
        again(unit)
    assert unit.attempts == 1


def test_a_server_that_never_answered_has_one_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts: list[float] = []

    def connect() -> None:
        attempts.append(1)
        monkeypatch.setattr(retry.time, "monotonic", lambda: now + 5)  # its timeout is over
        raise Unreachable("no answer") from psycopg.OperationalError("connection timeout expired")

    now = time.monotonic()
    with pytest.raises(Unreachable):
        again(connect)
    assert len(attempts) == 1


@on_postgresql
@pytest.mark.usefixtures("no_patience")
def test_a_failure_that_lasts_is_told_in_the_end(engine: sa.Engine) -> None:
    unit = Unit(engine, "40P01", failures=1000)
    with pytest.raises(LockTimeout):
        again(unit)
    assert unit.attempts > 1


@on_postgresql
@pytest.mark.usefixtures("no_patience")
def test_a_unit_within_a_unit_is_not_tried_for_itself(engine: sa.Engine) -> None:
    inner, outer = Unit(engine, "40001", failures=1), Unit(engine, "40001", failures=0)

    @retried
    def both() -> str:
        outer()
        return retried(inner)()

    assert both() == "done"
    assert (outer.attempts, inner.attempts) == (2, 2)


@pytest.mark.usefixtures("no_patience")
def test_a_server_that_is_down_is_told_with_its_address_and_a_remedy(tmp_path: Path) -> None:
    service = PromptService(settings_for("postgresql://127.0.0.1:1/registry", tmp_path))
    with pytest.raises(StorageError, match=r"postgresql://127.0.0.1:1/registry failed: .*refused") as caught:
        service.get("a/one")
    assert caught.value.hint is not None
    assert "start the database" in caught.value.hint


# A connection that is lost while COMMIT is on its way


def cut_at_commit(engine: sa.Engine, *, is_committed: bool) -> list[bool]:
    """Close the connection of the next writer when it commits: before the server has heard of it, or after."""
    cut: list[bool] = []

    @sa.event.listens_for(engine, "commit")
    def close(connection: sa.Connection) -> None:
        if cut or not connection.get_execution_options().get("promptdb_write"):
            return
        driver: Any = connection.connection.driver_connection
        if is_committed:
            driver.commit()
        driver.close()
        cut.append(is_committed)

    return cut


def _promote(service: PromptService) -> object:
    return service.promote("a/one:rev:1", "production", expected=2).to_revision


def _rollback(service: PromptService) -> object:
    return service.rollback("a/one", "production").to_revision


def _delete(service: PromptService) -> object:
    return service.delete_alias("a/one", "production").to_revision


def _register(service: PromptService) -> object:
    registered = service.register_text("a/one", "third")
    return registered.version.revision, registered.created


def _sync(service: PromptService) -> object:
    applied = sync_tree(service.registry, load_tree(service.settings), Policy())
    return [(str(change.prompt), change.revision) for change in applied.plan.changes], applied.run_id is not None


ACTS = {act.__name__: act for act in (_promote, _rollback, _delete, _register, _sync)}


@on_postgresql
@pytest.mark.parametrize("is_committed", [True, False], ids=["acknowledged", "not begun"])
@pytest.mark.parametrize("act", ACTS)
def test_a_commit_of_which_the_answer_was_lost_is_neither_lost_nor_made_twice(
    service: PromptService, tree: Path, act: str, is_committed: bool
) -> None:
    for text in ("first", "second"):
        service.register_text("a/one", text)
        service.promote("a/one", "production")
    write(tree, {"b/two.txt": "Two"})
    before = dump(service.engine)
    cut = cut_at_commit(service.engine, is_committed=is_committed)
    answer = ACTS[act](service)
    assert cut == [is_committed]
    expected = {
        "_promote": (1, 1, 0, 0),
        "_rollback": (1, 1, 0, 0),
        "_delete": (None, 1, 0, 0),
        "_register": ((3, True), 0, 1, 0),
        "_sync": (([("b/two", 1)], True), 0, 1, 1),
    }[act]
    after = dump(service.engine)
    more = [len(after[table]) - len(before[table]) for table in ("alias_events", "prompt_versions", "sync_runs")]
    assert (answer, *more) == expected
    generations = [row["generation"] for row in rows(service.engine, "alias_events")]
    assert generations == list(range(1, len(generations) + 1))


@on_postgresql
@pytest.mark.parametrize("is_committed", [True, False])
def test_history_survives_the_loss_of_its_commit(
    service: PromptService, tree: Path, git: Git, is_committed: bool
) -> None:
    write(tree, {"a/one.txt": "One"})
    commit_all(git)
    cut = cut_at_commit(service.engine, is_committed=is_committed)
    done = record_history(service.registry, service.settings)
    assert cut == [is_committed]
    assert (done.commits, len(service.list_versions("a/one"))) == (1, 1)


# A server that goes away


@pytest.fixture
def on_own_server(
    own_server: PostgresServer, tmp_path: Path, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PromptService]:
    for name in ("PATIENCE", "FIRST_PATIENCE"):  # a busy machine takes longer to start a server
        monkeypatch.setattr(retry, name, WAIT)
    url = own_server.url(own_server.create_database())
    engine = make_engine(url, Path())
    upgrade(engine)
    engine.dispose()
    service = PromptService(settings_for(url, tmp_path))
    yield service
    service.close()


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.01)


@pytest.fixture
def restart(own_server: PostgresServer) -> Iterator[Callable[[signal.Signals], None]]:
    """Stop the server, the first time it is called, and start it again while the caller goes on."""
    starting: list[threading.Thread] = []

    def act(how: signal.Signals) -> None:
        if not starting:
            own_server.stop(how)
            starting.append(threading.Thread(target=own_server.start))
            starting[0].start()

    yield act
    assert starting, "it did not come to that"
    starting[0].join(WAIT)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["restart", "crash"])
@pytest.mark.parametrize("statement", ["pg_advisory_xact_lock", "INSERT INTO prompt_versions", "pg_notify"])
def test_a_sync_survives_that_the_server_restarts(
    on_own_server: PromptService,
    tree: Path,
    restart: Callable[[signal.Signals], None],
    statement: str,
    how: signal.Signals,
) -> None:
    write(tree, {"a/one.txt": "One", "a/two.txt": "Two"})
    sa.event.listen(
        on_own_server.engine, "before_cursor_execute", lambda *given: restart(how) if statement in given[2] else None
    )
    require_converged(on_own_server, 2)


def test_a_sync_survives_that_the_server_restarts_while_rows_are_copied(
    on_own_server: PromptService,
    tree: Path,
    restart: Callable[[signal.Signals], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write(tree, {f"a/p{number}.txt": f"Prompt {number}" for number in range(inserts.COPY_FROM)})
    write_row = psycopg.Copy.write_row

    def slowly(copy: Any, row: Any) -> None:
        restart(signal.SIGINT)
        write_row(copy, row)

    monkeypatch.setattr(psycopg.Copy, "write_row", slowly)
    require_converged(on_own_server, inserts.COPY_FROM)


def require_converged(service: PromptService, prompts: int) -> None:
    """A sync writes all of it, once; the next one has nothing to do."""
    applied = sync_tree(service.registry, load_tree(service.settings), Policy())
    assert len(applied.plan.changes) == len(service.list_prompts()) == prompts
    assert [run["id"] for run in rows(service.engine, "sync_runs")] == [applied.run_id]
    again_ = sync_tree(service.registry, load_tree(service.settings), Policy())
    assert (again_.plan.is_empty, again_.run_id) == (True, None)


@pytest.mark.usefixtures("tree")
def test_a_lookup_waits_for_a_server_that_is_about_to_start(
    own_server: PostgresServer, on_own_server: PromptService
) -> None:
    on_own_server.register_text("a/one", "One")
    own_server.stop()
    tried = threading.Event()
    sa.event.listen(on_own_server.engine, "do_connect", lambda *_: tried.set())

    def start() -> None:
        tried.wait(WAIT)
        own_server.start()

    starting = threading.Thread(target=start)
    starting.start()
    try:
        assert on_own_server.get("a/one").render_text() == "One"
    finally:
        starting.join(WAIT)


def test_a_commit_that_is_still_under_way_is_waited_for(
    own_server: PostgresServer, on_own_server: PromptService
) -> None:
    """The server waits for a replica, while the client has lost it already: the rows are not to be seen yet."""
    on_own_server.register_text("a/one", "One")
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = %s"
    own_server.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    own_server.execute("SELECT pg_reload_conf()")
    connections: list[Any] = []

    @sa.event.listens_for(on_own_server.engine, "commit")
    def keep(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("promptdb_write"):
            connections.append(connection.connection.driver_connection)

    def cut() -> None:
        try:
            wait_until(lambda: own_server.execute(waiting, "SyncRep") == [(1,)])
            with socket.socket(fileno=os.dup(connections[0].fileno())) as wire:
                wire.shutdown(socket.SHUT_RDWR)
            wait_until(lambda: own_server.execute(waiting, "advisory") == [(1,)])
        finally:
            own_server.execute("ALTER SYSTEM RESET synchronous_standby_names")
            own_server.execute("SELECT pg_reload_conf()")

    cutting = threading.Thread(target=cut)
    cutting.start()
    move = on_own_server.promote("a/one", "production", expected=None)
    cutting.join(WAIT)
    assert move.to_revision == 1
    assert [event.action for event in on_own_server.alias_log("a/one")] == ["promote"]


def test_where_nobody_can_say_what_became_of_a_commit_it_is_told_and_not_done_again(
    own_server: PostgresServer, on_own_server: PromptService, no_patience: None
) -> None:
    on_own_server.register_text("a/one", "One")

    @sa.event.listens_for(on_own_server.engine, "commit")
    def stop(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("promptdb_write"):
            own_server.stop()

    with pytest.raises(StorageError, match="lost during a commit") as caught:
        on_own_server.promote("a/one", "production")
    assert caught.value.hint is not None
    assert "check what was written" in caught.value.hint
    own_server.start()


@on_postgresql
def test_what_a_unit_reads_comes_from_one_attempt(service: PromptService) -> None:
    service.register_text("a/one", "One")
    attempts: list[int] = []

    @retried
    def look() -> int | None:
        with reading(service.engine) as connection:
            attempts.append(1)
            pid = connection.execute(sa.text("SELECT pg_backend_pid()")).scalar()
            if len(attempts) == 1:
                with psycopg.connect(service.settings.database_url.get_secret_value(), autocommit=True) as other:
                    other.execute("SELECT pg_terminate_backend(%s)", (pid,))
            return connection.execute(sa.text("SELECT count(*) FROM prompts")).scalar()

    assert (look(), len(attempts)) == (1, 2)
