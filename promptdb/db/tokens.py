"""Reads and writes the rows of access tokens on one connection."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from promptdb.db.access_columns import tokens
from promptdb.db.lost_commit import note
from promptdb.domain.scopes import Scope
from promptdb.domain.tokens import ApiToken
from promptdb.errors import ConfigError


def find_by_hash(connection: sa.Connection, token_hash: str) -> ApiToken | None:
    return _first(connection, tokens.c.token_hash == token_hash)


def find_by_name(connection: sa.Connection, name: str) -> ApiToken | None:
    return _first(connection, tokens.c.name == name)


def find_by_id(connection: sa.Connection, key: int) -> ApiToken | None:
    return _first(connection, tokens.c.id == key)


def read_tokens(connection: sa.Connection) -> list[ApiToken]:
    """Read all tokens, ended ones too, the oldest first."""
    return [_token_of(row) for row in connection.execute(sa.select(tokens).order_by(tokens.c.id))]


def has_tokens(connection: sa.Connection) -> bool:
    """Check for a token, which may have ended."""
    return bool(connection.execute(sa.select(sa.exists().where(tokens.c.id > 0))).scalar())


def insert_token(connection: sa.Connection, token: ApiToken, token_hash: str) -> int:
    """Insert a new token, and return the id that the database gives it."""
    row = {
        "name": token.name,
        "token_hash": token_hash,
        "last_four": token.last_four,
        "scopes_json": json.dumps([str(scope) for scope in token.scopes]),
        "created_by": token.created_by,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
    }
    result = connection.execute(sa.insert(tokens).values(**row))
    note(connection, tokens, row)
    key: int = result.inserted_primary_key[0]  # type: ignore[index]
    return key


def set_revoked(connection: sa.Connection, token: ApiToken) -> None:
    connection.execute(sa.update(tokens).where(tokens.c.id == token.id).values(revoked_at=token.revoked_at))


def set_last_used(connection: sa.Connection, uses: Mapping[int, datetime]) -> None:
    """Note the last uses by ids of tokens. A later use that is noted already stays."""
    earlier = sa.or_(tokens.c.last_used_at.is_(None), tokens.c.last_used_at < sa.bindparam("used"))
    statement = sa.update(tokens).where(tokens.c.id == sa.bindparam("token"), earlier)
    rows = [{"token": key, "used": used} for key, used in uses.items()]
    connection.execute(statement.values(last_used_at=sa.bindparam("used")), rows)


def _first(connection: sa.Connection, where: sa.ColumnElement[bool]) -> ApiToken | None:
    row = connection.execute(sa.select(tokens).where(where)).first()
    return _token_of(row) if row is not None else None


def _token_of(row: sa.Row[Any]) -> ApiToken:
    return ApiToken(
        *(row.id, row.name, row.last_four, tuple(_scopes_in(row.scopes_json)), row.created_by),
        *(row.created_at, row.expires_at, row.revoked_at, row.last_used_at),
    )


def _scopes_in(text: str) -> Iterator[Scope]:
    """Read the scopes. Text that is not a scope permits nothing: it was edited, or is of a later release."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return
    for scope in found if isinstance(found, list) else ():
        with suppress(ConfigError, AttributeError):
            yield Scope.parse(scope)
