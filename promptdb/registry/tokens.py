"""Makes, lists, finds and revokes the access tokens of a registry. Their texts are never stored."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from promptdb.db import tokens
from promptdb.db.engine import reading, writing
from promptdb.db.retry import retried
from promptdb.domain.scopes import Scope
from promptdb.domain.tokens import (
    ALPHABET,
    RANDOM_CHARACTERS,
    ApiToken,
    parse_token_name,
    token_hash,
    token_text,
)
from promptdb.errors import ConfigError, Conflict, NotFound
from promptdb.registry.stores import Registry


def create_token(
    registry: Registry, name: str, scopes: Sequence[Scope], expires_at: datetime | None = None
) -> tuple[ApiToken, str]:
    """Make a token. Return it with its text, which cannot be read again.

    Raises:
        ConfigError: the name is malformed, there is no scope, or `expires_at` is past.
        Conflict: a token had this name. Histories name tokens, so a name is given once.
    """
    parse_token_name(name)
    if not scopes:
        raise ConfigError("a token needs at least one scope", "without a scope it could do nothing")
    now = datetime.now(UTC)
    if expires_at is not None and expires_at <= now:
        raise ConfigError(f"the token would have expired at {expires_at.isoformat()}", "give a time in the future")
    text = token_text("".join(secrets.choice(ALPHABET) for _ in range(RANDOM_CHARACTERS)))
    token = ApiToken(0, name, text[-4:], tuple(dict.fromkeys(scopes)), registry.actor, now, expires_at)
    return _insert(registry, token, token_hash(text)), text


@retried
def _insert(registry: Registry, token: ApiToken, hashed: str) -> ApiToken:
    with writing(registry.engine) as connection:
        if (there := tokens.find_by_name(connection, token.name)) is not None:
            state = there.state(token.created_at)
            hint = "take another name: histories name tokens, so a name is given once"
            raise Conflict(f"there is a token {token.name!r}, which is {state}", hint)
        return replace(token, id=tokens.insert_token(connection, token, hashed))


@retried
def list_tokens(registry: Registry) -> list[ApiToken]:
    """List all tokens, ended ones too, the oldest first."""
    with reading(registry.engine) as connection:
        return tokens.read_tokens(connection)


@retried
def revoke_token(registry: Registry, name_or_id: str) -> ApiToken:
    """Revoke a token for good. A revoked token stays as it is, with the time of the first revocation.

    Raises:
        NotFound: there is no such token.
    """
    is_id = name_or_id.isascii() and name_or_id.isdigit() and len(name_or_id) < 10
    with writing(registry.engine) as connection:
        found = tokens.find_by_id(connection, int(name_or_id)) if is_id else tokens.find_by_name(connection, name_or_id)
        if found is None:
            # The text may be that of a token, so the message does not repeat it.
            what = f"the id {name_or_id}" if is_id else "this name"
            raise NotFound(f"no token has {what}", "'promptdb token list' shows names and ids")
        if found.revoked_at is None:
            found = replace(found, revoked_at=datetime.now(UTC))
            tokens.set_revoked(connection, found)
        return found


@retried
def find_token(registry: Registry, hashed: str) -> ApiToken | None:
    """Find a token by the hash of its text, whatever its state, with one indexed query."""
    with reading(registry.engine) as connection:
        return tokens.find_by_hash(connection, hashed)


@retried
def has_tokens(registry: Registry) -> bool:
    """Check whether the registry ever had a token. Once true, this stays true."""
    with reading(registry.engine) as connection:
        return tokens.has_tokens(connection)


@retried
def note_uses(registry: Registry, uses: Mapping[int, datetime]) -> None:
    """Note the last uses of tokens by their ids, exact to a minute."""
    minutes = {key: used.replace(second=0, microsecond=0) for key, used in uses.items()}
    with writing(registry.engine) as connection:
        tokens.set_last_used(connection, minutes)
