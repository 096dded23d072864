"""Transactions and errors of the database: what is read stays true, one writer at a time, remedies instead of tracebacks."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from postgres import PostgresServer
from registries import on_postgresql, on_sqlite
from workers import register_many, require_all_revisions, together

from promptdb.db.engine import make_engine, reading, writing
from promptdb.db.migrate import HEAD, current_revision, is_absent, upgrade
from promptdb.errors import ConfigError, IntegrityFailure, LockTimeout, PromptDBError, StorageError
from promptdb.service import PromptService

COUNT = sa.text("SELECT count(*) FROM prompts")
VALUES = "('00000000-0000-4000-8000-000000000000', 'a', 'b', '2026-01-01 00:00:00+00:00')"
INSERT = sa.text(f"INSERT INTO prompts (id, namespace, name, created_at) VALUES {VALUES}")
TWICE = sa.text(f"{INSERT}, {VALUES}")


@pytest.fixture
def impatient(database_url: str) -> Iterator[Callable[[], sa.Engine]]:
    """Engines that give up on a lock soon."""
    made: list[sa.Engine] = []

    def make() -> sa.Engine:
        made.append(make_engine(database_url, Path(), lock_timeout=0.05))
        return made[-1]

    yield make
    for engine in made:
        engine.dispose()


def test_a_second_writer_waits_and_then_gives_up_with_a_remedy(impatient: Callable[[], sa.Engine]) -> None:
    one, other = impatient(), impatient()
    with writing(one), pytest.raises(LockTimeout, match="another writer held") as caught, writing(other):
        pytest.fail("two writers at once")
    assert caught.value.hint is not None
    assert "PROMPTDB_LOCK_TIMEOUT" in caught.value.hint


def test_the_lock_is_free_again_after_a_writer_failed(impatient: Callable[[], sa.Engine]) -> None:
    one, other = impatient(), impatient()
    with pytest.raises(IntegrityFailure), writing(one) as connection:
        connection.execute(TWICE)
    with writing(other) as connection:
        assert connection.execute(COUNT).scalar() == 0


def test_a_reader_neither_waits_for_a_writer_nor_sees_what_it_has_not_committed(
    impatient: Callable[[], sa.Engine],
) -> None:
    with writing(impatient()) as connection:
        connection.execute(INSERT)
        with reading(impatient()) as reader:
            assert reader.execute(COUNT).scalar() == 0


def test_what_a_reader_has_seen_stays_as_it_was(impatient: Callable[[], sa.Engine]) -> None:
    """`reading` promises one state: a lookup is several statements, and a hint must fit the answer."""
    one, other = impatient(), impatient()
    with reading(one) as reader:
        assert reader.execute(COUNT).scalar() == 0
        with writing(other) as writer:
            writer.execute(INSERT)
        assert reader.execute(COUNT).scalar() == 0
    with reading(one) as reader:
        assert reader.execute(COUNT).scalar() == 1


def test_a_writer_sees_what_the_one_before_it_committed(impatient: Callable[[], sa.Engine]) -> None:
    one, other = impatient(), impatient()
    with writing(one) as connection:
        connection.execute(INSERT)
    with writing(other) as connection:
        assert connection.execute(COUNT).scalar() == 1


@pytest.mark.parametrize("seconds", [0.0001, 0.0009])
def test_the_shortest_lock_timeout_is_not_forever(postgres: PostgresServer, seconds: float) -> None:
    """PostgreSQL counts milliseconds, and takes 0 for no limit at all."""
    engine = make_engine(postgres.url("postgres"), Path(), lock_timeout=seconds)
    try:
        with reading(engine) as connection:
            assert connection.execute(sa.text("SHOW lock_timeout")).scalar() != "0"
    finally:
        engine.dispose()


@on_sqlite
def test_foreign_keys_are_on_in_every_connection(impatient: Callable[[], sa.Engine]) -> None:
    engine = impatient()
    with engine.connect() as one, engine.connect() as two:
        assert [c.execute(sa.text("PRAGMA foreign_keys")).scalar() for c in (one, two)] == [1, 1]


# URLs


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "malformed"),
        ("registry.sqlite3", "malformed"),
        ("sqlite:///registry.sqlite3?timeout=abc", "has no options"),
        ("postgresql://host:port/registry", "malformed"),
        ("postgresql://host:5432:5433/registry", "malformed"),
        ("mysql://host/registry", "'mysql' is not a supported database"),
        ("postgresql+asyncpg://host/registry", r"'postgresql\+asyncpg' is not a supported database"),
        ("sqlite://", "SQLite needs a file"),
        ("sqlite:///:memory:", "SQLite needs a file"),
        ("sqlite:///file:registry?mode=memory&uri=true", "SQLite needs a file"),
    ],
)
def test_a_url_that_cannot_be_used_is_told_before_anything_is_opened(url: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        make_engine(url, tmp_path)
    assert caught.value.hint


def test_a_folder_that_is_missing_is_told_at_the_first_use(tmp_path: Path) -> None:
    """It may come later: a client is made once, and goes on to try."""
    engine = make_engine("sqlite:///missing/registry.sqlite3", tmp_path)
    for use in (current_revision, is_absent, upgrade):
        with pytest.raises(StorageError, match=r"there is no folder .*missing"):
            use(engine)
    (tmp_path / "missing").mkdir()
    upgrade(engine)
    assert current_revision(engine) == HEAD
    engine.dispose()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_all_spellings_of_postgresql_are_one(scheme: str, tmp_path: Path) -> None:
    assert make_engine(f"{scheme}://host/registry", tmp_path).url.drivername == "postgresql+psycopg"


def test_a_relative_sqlite_file_lies_in_the_base_folder(tmp_path: Path) -> None:
    assert make_engine("sqlite:///./registry.sqlite3", tmp_path).url.database == str(tmp_path / "registry.sqlite3")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:hunter2@127.0.0.1:1/registry",
        "postgresql://127.0.0.1:1/registry?user=user&password=hunter2",
        "postgresql://user:hunter2@127.0.0.1:1/registry?sslmode=nonsense",
        "postgresql://user:secret@hunter2@127.0.0.1:1/registry",
        "postgresql://user:hunter2:1/registry@127.0.0.1:1/registry",
    ],
    ids=["password", "query", "driver refuses", "unescaped @", "unescaped : and /"],
)
def test_no_message_of_a_failing_database_shows_a_password(url: str, tmp_path: Path) -> None:
    """Not even where somebody forgot to escape it."""
    shown = []
    try:
        engine = make_engine(url, tmp_path)
        shown.append(repr(engine))
        with reading(engine):
            pytest.fail("connected to nothing")
    except PromptDBError as error:
        shown += [error.message, error.hint or "", str(error.__cause__), repr(error)]
    assert [text for text in shown if "hunter2" in text] == []


# Databases that fail


def test_a_server_that_is_down_is_a_storage_error_with_a_hint(tmp_path: Path) -> None:
    engine = make_engine("postgresql://127.0.0.1:1/registry", tmp_path)
    with pytest.raises(StorageError, match=r"127.0.0.1:1/registry failed: .*refused") as caught, reading(engine):
        pytest.fail("connected to nothing")
    assert caught.value.hint is not None
    assert "start the database" in caught.value.hint
    assert "\n" not in caught.value.message


def test_a_file_that_is_no_database_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "registry.sqlite3").write_text("not a database at all" * 100)
    engine = make_engine("sqlite:///registry.sqlite3", tmp_path)
    with pytest.raises(StorageError, match="file is not a database"), reading(engine) as connection:
        connection.execute(COUNT)
    engine.dispose()


def test_a_folder_in_place_of_the_file_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="unable to open"), reading(make_engine(f"sqlite:///{tmp_path}", tmp_path)):
        pytest.fail("opened a folder")


def test_a_database_that_does_not_exist_is_a_storage_error(postgres: PostgresServer, tmp_path: Path) -> None:
    engine = make_engine(postgres.url("nowhere"), tmp_path)
    with pytest.raises(StorageError, match='"nowhere" does not exist'), reading(engine):
        pytest.fail("connected to nothing")


def test_a_violated_constraint_is_an_integrity_failure_and_nothing_is_written(service: PromptService) -> None:
    engine = service.engine
    with pytest.raises(IntegrityFailure, match=r"(?i)unique"), writing(engine) as connection:
        connection.execute(TWICE)
    with reading(engine) as connection:
        assert connection.execute(COUNT).scalar() == 0


@on_postgresql
def test_a_connection_that_the_server_dropped_is_replaced(service: PromptService, postgres: PostgresServer) -> None:
    """It restarts now and then, and applications run for months."""
    service.register_text("a/one", "text")
    drop = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
    other = make_engine(postgres.url("postgres"), Path())
    with reading(other) as connection:
        dropped = connection.execute(sa.text(drop), {"name": service.engine.url.database}).all()
    other.dispose()
    assert dropped
    assert service.get("a/one").render_text() == "text"


def test_the_options_of_a_url_stay_in_force(postgres: PostgresServer) -> None:
    """Such as a schema for each team."""
    engine = make_engine(postgres.url("postgres") + "?options=-csearch_path%3Dteam", Path(), lock_timeout=5)
    try:
        with reading(engine) as connection:
            shown = [connection.execute(sa.text(f"SHOW {name}")).scalar() for name in ("search_path", "lock_timeout")]
    finally:
        engine.dispose()
    assert shown == ["team", "5s"]


# Many writers


@pytest.mark.slow
def test_eight_processes_that_register_the_same_content_make_one_version(
    database_url: str, tmp_path: Path, service: PromptService
) -> None:
    assert together(register_many, [(database_url, tmp_path, 0, 1)] * 8) == [[1]] * 8
    assert [version.revision for version in service.list_versions("race/one")] == [1]


@pytest.mark.slow
def test_eight_processes_register_versions_and_no_revision_is_lost(database_url: str, tmp_path: Path) -> None:
    require_all_revisions(database_url, tmp_path, writers=8, count=5)


@on_sqlite
def test_a_database_that_may_only_be_read_is_read_without_writing_beside_it(
    service: PromptService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in an image. Permissions do not bind the super-user, so the answer to the question for them is given here."""
    service.register_text("a/one", "Hello")
    service.close()
    before = {path.name for path in tmp_path.iterdir()}
    monkeypatch.setattr("promptdb.db.sqlite_file.os.access", lambda *_: False)
    reader = PromptService(service.settings)
    assert reader.get("a/one").render_text() == "Hello"
    assert {path.name for path in tmp_path.iterdir()} == before
    with pytest.raises(StorageError, match="readonly"):
        reader.register_text("a/one", "changed")
    reader.close()
