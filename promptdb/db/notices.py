"""What PostgreSQL tells whoever listens: which prompts have new versions or moved aliases, once that is committed."""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from promptdb.db.engine import restated
from promptdb.domain.prompt_id import PromptId
from promptdb.errors import ConfigError, PromptDBError

CHANNEL = "promptdb"
MOST = 100
"""Prompts that one transaction tells by their names."""

_MANY = json.dumps({"prompts": "many"})
_MAX_PAYLOAD = 7999
"""Bytes, of PostgreSQL."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One prompt of one transaction: its new highest revision, if it has one, and the aliases that were set or deleted.

    `prompt` is None where more prompts changed than are told one by one.
    """

    prompt: PromptId | None = None
    revision: int | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Listener:
    """`connection` is one of psycopg's, and of nobody else."""

    engine: sa.Engine
    connection: Any

    def notices(self, timeout: float) -> Iterator[Notice]:
        """Those that came since, and then those that come within `timeout` seconds, each as it comes.

        Raises:
            StorageError: the connection was lost. Notices may have been missed: look at the registry after listening again.
        """
        with restated(self.engine):
            for received in self.connection.notifies(timeout=timeout):
                if (notice := _read(received.payload)) is not None:
                    yield notice


@contextmanager
def listening(engine: sa.Engine) -> Iterator[Listener]:
    """Listen on a connection of its own, which must lead to PostgreSQL itself: poolers pass no notices on.

    Nothing that is committed after this begins is missed.

    Raises:
        ConfigError: the database is no PostgreSQL.
        StorageError: it failed.
    """
    if engine.dialect.name != "postgresql":
        raise ConfigError("only PostgreSQL tells of changes", "ask the database again instead")
    with restated(engine):
        pooled = engine.raw_connection()
        connection: Any = pooled.driver_connection
        pooled.detach()
    with closing(connection):
        with restated(engine):
            connection.execute(f"LISTEN {CHANNEL}")
        yield Listener(engine, connection)


def send(connection: sa.Connection, notices: Sequence[Notice]) -> None:
    """Tell when, and only if, the transaction commits. Databases without listeners are told nothing."""
    if not notices or connection.dialect.name != "postgresql":
        return
    payloads = [_text(notice) for notice in notices] if len(notices) <= MOST else [_MANY]
    if any(len(payload) > _MAX_PAYLOAD for payload in payloads):
        payloads = [_MANY]
    statement = "SELECT pg_notify(:channel, payload) FROM unnest(CAST(:payloads AS text[])) AS payload"
    connection.execute(sa.text(statement), {"channel": CHANNEL, "payloads": payloads})


def _text(notice: Notice) -> str:
    """ASCII, so that characters are bytes."""
    if notice.prompt is None:
        return _MANY
    return json.dumps(
        {"prompt": str(notice.prompt), "revision": notice.revision, "aliases": list(notice.aliases)},
        separators=(",", ":"),
    )


def _read(payload: str) -> Notice | None:
    """None for what is not ours: anyone may write to the channel."""
    try:
        told = json.loads(payload)
        if told == json.loads(_MANY):
            return Notice()
        return Notice(PromptId.parse(told["prompt"]), told["revision"], tuple(told["aliases"]))
    except (ValueError, TypeError, KeyError, PromptDBError):
        return None
