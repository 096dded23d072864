"""Behind PgBouncer in transaction mode, where each transaction may get another connection to the server."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from pgbouncer import Pooler
from postgres import PostgresServer
from registries import rows, settings_for, write
from workers import require_all_revisions

from promptdb.db import inserts, migrate
from promptdb.db.engine import make_engine, reading, writing
from promptdb.domain.plan import Policy
from promptdb.errors import LockTimeout
from promptdb.project.load import load_tree
from promptdb.service import PromptService
from promptdb.sync.sync_tree import sync_tree


@pytest.fixture
def pooled_url(pooler: Pooler, postgres: PostgresServer) -> str:
    """A database with the schema, which was made through the pooler too."""
    url = pooler.url(postgres.create_database())
    engine = make_engine(url, Path())
    migrate.upgrade(engine)
    assert migrate.drift(engine) == []
    engine.dispose()
    return url


@pytest.fixture
def pooled(pooled_url: str, tmp_path: Path, tree: Path) -> Iterator[PromptService]:
    service = PromptService(settings_for(pooled_url, tmp_path))
    yield service
    service.close()


def test_versions_and_aliases_do_what_they_do_without_it(pooled: PromptService) -> None:
    for text in ("one", "two", "three"):
        pooled.register_text("a/one", text)
        pooled.promote("a/one", "production")
    pooled.rollback("a/one", "production")
    for _ in range(12):  # more than psycopg waits for before it prepares a statement
        assert pooled.get("a/one:production").render_text() == "two"
    assert [event.to_revision for event in pooled.alias_log("a/one")] == [2, 3, 2, 1]
    pooled.delete_alias("a/one", "production")
    assert pooled.aliases() == []


@pytest.mark.parametrize("prompts", [3, inserts.COPY_FROM])
def test_a_tree_is_synced(pooled: PromptService, tree: Path, prompts: int) -> None:
    for edition in (1, 2):
        write(tree, {f"a/p{number}.txt": f"Prompt {number}, edition {edition}" for number in range(prompts)})
        assert len(sync_tree(pooled.registry, load_tree(pooled.settings), Policy()).plan.changes) == prompts
        assert sync_tree(pooled.registry, load_tree(pooled.settings), Policy()).run_id is None
    assert len(rows(pooled.engine, "prompt_versions")) == 2 * prompts


def test_six_processes_on_three_connections_lose_no_revision(pooled_url: str, tmp_path: Path) -> None:
    require_all_revisions(pooled_url, tmp_path, writers=6, count=5)


def test_a_second_writer_waits_and_gives_up(pooled_url: str) -> None:
    one, other = make_engine(pooled_url, Path()), make_engine(pooled_url, Path(), lock_timeout=0.05)
    with writing(one), pytest.raises(LockTimeout), writing(other):
        pytest.fail("two writers at once")
    one.dispose()
    other.dispose()


def test_connections_go_back_to_the_pooler_as_they_were(pooled: PromptService, pooled_url: str, tree: Path) -> None:
    names = ("lock_timeout", "transaction_isolation", "transaction_read_only", "TimeZone")

    def state() -> list[tuple[str, ...]]:
        found = []
        with psycopg.connect(pooled_url, autocommit=True, prepare_threshold=None) as connection:
            found += [connection.execute(f"SHOW {name}").fetchone() for name in names]
            found += [connection.execute("SELECT count(*)::text FROM pg_prepared_statements").fetchone()]
            held = "SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory'"
            found += [connection.execute(held).fetchone()]
        return [row for row in found if row is not None]

    before = state()
    write(tree, {"a/one.txt": "One"})
    sync_tree(pooled.registry, load_tree(pooled.settings), Policy())
    for _ in range(12):
        pooled.get("a/one")
    assert state() == before


def test_a_reader_sees_one_state_and_may_not_write(pooled: PromptService) -> None:
    with reading(pooled.engine) as connection:
        shown = [
            connection.execute(sa.text(f"SHOW {name}")).scalar()
            for name in ("transaction_isolation", "transaction_read_only")
        ]
    assert shown == ["repeatable read", "on"]
