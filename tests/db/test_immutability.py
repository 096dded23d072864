"""What the database itself refuses, whoever writes: history cannot be changed, and an alias cannot leave its prompt."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from registries import Fill, dump, on_postgresql, on_sqlite, rows

from promptdb.service import PromptService


def two_prompts(service: PromptService) -> None:
    """Each with an alias that has moved."""
    for name in ("a/one", "a/two"):
        for text in ("first", "second"):
            service.register_text(name, f"{text} {name}")
            service.promote(name, "production")


@pytest.fixture
def history(recorded: Callable[[Fill], PromptService]) -> sa.Engine:
    return recorded(two_prompts).engine


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE prompt_versions SET spec_json = '{}'",
        "UPDATE prompt_versions SET revision = revision + 10",
        "UPDATE prompt_versions SET created_by = created_by",
        "DELETE FROM prompt_versions",
        "DELETE FROM prompt_versions WHERE revision = 2",
    ],
)
def test_versions_cannot_be_changed_or_deleted(history: sa.Engine, statement: str) -> None:
    refused(history, statement, "versions are immutable")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE alias_events SET actor = 'somebody else'",
        "UPDATE alias_events SET reason = 'none'",
        "DELETE FROM alias_events",
        "DELETE FROM alias_events WHERE generation = 1",
    ],
)
def test_the_history_of_aliases_cannot_be_changed_or_deleted(history: sa.Engine, statement: str) -> None:
    refused(history, statement, "the history of aliases is append-only")


@on_postgresql
@pytest.mark.parametrize("table", ["prompt_versions", "alias_events", "prompts"])
def test_history_cannot_be_truncated(history: sa.Engine, table: str) -> None:
    refused(history, f"TRUNCATE {table} CASCADE", "immutable|append-only")


@on_sqlite
@pytest.mark.parametrize(("table", "column"), [("prompt_versions", "spec_json"), ("alias_events", "actor")])
def test_history_cannot_be_replaced(history: sa.Engine, table: str, column: str) -> None:
    """REPLACE deletes the row that is in the way, and SQLite runs no triggers for that unless it is told to."""
    columns = [entry["name"] for entry in sa.inspect(history).get_columns(table)]
    values = ["'forged'" if name == column else name for name in columns]
    statement = f"REPLACE INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} FROM {table}"
    refused(history, statement, "immutable|append-only")


@on_sqlite
def test_a_revision_cannot_be_replaced_by_a_version_with_another_id(history: sa.Engine) -> None:
    refused(
        history,
        "REPLACE INTO prompt_versions SELECT :id, prompt_id, revision, user_version, spec_json, spec_hash, created_by, "
        "created_at FROM prompt_versions WHERE revision = 1 LIMIT 1",
        "(?i)immutable|foreign key",
        id="00000000000040008000000000000000",
    )


def test_a_revision_is_taken_once(history: sa.Engine) -> None:
    refused(
        history,
        "INSERT INTO prompt_versions SELECT :id, prompt_id, revision, user_version, spec_json, spec_hash, created_by, "
        "created_at FROM prompt_versions WHERE revision = 1",
        "(?i)unique",
        id="00000000-0000-4000-8000-000000000000",
    )


def test_revisions_start_at_one(history: sa.Engine) -> None:
    refused(
        history,
        "INSERT INTO prompt_versions SELECT :id, prompt_id, 0, user_version, spec_json, spec_hash, created_by, "
        "created_at FROM prompt_versions WHERE revision = 1 LIMIT 1",
        "revision_from_one",
        id="00000000-0000-4000-8000-000000000000",
    )


def test_an_alias_cannot_point_at_a_version_of_another_prompt(history: sa.Engine) -> None:
    one, two = rows(history, "prompt_aliases")
    assert one["prompt_id"] != two["prompt_id"]
    aliases = sa.table("prompt_aliases", sa.column("prompt_id", sa.Uuid()), sa.column("version_id", sa.Uuid()))
    move = sa.update(aliases).where(aliases.c.prompt_id == one["prompt_id"]).values(version_id=two["version_id"])
    with pytest.raises(sa.exc.IntegrityError, match=r"(?i)foreign key"), history.begin() as connection:
        connection.execute(move)
    assert rows(history, "prompt_aliases") == [one, two]


def test_an_alias_cannot_point_at_nothing(history: sa.Engine) -> None:
    refused(history, "DELETE FROM prompts", "(?i)foreign key")


def test_a_prompt_has_each_alias_once(history: sa.Engine) -> None:
    refused(
        history,
        "INSERT INTO prompt_aliases (prompt_id, alias, version_id, generation, updated_at) "
        "SELECT prompt_id, alias, version_id, 1, updated_at FROM prompt_aliases",
        "(?i)unique",
    )


def test_a_name_belongs_to_one_prompt(history: sa.Engine) -> None:
    refused(
        history,
        "INSERT INTO prompts (id, namespace, name, created_at) "
        "SELECT :id, namespace, name, created_at FROM prompts WHERE name = 'one'",
        "(?i)unique",
        id="00000000-0000-4000-8000-000000000000",
    )


def test_times_come_back_aware_and_in_utc(service: PromptService) -> None:
    before = datetime.now(UTC)
    version = service.register_text("a/one", "text").version
    assert before <= version.created_at <= datetime.now(UTC)
    assert version.created_at.utcoffset() is not None
    assert version.created_at.tzinfo is UTC


def refused(engine: sa.Engine, statement: str, message: str, **parameters: object) -> None:
    """The statement fails with this message, and not a row is different."""
    before = dump(engine)
    with pytest.raises(sa.exc.DBAPIError, match=message), engine.begin() as connection:
        connection.execute(sa.text(statement), parameters)
    assert dump(engine) == before
