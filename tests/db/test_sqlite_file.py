"""The file of a SQLite database that is moved away or replaced while connections to it are open."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from promptdb.db.engine import make_engine, reading, writing
from promptdb.db.migrate import HEAD, current_revision, upgrade
from promptdb.db.sqlite_lookup import find_in_sqlite
from promptdb.domain.refs import PromptRef
from promptdb.errors import StorageError
from promptdb.service import PromptService
from promptdb.settings import AppSettings

COUNT = sa.text("SELECT count(*) FROM prompts")
INSERT = sa.text(
    "INSERT INTO prompts (id, namespace, name, created_at)"
    " VALUES ('00000000-0000-4000-8000-000000000000', 'a', 'b', '2026-01-01 00:00:00+00:00')"
)


@pytest.fixture
def backend() -> str:
    return "sqlite"


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """An engine with an open connection in its pool."""
    engine = make_engine(database_url, Path())
    assert count(engine) == 0
    yield engine
    engine.dispose()


def count(engine: sa.Engine) -> int:
    with reading(engine) as connection:
        found: int = connection.execute(COUNT).scalar_one()
    return found


def move(file: Path) -> Path:
    return file.rename(file.with_suffix(".away"))


def replace(file: Path) -> Path:
    """As a restore by rename does it."""
    backup, away = file.with_suffix(".backup"), file.with_suffix(".away")
    shutil.copyfile(file, backup)
    away.hardlink_to(file)
    backup.replace(file)
    return away


def write_after(engine: sa.Engine, change: Callable[[], object]) -> None:
    change()
    with writing(engine):
        pytest.fail("the write began without its file")


def write_around(engine: sa.Engine, change: Callable[[], object]) -> None:
    with writing(engine) as connection:
        connection.execute(INSERT)
        change()


@pytest.mark.parametrize("change", [move, replace])
@pytest.mark.parametrize("write", [write_after, write_around])
def test_nothing_is_written_into_a_file_that_is_not_there_any_more(
    engine: sa.Engine, change: Callable[[Path], Path], write: Callable[[sa.Engine, Callable[[], object]], None]
) -> None:
    file = Path(str(engine.url.database))
    away = file.with_suffix(".away")
    with pytest.raises(StorageError, match="was moved or replaced") as caught:
        write(engine, lambda: change(file))
    assert caught.value.hint is not None
    # With the file back, or with the other one, the next write finds what it would find after a restart.
    if not file.exists():
        away.rename(file)
    assert count(engine) == 0
    with writing(engine) as connection:
        connection.execute(INSERT)
    assert count(engine) == 1


def test_a_read_finds_the_file_that_is_there_now(engine: sa.Engine) -> None:
    file = Path(str(engine.url.database))
    away = replace(file)
    with writing(other := make_engine(f"sqlite:///{file}", Path())) as connection:
        connection.execute(INSERT)
    other.dispose()
    assert count(engine) == 1
    file.rename(away)
    with pytest.raises(StorageError, match="is gone"):
        count(engine)


def test_a_lookup_by_the_driver_finds_the_file_that_is_there_now(tmp_path: Path) -> None:
    ref = PromptRef.parse("support/triage")
    with PromptService(AppSettings(base=tmp_path)) as service:
        service.register_text("support/triage", "one")
        file = Path(str(service.engine.url.database))
        backup = file.with_suffix(".backup")
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("VACUUM INTO ?", [str(backup)])
        service.register_text("support/triage", "two")
        found = find_in_sqlite(service.engine, ref)
        assert found is not None
        assert found.view.revision == 2
        for suffix in ("", "-wal", "-shm"):
            file.with_name(file.name + suffix).unlink(missing_ok=True)
        backup.replace(file)
        found = find_in_sqlite(service.engine, ref)
        assert found is not None
        assert found.view.revision == 1
        file.unlink()
        with pytest.raises(StorageError, match="is gone"):
            find_in_sqlite(service.engine, ref)


def test_no_connection_creates_a_file(tmp_path: Path) -> None:
    engine = make_engine("sqlite:///registry.sqlite3", tmp_path)
    for use in (reading, writing):
        with pytest.raises(StorageError, match="is gone"), use(engine):
            pytest.fail("opened nothing")
    with pytest.raises(StorageError, match="is gone"):
        engine.raw_connection()
    assert list(tmp_path.iterdir()) == []
    upgrade(engine)
    assert current_revision(engine) == HEAD
    engine.dispose()


@pytest.mark.parametrize("folder", ["a b", "100%25", "q?mode=memory", "a#b", "é"])
def test_a_file_in_a_folder_of_any_name_is_opened(folder: str, database_url: str, tmp_path: Path) -> None:
    (tmp_path / folder).mkdir()
    Path(database_url.removeprefix("sqlite:///")).rename(tmp_path / folder / "moved.sqlite3")
    engine = make_engine("sqlite:///moved.sqlite3", tmp_path / folder)
    assert count(engine) == 0
    engine.dispose()
