"""The engine of a database: explicit transactions, one write lock, and errors with remedies."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, NoReturn, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import PoolProxiedConnection

from promptdb.db.database_url import parse_database_url, without_values
from promptdb.db.driver_errors import fault_in
from promptdb.db.lost_commit import OPTION, Marks
from promptdb.db.postgresql import READ_ONLY, begin_explicitly, connect_arguments, take_write_lock, without_secrets
from promptdb.db.retry import again
from promptdb.db.sqlite_file import is_moved, moved, open_existing, require_folder
from promptdb.errors import ConfigError, IntegrityFailure, LockTimeout, MissingExtra, StorageError, Unreachable

_Connection = TypeVar("_Connection", sa.Connection, PoolProxiedConnection)

_CACHE_KIB = 64 * 1024
_LOCK_STEP = 0.25  # seconds
_LOCKED = "database is locked"
_LOCK_NOT_AVAILABLE = ("55P03", "40P01")  # lock_not_available and deadlock_detected of PostgreSQL


def make_engine(url: str, base: Path, lock_timeout: float = 30.0) -> sa.Engine:
    """Make an engine for a database URL, without connecting.

    Args:
        url: `sqlite:///FILE` or `postgresql://USER@HOST/DATABASE`.
        base: the folder that relative SQLite paths start from.
        lock_timeout: seconds to wait for another writer.

    Raises:
        ConfigError: the URL is malformed or names another kind of database.
        MissingExtra: the driver for PostgreSQL is not installed.
    """
    parsed = parse_database_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed, base, lock_timeout)
    return _postgres(parsed, lock_timeout)


def memory_engine() -> sa.Engine:
    """Make an engine for an empty SQLite database in memory, which ends with the engine."""
    return _with_transactions(sa.create_engine("sqlite+pysqlite://", poolclass=sa.StaticPool))


def forget_connections(engine: sa.Engine) -> None:
    """Give up the connections that a forked child has from its parent, without a word to the server."""
    inherited = [engine.pool]
    engine.dispose(close=False)
    if engine.dialect.name != "sqlite":
        return
    closing = Lock()

    # SQLite counts its locks in the process. A connection of the child would trust those that only the parent holds, and
    # would go on to read deleted files when the parent ends. Not at once: the child may only be about to start a program.
    @sa.event.listens_for(engine, "do_connect")
    def _close(*_: Any) -> None:
        with closing:
            while inherited:
                inherited.pop().dispose()


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a transaction that sees one state of the database and writes nothing.

    Raises:
        StorageError, LockTimeout: the database failed.
    """
    options = {READ_ONLY: True}
    with (
        restated(engine),
        connected(engine, engine.connect).execution_options(**options) as connection,
        connection.begin(),
    ):
        yield connection


@contextmanager
def writing(engine: sa.Engine, *, alone: bool = True) -> Iterator[sa.Connection]:
    """Open a transaction that holds the write lock from its first statement: what it reads stays true until it commits.

    With `alone` False, it takes no lock on PostgreSQL: it must lock each row that it decides about, and changes no version.

    The lock ends with the connection, so a killed process leaves none behind. If the connection is lost during the commit, a
    second transaction finds out whether the commit succeeded.

    On SQLite it refuses to write into a file that is not at its path any more, where the rows would be lost.

    Raises:
        LockTimeout: another writer held the lock for too long.
        StorageError: the database failed. Nothing was written, unless the message says that this is unknown.
    """
    marks: Marks = []
    options = {"promptdb_write": True, OPTION: marks}
    with (
        restated(engine),
        engine.connect().execution_options(**options) as connection,
        connection.begin() as transaction,
    ):
        if alone and engine.dialect.name == "postgresql":
            take_write_lock(connection)
        _require_unmoved(connection)
        yield connection
        _require_unmoved(connection)
        try:
            transaction.commit()
        except DBAPIError as error:
            if not (marks and error.connection_invalidated and _is_committed(engine, marks)):
                raise


def connected(engine: sa.Engine, connect: Callable[[], _Connection]) -> _Connection:
    """Take a connection by a method of the engine: to the file that is there now, if another one replaced it."""
    connection = connect()
    if not is_moved(connection):
        return connection
    connection.close()
    engine.dispose()
    return connect()


def _require_unmoved(connection: sa.Connection) -> None:
    if is_moved(connection):
        connection.engine.dispose()
        raise moved(connection.engine)


def _is_committed(engine: sa.Engine, marks: Marks) -> bool:
    def look() -> bool:
        # The lock is free once the other transaction has ended, either way.
        with writing(engine) as connection:
            return bool(connection.execute(marks[0]).scalar())

    try:
        return again(look)
    except (StorageError, LockTimeout) as error:
        raise StorageError(
            f"the database {address(engine)} was lost during a commit, which may have succeeded or not",
            "once the database is up again, check what was written, and repeat the rest",
        ) from error


@contextmanager
def restated(engine: sa.Engine) -> Iterator[None]:
    """Raise errors of SQLAlchemy, or of the driver when used without it, as errors of promptdb."""
    try:
        yield
    except (SQLAlchemyError, engine.dialect.loaded_dbapi.Error) as error:
        _restate(engine, error)


def address(engine: sa.Engine) -> str:
    """Return the address of the database for messages, without user, password or options."""
    url = engine.url
    if url.get_backend_name() == "sqlite":
        return f"sqlite:///{url.database}"
    return f"postgresql://{url.host or ''}{f':{url.port}' if url.port else ''}/{url.database or ''}"


def is_missing(engine: sa.Engine) -> bool:
    """Check for a SQLite file that does not exist yet. Raise StorageError if there is no folder for it."""
    if engine.dialect.name != "sqlite":
        return False
    file = Path(engine.url.database or "")
    require_folder(file)
    return not file.exists()


def create_missing(engine: sa.Engine) -> None:
    """Create the file of a SQLite database if it does not exist yet. Connections never do."""
    if is_missing(engine):
        with restated(engine), closing(engine.dialect.loaded_dbapi.connect(engine.url.database)):
            pass


def _restate(engine: sa.Engine, error: Exception) -> NoReturn:
    original = error.orig if isinstance(error, DBAPIError) else error
    reason = without_values(engine.url, " ".join(str(original).split()))
    if getattr(original, "sqlstate", None) in _LOCK_NOT_AVAILABLE or _LOCKED in reason:
        raise LockTimeout(
            "another writer held the database for too long", "try again, or raise PROMPTDB_LOCK_TIMEOUT (seconds)"
        ) from error
    if isinstance(original, engine.dialect.loaded_dbapi.IntegrityError):
        message = f"the rows of the database {address(engine)} contradict themselves: {reason}"
        raise IntegrityFailure(message, "see: promptdb verify") from error
    kind = Unreachable if engine.dialect.server_version_info is None else StorageError
    raise kind(f"the database {address(engine)} failed: {reason}", fault_in(reason).remedy) from error


def _sqlite(url: URL, base: Path, lock_timeout: float) -> sa.Engine:
    path = base / (url.database or "")
    engine = sa.create_engine(url.set(database=str(path)), connect_args={"timeout": lock_timeout})
    open_existing(engine, path)
    return _with_transactions(engine, lock_timeout)


def _with_transactions(engine: sa.Engine, lock_timeout: float = 0.0) -> sa.Engine:
    @sa.event.listens_for(engine, "connect")
    def _connect(connection: Any, _: Any) -> None:
        # By default the driver begins at the first write, and leaves earlier reads outside the transaction.
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON")
        # A large sync stays in memory until it commits.
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("promptdb_write"):
            _begin_writing(connection, lock_timeout)
        else:
            connection.exec_driver_sql("BEGIN")

    return engine


def _begin_writing(connection: sa.Connection, lock_timeout: float) -> None:
    # In short steps: SQLite waits in C, where ^C has no effect.
    deadline = time.monotonic() + lock_timeout
    while True:
        step = min(_LOCK_STEP, max(deadline - time.monotonic(), 0))
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {int(step * 1000)}")
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        except OperationalError as error:
            if _LOCKED not in str(error.orig) or time.monotonic() >= deadline:
                raise
        else:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {int(lock_timeout * 1000)}")
            return


def _postgres(url: URL, lock_timeout: float) -> sa.Engine:
    try:
        engine = sa.create_engine(
            without_secrets(url),
            isolation_level="AUTOCOMMIT",  # otherwise the driver begins transactions by itself
            connect_args=connect_arguments(url),
            pool_pre_ping=True,
            use_native_hstore=False,
        )
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise MissingExtra("PostgreSQL needs a driver", "pip install 'promptdb-git[postgres]'") from error
    except ArgumentError:
        raise ConfigError("the database URL has a port that is not a number", "write host=a,b&port=5432,5433") from None
    _require_known_options(engine)
    begin_explicitly(engine, lock_timeout)
    return engine


def _require_known_options(engine: sa.Engine) -> None:
    known = {found.keyword.decode() for found in engine.dialect.loaded_dbapi.pq.Conninfo.get_defaults()}
    if unknown := sorted(engine.url.query.keys() - known):
        hint = "docs/storage.md lists some; write & between options, and special characters of values as %XX"
        raise ConfigError(f"the database URL has an option that PostgreSQL does not know: {unknown[0]}", hint)
