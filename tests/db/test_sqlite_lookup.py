"""A lookup by the driver of SQLite alone: it gives what a transaction gives, and leaves nothing open."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from promptdb.db.engine import reading
from promptdb.db.lookup import find_version
from promptdb.db.sqlite_lookup import find_in_sqlite
from promptdb.domain.refs import PromptRef
from promptdb.errors import IntegrityFailure
from promptdb.service import PromptService
from promptdb.settings import AppSettings


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PromptService]:
    with PromptService(AppSettings(base=tmp_path_factory.mktemp("registry"))) as service:
        service.register_text("support/triage", "one", metadata={"user_version": "1.0"})
        service.register_text("support/triage", "two", alias="production")
        service.register_text("support/triage", "three", alias="staging")
        service.register_text("support/other", "one", alias="production")
        yield service


@pytest.mark.parametrize("selector", ["", ":latest", ":rev:1", ":rev:2", ":production", ":staging"])
def test_the_driver_and_a_transaction_give_the_same(registry: PromptService, selector: str) -> None:
    ref = PromptRef.parse(f"support/triage{selector}")
    with reading(registry.engine) as connection:
        assert find_in_sqlite(registry.engine, ref) == find_version(connection, ref)


@pytest.mark.parametrize(
    "text", ["support/triage:1.0", "support/triage:rev:9", "support/nothing", "support/triage:git:v1"]
)
def test_what_needs_more_than_one_select_is_left_to_a_transaction(registry: PromptService, text: str) -> None:
    assert find_in_sqlite(registry.engine, PromptRef.parse(text)) is None


def test_a_lookup_leaves_no_statement_that_holds_back_a_checkpoint(registry: PromptService) -> None:
    find_in_sqlite(registry.engine, PromptRef.parse("support/triage:production"))
    with registry.engine.connect() as connection:
        is_busy, *_ = connection.execute(sa.text("PRAGMA wal_checkpoint(TRUNCATE)")).one()
    assert not is_busy


@pytest.mark.parametrize("column", ["created_at", "spec_hash", "revision"])
def test_a_row_that_was_edited_is_an_integrity_failure(tmp_path: Path, column: str) -> None:
    with PromptService(AppSettings(base=tmp_path)) as service:
        service.register_text("support/triage", "one")
        with service.engine.begin() as connection:
            for trigger in (
                connection.execute(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
            ):
                connection.execute(sa.text(f"DROP TRIGGER {trigger}"))
            connection.execute(sa.text(f"UPDATE prompt_versions SET {column} = '7'"))
        with pytest.raises(IntegrityFailure, match="the row of a version of support/triage was edited"):
            find_in_sqlite(service.engine, PromptRef.parse("support/triage"))
