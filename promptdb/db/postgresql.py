"""Options of PostgreSQL connections, and the begin of their transactions.

No state outlives a transaction, so that a pooler may give each of them another connection (transaction mode of PgBouncer).
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL

READ_ONLY = "promptdb_read"
"""The execution option of a connection that only reads."""

WRITE_LOCK = 0x70726F6D7074  # "prompt" in ASCII
"""The key of the advisory lock that all writers of a database take."""

# They notice a lost server within about a minute. In seconds, the last one in milliseconds.
_NETWORK = {
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
# Options of the URL that SQLAlchemy would print. It hides only the password.
_SECRETS = ("sslpassword",)


def connect_arguments(url: URL) -> dict[str, Any]:
    """Return the secrets of the URL, and options that the URL does not set."""
    given = {name: value for name, value in _NETWORK.items() if name not in url.query}
    secrets = {name: url.query[name] for name in _SECRETS if name in url.query}
    # No prepared statements: behind a pooler, the next transaction may get a connection that lacks them.
    return {"prepare_threshold": None, **given, **secrets}


def without_secrets(url: URL) -> URL:
    """Remove the secrets that `connect_arguments` returns."""
    return url.difference_update_query(_SECRETS)


def begin_explicitly(engine: sa.Engine, lock_timeout: float) -> None:
    """Begin each transaction with its isolation level and its timeout, in one round trip."""
    milliseconds = max(1, int(lock_timeout * 1000))  # 0 would mean forever

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        is_reader = connection.get_execution_options().get(READ_ONLY)
        # Writers need READ COMMITTED: a snapshot older than the lock would miss the rows of the writer before.
        kind = "REPEATABLE READ, READ ONLY" if is_reader else "READ COMMITTED, READ WRITE"
        connection.exec_driver_sql(f"BEGIN ISOLATION LEVEL {kind}; SET LOCAL lock_timeout = {milliseconds}")


def take_write_lock(connection: sa.Connection) -> None:
    """Wait for the write lock. It ends with the transaction."""
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(WRITE_LOCK)))
