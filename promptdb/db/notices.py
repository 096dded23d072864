"""Notices of PostgreSQL about committed changes: new versions, moved aliases."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from promptdb.db.engine import restated
from promptdb.db.generations import raise_generation
from promptdb.domain.prompt_id import PromptId
from promptdb.errors import ConfigError, PromptDBError

CHANNEL = "promptdb"
MOST = 100
"""The most notices of one transaction. For more prompts it sends one notice without a name."""

_MANY = json.dumps({"prompts": "many"})
_MAX_PAYLOAD = 7999  # bytes, a limit of PostgreSQL


@dataclass(frozen=True, slots=True)
class Notice:
    """The changes of one prompt in one transaction: its new highest revision, and the aliases that were set or deleted.

    `prompt` is None if more prompts changed than have notices of their own.
    """

    prompt: PromptId | None = None
    revision: int | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Listener:
    """A connection of psycopg that only receives notices."""

    engine: sa.Engine
    connection: Any

    def notices(self, timeout: float) -> Iterator[Notice]:
        """Yield the notices since the last call, and those that arrive within `timeout` seconds.

        Raises:
            StorageError: the connection was lost. Listen again, and then read the registry: notices may have been missed.
        """
        with restated(self.engine):
            for received in self.connection.notifies(timeout=timeout):
                if (notice := _read(received.payload)) is not None:
                    yield notice

    def forget(self) -> None:
        """Cut a forked child off from the connection, which is its parent's: even to close it would end it for both."""
        null = os.open(os.devnull, os.O_RDWR)
        with suppress(self.engine.dialect.loaded_dbapi.Error):  # it was lost before
            os.dup2(null, self.connection.fileno(), inheritable=False)
        os.close(null)


@contextmanager
def listening(engine: sa.Engine) -> Iterator[Listener]:
    """Listen on a separate connection, from now on without gaps. It must not pass through a pooler: poolers drop notices.

    Raises:
        ConfigError: the database is not PostgreSQL.
        StorageError: the database failed.
    """
    if engine.dialect.name != "postgresql":
        raise ConfigError("only PostgreSQL sends notices of changes", "poll the database instead")
    with restated(engine):
        pooled = engine.raw_connection()
        connection: Any = pooled.driver_connection
        pooled.detach()
    with closing(connection):
        with restated(engine):
            connection.execute(f"LISTEN {CHANNEL}")
        yield Listener(engine, connection)


def send(connection: sa.Connection, notices: Sequence[Notice]) -> None:
    """Raise the generation of the registry, and send notices once the transaction commits. SQLite has none."""
    if not notices:
        return
    named = [notice.prompt for notice in notices if notice.prompt is not None]
    raise_generation(connection, named if len(named) == len(notices) <= MOST else None)
    if connection.dialect.name != "postgresql":
        return
    payloads = [_text(notice) for notice in notices] if len(notices) <= MOST else [_MANY]
    # Payloads are ASCII: their characters are bytes.
    if any(len(payload) > _MAX_PAYLOAD for payload in payloads):
        payloads = [_MANY]
    statement = "SELECT pg_notify(:channel, payload) FROM unnest(CAST(:payloads AS text[])) AS payload"
    connection.execute(sa.text(statement), {"channel": CHANNEL, "payloads": payloads})


def _text(notice: Notice) -> str:
    if notice.prompt is None:
        return _MANY
    return json.dumps(
        {"prompt": str(notice.prompt), "revision": notice.revision, "aliases": list(notice.aliases)},
        separators=(",", ":"),
    )


def _read(payload: str) -> Notice | None:
    if payload == _MANY:
        return Notice()
    # Anyone may write to the channel.
    try:
        found = json.loads(payload)
        return Notice(PromptId.parse(found["prompt"]), found["revision"], tuple(found["aliases"]))
    except (ValueError, TypeError, KeyError, PromptDBError):
        return None
