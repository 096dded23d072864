"""Examines the database: that it can be reached and written, has this release's schema, and has an accurate clock."""

import os
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from promptdb.db.engine import address, is_missing, make_engine, reading
from promptdb.db.migrate import HEAD, current_revision, drift, is_empty, require_schema
from promptdb.db.probe import clock_offset, lock_holder, missing_privileges, require_writable
from promptdb.errors import StorageError
from promptdb.maintenance.doctor.clock import compared
from promptdb.maintenance.doctor.finding import DoctorFinding, examined, fail, ok, warn
from promptdb.settings import AppSettings

_CONNECT_TIMEOUT = 5
_PATIENCE = 1.0
"""Seconds to wait for another writer, which is a finding here, not an obstacle."""


def examine_database(settings: AppSettings) -> Iterator[DoctorFinding]:
    engine = impatient_engine(settings)
    try:
        if is_missing(engine):
            yield from _without_file(engine, Path(engine.url.database or ""))
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
    """Make an engine that waits neither for a lock nor for a server that is down.

    Raises:
        ConfigError: the URL is wrong.
    """
    url = settings.database_url.get_secret_value()
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # `make_engine` reports it
        return make_engine(url, settings.base)
    if parsed.get_backend_name() != "sqlite" and "connect_timeout" not in parsed.query:
        limited = parsed.update_query_dict({"connect_timeout": str(_CONNECT_TIMEOUT)})
        url = limited.render_as_string(hide_password=False)
    return make_engine(url, settings.base, min(settings.lock_timeout, _PATIENCE))


def sqlite_file(engine: sa.Engine) -> Path | None:
    return Path(engine.url.database or "") if engine.dialect.name == "sqlite" else None


def _without_file(engine: sa.Engine, file: Path) -> Iterator[DoctorFinding]:
    yield warn("database", f"{address(engine)} does not exist yet", "the first 'promptdb sync' creates it")
    if not os.access(file.parent, os.W_OK | os.X_OK):
        remedy = f"make {file.parent} writable for this user"
        yield fail("permissions", f"no file can be created in {file.parent}", remedy)


def _schema(engine: sa.Engine) -> Iterator[DoctorFinding]:
    if engine.dialect.name == "sqlite" and current_revision(engine) is None and is_empty(engine):
        yield warn("schema", "the database is empty", "the first 'promptdb sync' creates the schema")
        return
    require_schema(engine)
    differences = drift(engine)
    for difference in differences:
        yield fail("schema", f"it was changed: {difference}", "undo the change, or restore a backup")
    if not differences:
        yield ok("schema", f"at {HEAD}, as it should be")


def _permissions(engine: sa.Engine) -> Iterator[DoctorFinding]:
    file = sqlite_file(engine)
    closed = [path for path in (file, file.parent) if not os.access(path, os.W_OK)] if file is not None else []
    for path in closed:
        remedy = "make it writable for this user, unless reading is enough"
        yield fail("permissions", f"{path} is read-only", remedy)
    if closed:
        return
    missing = missing_privileges(engine)
    if missing:
        remedy = "GRANT it to the role in the database URL, as docs/storage.md shows; to read prompts, SELECT is enough"
        yield fail("permissions", f"the role lacks {', '.join(missing)}", remedy)
        return
    require_writable(engine)
    yield ok("permissions", "a row was written and rolled back")


def _lock(engine: sa.Engine) -> Iterator[DoctorFinding]:
    try:
        holder = lock_holder(engine)
    except StorageError:  # SQLite locks only what it may write; the check of permissions reports it
        return
    if holder is None:
        yield ok("lock", "free")
        return
    if holder.pid is None:
        remedy = "let it finish; if it hangs, end it: that frees the lock"
        yield warn("lock", "another process is writing", remedy)
        return
    since = f" for {holder.held_for.total_seconds():.0f} s" if holder.held_for is not None else ""
    detail = f"held{since} by backend {holder.pid} of {holder.client} ({holder.state})"
    yield warn("lock", detail, f"let it finish; if it hangs: SELECT pg_terminate_backend({holder.pid})")
