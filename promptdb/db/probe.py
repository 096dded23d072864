"""Probes of a database server: write access, privileges, the holder of the write lock, the clock."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import sqlalchemy as sa

from promptdb.db.columns import metadata, prompts
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
_NUMBERED = tuple(
    table.name for table in metadata.sorted_tables if "id" in table.c and isinstance(table.c.id.type, sa.Integer)
)
# A new row needs USAGE. Import and copy set the number after their rows, which needs UPDATE.
_SEQUENCES = sa.text(
    "SELECT privilege || ' on ' || sequence FROM (SELECT pg_get_serial_sequence(name, 'id') AS sequence"
    " FROM unnest(CAST(:tables AS text[])) AS name) AS found, (VALUES ('USAGE'), ('UPDATE')) AS asked (privilege)"
    " WHERE NOT has_sequence_privilege(sequence, privilege) ORDER BY sequence, privilege DESC"
)
# The privileges of a writer on each table, besides SELECT.
_PRIVILEGES: dict[str, tuple[str, ...]] = {
    "prompts": ("INSERT", "UPDATE"),
    "prompt_versions": ("INSERT",),
    "prompt_assets": ("INSERT",),
    "prompt_aliases": ("INSERT", "UPDATE", "DELETE"),
    "git_targets": ("INSERT", "DELETE"),
    "prompt_redirects": ("INSERT", "DELETE"),
    "prompt_absences": ("INSERT", "UPDATE"),
    "version_sources": ("INSERT",),
    "alias_events": ("INSERT",),
    "sync_runs": ("INSERT",),
    "source_heads": ("INSERT", "UPDATE"),
    "registries": ("UPDATE",),
    "generations": ("UPDATE",),
    "prompt_changes": ("INSERT", "DELETE"),
    "api_tokens": ("INSERT", "UPDATE"),
    "idempotency_keys": ("INSERT", "UPDATE", "DELETE"),
    "webhooks": ("INSERT", "UPDATE", "DELETE"),
    "webhook_deliveries": ("INSERT", "UPDATE", "DELETE"),
}


@dataclass(frozen=True)
class LockHolder:
    """The transaction that holds the write lock. All fields are None on SQLite.

    `held_for` is the age of the transaction. `state` is `active` or `idle in transaction`, in the words of PostgreSQL.
    """

    pid: int | None = None
    client: str | None = None
    held_for: timedelta | None = None
    state: str | None = None


def lock_holder(engine: sa.Engine) -> LockHolder | None:
    """Find the holder of the write lock. None if the lock is free.

    Raises:
        StorageError: the database failed, or is read-only.
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
        StorageError: the database is read-only.
        LockTimeout: another writer held the lock for too long.
    """
    row = {"id": uuid4(), "namespace": "doctor", "name": str(uuid4()), "created_at": datetime.now(UTC)}
    with writing(engine) as connection:
        trial = connection.begin_nested()
        connection.execute(sa.insert(prompts).values(**row))
        trial.rollback()


def missing_privileges(engine: sa.Engine) -> list[str]:
    """List the privileges that the role lacks, such as `INSERT on prompts`. SQLite has no roles."""
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
        return [*lacking, *connection.execute(_SEQUENCES, {"tables": list(_NUMBERED)}).scalars()]


def clock_offset(engine: sa.Engine) -> timedelta | None:
    """Measure how far the server's clock is ahead of ours. None on SQLite, which uses ours.

    The error is at most half of a round trip.
    """
    if engine.dialect.name == "sqlite":
        return None
    with reading(engine) as connection:
        before = datetime.now(UTC)
        theirs: datetime = connection.execute(sa.text("SELECT clock_timestamp()")).scalar_one()
        after = datetime.now(UTC)
    return theirs - (before + (after - before) / 2)
