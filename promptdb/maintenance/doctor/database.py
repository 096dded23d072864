"""Whether the database can be reached, is of this release, may be written, and has a clock like ours."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from promptdb.db.engine import address, make_engine, reading
from promptdb.db.migrate import HEAD, current_revision, drift, is_empty, require_schema
from promptdb.db.probe import clock_offset, lock_holder, missing_privileges, require_writable
from promptdb.errors import StorageError
from promptdb.maintenance.doctor.clock import compared
from promptdb.maintenance.doctor.finding import DoctorFinding, examined, fail, ok, warn
from promptdb.settings import AppSettings

_CONNECT_TIMEOUT = 5
"""Seconds."""

_PATIENCE = 1.0
"""Seconds to wait for another writer: it is a finding, and not in the way."""


def examine_database(settings: AppSettings) -> Iterator[DoctorFinding]:
    engine = impatient_engine(settings)
    try:
        file = sqlite_file(engine)
        if file is not None and not file.exists():
            yield from _without_file(engine, file)
            return
        with reading(engine) as connection:
            version = ".".join(map(str, connection.dialect.server_version_info or ()))
            connection.execute(sa.text("SELECT 1"))
        yield ok("database", f"{address(engine)} ({engine.dialect.name} {version})")
        yield from examined("schema", lambda: _schema(engine))
        if current_revision(engine) == HEAD:
            yield from examined("permissions", lambda: _permissions(engine))
            yield from examined("lock", lambda: _lock(engine))
        yield from examined("clock", lambda: compared(f"of {address(engine)}", clock_offset(engine)))
    finally:
        engine.dispose()


def impatient_engine(settings: AppSettings) -> sa.Engine:
    """One that waits neither for a lock nor for a server that is not there.

    Raises:
        ConfigError: the URL is wrong.
    """
    address = settings.database_url.get_secret_value()
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):  # told by `make_engine`
        return make_engine(address, settings.base)
    if url.get_backend_name() != "sqlite" and "connect_timeout" not in url.query:
        address = url.update_query_dict({"connect_timeout": str(_CONNECT_TIMEOUT)}).render_as_string(
            hide_password=False
        )
    return make_engine(address, settings.base, min(settings.lock_timeout, _PATIENCE))


def sqlite_file(engine: sa.Engine) -> Path | None:
    return Path(engine.url.database or "") if engine.dialect.name == "sqlite" else None


def _without_file(engine: sa.Engine, file: Path) -> Iterator[DoctorFinding]:
    yield warn("database", f"{address(engine)} is not there yet", "the first 'promptdb sync' makes it")
    if not os.access(file.parent, os.W_OK | os.X_OK):
        yield fail("permissions", f"no file can be made in {file.parent}", f"make {file.parent} writable for this user")


def _schema(engine: sa.Engine) -> Iterator[DoctorFinding]:
    if engine.dialect.name == "sqlite" and current_revision(engine) is None and is_empty(engine):
        yield warn("schema", "the database is empty", "the first 'promptdb sync' makes the schema")
        return
    require_schema(engine)
    differences = drift(engine)
    for difference in differences:
        yield fail("schema", f"it was changed: {difference}", "undo that, or restore a backup")
    if not differences:
        yield ok("schema", f"at {HEAD}, as it should be")


def _permissions(engine: sa.Engine) -> Iterator[DoctorFinding]:
    file = sqlite_file(engine)
    closed = [path for path in (file, file.parent) if not os.access(path, os.W_OK)] if file is not None else []
    for path in closed:
        yield fail("permissions", f"{path} may be read only", "give this user the right to write it, or look only")
    if closed:
        return
    missing = missing_privileges(engine)
    if missing:
        remedy = "GRANT it to the role in PROMPTDB_DATABASE_URL; to look prompts up, SELECT is enough"
        yield fail("permissions", f"the role lacks {', '.join(missing)}", remedy)
        return
    require_writable(engine)
    yield ok("permissions", "a row was written and rolled back")


def _lock(engine: sa.Engine) -> Iterator[DoctorFinding]:
    try:
        holder = lock_holder(engine)
    except StorageError:  # SQLite locks what it may write only; the permissions have told it
        return
    if holder is None:
        yield ok("lock", "free")
        return
    if holder.pid is None:
        yield warn("lock", "another process is writing", "let it finish; if it hangs, end it: the lock goes with it")
        return
    since = f" for {_seconds(holder.held_for)}" if holder.held_for is not None else ""
    detail = f"held{since} by backend {holder.pid} of {holder.client} ({holder.state})"
    yield warn("lock", detail, f"let it finish; if it hangs: SELECT pg_terminate_backend({holder.pid})")


def _seconds(time: timedelta) -> str:
    return f"{time.total_seconds():.0f} s"
