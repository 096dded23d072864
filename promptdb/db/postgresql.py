"""How transactions of PostgreSQL begin, and what its connections are given: nothing that outlives a transaction.

So a pooler may give each transaction another server connection (PgBouncer's transaction mode).
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL

READ_ONLY = "promptdb_read"
"""The execution option of a connection that reads one state."""

WRITE_LOCK = 0x70726F6D7074
"""The advisory lock that all writers of one database share: "prompt"."""

_NETWORK = {
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""So that a server that went away without a word is noticed within a minute or so. Seconds, the last one milliseconds."""


_SECRETS = ("sslpassword",)
"""Options of the URL that SQLAlchemy would print. (It knows to hide the password.)"""


def connect_arguments(url: URL) -> dict[str, Any]:
    """What the URL does not say itself, and its secrets.

    No prepared statements: behind a pooler they are those of somebody else.
    """
    given = {name: value for name, value in _NETWORK.items() if name not in url.query}
    secrets = {name: url.query[name] for name in _SECRETS if name in url.query}
    return {"prepare_threshold": None, **given, **secrets}


def without_secrets(url: URL) -> URL:
    """The URL without those that `connect_arguments` passes on."""
    return url.difference_update_query(_SECRETS)


def begin_explicitly(engine: sa.Engine, lock_timeout: float) -> None:
    """Make each transaction begin with its isolation and its timeout, in one round trip.

    READ COMMITTED for writers: with a snapshot older than the lock, one would not see what the writer before it wrote.
    """
    milliseconds = max(1, int(lock_timeout * 1000))  # 0 would mean forever

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        is_reader = connection.get_execution_options().get(READ_ONLY)
        kind = "REPEATABLE READ, READ ONLY" if is_reader else "READ COMMITTED, READ WRITE"
        connection.exec_driver_sql(f"BEGIN ISOLATION LEVEL {kind}; SET LOCAL lock_timeout = {milliseconds}")


def take_write_lock(connection: sa.Connection) -> None:
    """It ends with the transaction."""
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(WRITE_LOCK)))
