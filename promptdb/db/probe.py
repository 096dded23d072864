"""Questions about the state of a database server: may we write, who holds the write lock, what time is it there."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import sqlalchemy as sa

from promptdb.db.columns import prompts
from promptdb.db.engine import reading, writing
from promptdb.db.postgresql import WRITE_LOCK
from promptdb.errors import LockTimeout

_HOLDER = sa.text(
    "SELECT activity.pid, coalesce(host(activity.client_addr), 'this machine'),"
    " extract(epoch FROM clock_timestamp() - activity.xact_start), activity.state"
    " FROM pg_locks JOIN pg_stat_activity AS activity USING (pid)"
    " WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND pg_locks.database ="
    " (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND (classid::bigint << 32) + objid::bigint = :key"
)
_NUMBERED = ("prompt_assets", "prompt_aliases", "prompt_absences", "version_sources", "alias_events", "sync_runs")
_SEQUENCES = sa.text(
    "SELECT sequence FROM (SELECT pg_get_serial_sequence(name, 'id') AS sequence"
    " FROM unnest(CAST(:tables AS text[])) AS name) AS found WHERE NOT has_sequence_privilege(sequence, 'USAGE')"
)
"""Those behind the ids of tables that the role may not use."""

_PRIVILEGES: dict[str, tuple[str, ...]] = {
    "prompts": ("INSERT", "UPDATE"),
    "prompt_versions": ("INSERT",),
    "prompt_assets": ("INSERT",),
    "prompt_aliases": ("INSERT", "UPDATE", "DELETE"),
    "prompt_redirects": ("INSERT", "DELETE"),
    "prompt_absences": ("INSERT", "UPDATE"),
    "version_sources": ("INSERT",),
    "alias_events": ("INSERT",),
    "sync_runs": ("INSERT",),
    "source_heads": ("INSERT", "UPDATE"),
    "registries": ("UPDATE",),
}
"""What a writer does with each table, besides reading it."""


@dataclass(frozen=True)
class LockHolder:
    """The transaction that has the write lock. SQLite does not tell whose it is.

    `state` is one of PostgreSQL, `active` or `idle in transaction`; `held_for` counts from the begin of the transaction.
    """

    pid: int | None = None
    client: str | None = None
    held_for: timedelta | None = None
    state: str | None = None


def lock_holder(engine: sa.Engine) -> LockHolder | None:
    """Who holds the write lock now; None if it is free.

    Raises:
        StorageError: the database failed, or may not be written.
    """
    if engine.dialect.name == "sqlite":
        try:
            with writing(engine):
                return None
        except LockTimeout:
            return LockHolder()
    with reading(engine) as connection:
        row = connection.execute(_HOLDER, {"key": WRITE_LOCK}).first()
    if row is None:
        return None
    pid, client, seconds, state = row
    return LockHolder(pid, client, timedelta(seconds=float(seconds)) if seconds is not None else None, state)


def require_writable(engine: sa.Engine) -> None:
    """Write a row, and roll it back.

    Raises:
        StorageError: it may not be written.
        LockTimeout: another writer is in the way.
    """
    row = {"id": uuid4(), "namespace": "doctor", "name": str(uuid4()), "created_at": datetime.now(UTC)}
    with writing(engine) as connection:
        trial = connection.begin_nested()
        connection.execute(sa.insert(prompts).values(**row))
        trial.rollback()


def missing_privileges(engine: sa.Engine) -> list[str]:
    """What the role may not do, as `INSERT on prompts`; SQLite has no roles."""
    if engine.dialect.name == "sqlite":
        return []
    asked = [(table, privilege) for table, others in _PRIVILEGES.items() for privilege in ("SELECT", *others)]
    query = sa.text("SELECT has_table_privilege(to_regclass(:table), :privilege)")
    with reading(engine) as connection:
        lacking = [
            f"{privilege} on {table}"
            for table, privilege in asked
            if connection.execute(query, {"table": table, "privilege": privilege}).scalar() is False
        ]
        sequences = connection.execute(_SEQUENCES, {"tables": list(_NUMBERED)}).scalars()
        return [*lacking, *(f"USAGE on {name}" for name in sequences)]


def clock_offset(engine: sa.Engine) -> timedelta | None:
    """How far the clock of the server is ahead of ours, to within the time of one question; None where it is the same clock."""
    if engine.dialect.name == "sqlite":
        return None
    with reading(engine) as connection:
        before = datetime.now(UTC)
        theirs: datetime = connection.execute(sa.text("SELECT clock_timestamp()")).scalar_one()
        after = datetime.now(UTC)
    return theirs - (before + (after - before) / 2)
