"""Access tokens in a registry: found by their hash only, never stored, ended for good."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from registries import dump, on_sqlite, rows

from promptdb.domain.scopes import Scope
from promptdb.domain.tokens import ApiToken, TokenState, is_token, token_hash
from promptdb.errors import ConfigError, Conflict, NotFound
from promptdb.registry.stores import Registry
from promptdb.registry.tokens import create_token, find_token, has_tokens, list_tokens, note_uses, revoke_token
from promptdb.service import PromptService

READ = (Scope.parse("read"),)


@pytest.fixture
def registry(service: PromptService) -> Registry:
    return service.registry


@contextmanager
def statements(engine: sa.Engine) -> Iterator[list[str]]:
    """The statements that reach the database meanwhile, without those of transactions."""
    seen: list[str] = []

    def note(*arguments: object) -> None:
        seen.append(str(arguments[2]))

    sa.event.listen(engine, "before_cursor_execute", note)
    yield seen
    sa.event.remove(engine, "before_cursor_execute", note)
    seen[:] = [text for text in seen if not re.match("BEGIN|COMMIT|ROLLBACK|PRAGMA|SET|SHOW", text)]


def test_a_token_is_found_by_its_hash_and_is_what_was_made(registry: Registry) -> None:
    ends = datetime.now(UTC) + timedelta(days=90)
    scopes = (Scope.parse("read@support"), Scope.parse("promote:production"))
    made, text = create_token(registry, "ci", [*scopes, scopes[0]], ends)
    assert is_token(text)
    assert (made.name, made.scopes, made.created_by, made.expires_at) == ("ci", scopes, "tester", ends)
    assert made.last_four == text[-4:]
    assert find_token(registry, token_hash(text)) == made
    assert list_tokens(registry) == [made]
    assert find_token(registry, token_hash(text[:-1])) is None


def test_the_text_is_in_no_row(registry: Registry) -> None:
    _, text = create_token(registry, "ci", READ)
    assert text[4:34] not in str(dump(registry.engine))
    assert rows(registry.engine, "api_tokens")[0]["token_hash"] == token_hash(text)


@pytest.mark.parametrize("known", [True, False])
def test_a_token_is_looked_up_with_one_query_by_the_unique_index_whether_it_is_there_or_not(
    registry: Registry, known: bool
) -> None:
    _, text = create_token(registry, "ci", READ)
    hashed = token_hash(text if known else "pdb_")
    with statements(registry.engine) as seen:
        find_token(registry, hashed)
    [query] = seen
    assert "WHERE api_tokens.token_hash = " in query
    if registry.engine.dialect.name == "sqlite":
        with registry.engine.connect() as connection:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", (hashed,)).one()
        assert "USING INDEX sqlite_autoindex_api_tokens" in plan[3]


def test_a_name_is_given_once_even_after_its_token_ended(registry: Registry) -> None:
    create_token(registry, "ci", READ)
    with pytest.raises(Conflict, match="which is active"):
        create_token(registry, "ci", READ)
    revoke_token(registry, "ci")
    with pytest.raises(Conflict, match="which is revoked"):
        create_token(registry, "ci", READ)
    assert len(list_tokens(registry)) == 1


@on_sqlite
def test_a_token_without_a_scope_or_a_future_is_not_made(registry: Registry) -> None:
    with pytest.raises(ConfigError, match="at least one scope"):
        create_token(registry, "ci", [])
    with pytest.raises(ConfigError, match="would have expired"):
        create_token(registry, "ci", READ, datetime.now(UTC))
    with pytest.raises(ConfigError, match="cannot name a token"):
        create_token(registry, "7", READ)
    assert not has_tokens(registry)


def test_a_token_is_revoked_by_name_or_id_once_and_for_good(registry: Registry) -> None:
    first, _ = create_token(registry, "ci", READ)
    second, text = create_token(registry, "deploy", READ)
    revoked = revoke_token(registry, "ci")
    assert (revoked.id, revoked.state(datetime.now(UTC))) == (first.id, TokenState.REVOKED)
    assert revoke_token(registry, str(first.id)) == revoked
    found = find_token(registry, token_hash(text))
    assert found == second
    revoke_token(registry, str(second.id))
    assert has_tokens(registry)


@on_sqlite
@pytest.mark.parametrize("name", ["ci", "0", "99", "9999999999", "-1", "1.0", "", "' OR 1=1 --"])
def test_what_is_not_there_is_not_revoked(registry: Registry, name: str) -> None:
    create_token(registry, "other", READ)
    with pytest.raises(NotFound, match="no token has"):
        revoke_token(registry, name)
    assert [token.revoked_at for token in list_tokens(registry)] == [None]


@on_sqlite
def test_a_secret_in_place_of_a_name_is_not_repeated(registry: Registry) -> None:
    _, text = create_token(registry, "ci", READ)
    with pytest.raises(NotFound) as caught:
        revoke_token(registry, text)
    assert text[4:20] not in str(caught.value)


def test_uses_are_noted_to_the_minute_and_never_go_back(registry: Registry) -> None:
    token, text = create_token(registry, "ci", READ)
    other, _ = create_token(registry, "other", READ)
    used = datetime(2026, 11, 30, 12, 5, 59, 7, tzinfo=UTC)

    def last() -> datetime | None:
        found: ApiToken | None = find_token(registry, token_hash(text))
        assert found is not None
        return found.last_used_at

    note_uses(registry, {token.id: used, 99: used})
    assert last() == used.replace(second=0, microsecond=0)
    note_uses(registry, {token.id: used - timedelta(hours=1)})
    assert last() == used.replace(second=0, microsecond=0)
    note_uses(registry, {token.id: used + timedelta(minutes=1), other.id: used})
    assert last() == used.replace(minute=6, second=0, microsecond=0)


@on_sqlite
@pytest.mark.parametrize(
    ("text", "scopes"),
    [
        ('["read", "fly:production", "promote:production"]', "read promote:production"),
        *[(text, "") for text in ("", "{}", '"read"', "[1, null]", '["read@../**"]', "[" * 100_000)],
    ],
)
def test_scopes_that_cannot_be_read_permit_nothing(registry: Registry, text: str, scopes: str) -> None:
    create_token(registry, "ci", READ)
    with registry.engine.begin() as connection:
        connection.execute(sa.text("UPDATE api_tokens SET scopes_json = :text"), {"text": text})
    [token] = list_tokens(registry)
    assert " ".join(map(str, token.scopes)) == scopes
    assert revoke_token(registry, "ci").revoked_at is not None
