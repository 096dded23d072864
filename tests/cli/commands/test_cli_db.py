"""`promptdb db`."""

import sqlite3
from pathlib import Path

import pytest
from clitools import Run, failure

HEAD = "0009"


@pytest.fixture
def empty(project: Path) -> Path:
    """A database with nothing in it."""
    sqlite3.connect("promptdb.sqlite3").close()
    return project


def edit(*statements: str) -> None:
    connection = sqlite3.connect("promptdb.sqlite3")
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def url(folder: Path) -> str:
    return f"sqlite:///{folder}/promptdb.sqlite3"


def test_upgrade_creates_the_schema_in_an_empty_database(run: Run, empty: Path) -> None:
    assert run("db", "upgrade") == (0, f"schema: empty -> {HEAD}\n", "")
    assert run("db", "current", "--json").json["current"] == HEAD


def test_upgrade_of_a_schema_that_is_up_to_date_changes_nothing(run: Run, synced: Path) -> None:
    listed = run("list")
    assert run("db", "upgrade") == (0, f"the schema is up to date ({HEAD})\n", "")
    assert run("list") == listed


def test_current_tells_where_an_empty_database_is(run: Run, empty: Path) -> None:
    assert run("db", "current") == (0, f"{url(empty)}: empty, needs {HEAD}\n", "")


def test_current_tells_where_a_database_is(run: Run, synced: Path) -> None:
    assert run("db", "current") == (0, f"{url(synced)}: {HEAD}, needs {HEAD}\n", "")


def test_current_as_json(run: Run, empty: Path) -> None:
    assert run("db", "current", "--json").json == {"database": url(empty), "current": None, "needed": HEAD}


def test_current_does_not_create_the_schema(run: Run, empty: Path) -> None:
    assert run("db", "current") == run("db", "current")


def test_check_finds_a_schema_as_it_should_be(run: Run, synced: Path) -> None:
    assert run("db", "check") == (0, f"the schema is correct ({HEAD})\n", "")


def test_check_of_an_empty_database_says_what_to_run(run: Run, empty: Path) -> None:
    ran = run("db", "check")
    assert (ran.code, ran.out) == (1, "")
    assert "there is no database sqlite:///" in ran.err


DRIFT = [
    ("DROP INDEX ix_sync_runs_commit_id", "ix_sync_runs_commit_id"),
    ("ALTER TABLE prompts ADD COLUMN colour TEXT", "colour"),
    ("ALTER TABLE prompts RENAME COLUMN archived_at TO archived", "archived"),
    ("CREATE TABLE extra (id INTEGER)", "extra"),
    ("DROP TABLE prompt_redirects", "prompt_redirects"),
    ("DROP TRIGGER prompt_versions_no_update", "prompt_versions_no_update"),
    ("DROP TRIGGER alias_events_no_delete", "alias_events_no_delete"),
]


@pytest.mark.parametrize(("statement", "name"), DRIFT, ids=[statement for statement, _ in DRIFT])
def test_check_tells_what_was_changed(run: Run, synced: Path, statement: str, name: str) -> None:
    edit(statement)
    ran = run("db", "check")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("error: the schema was changed: ")
    assert name in ran.err
    assert ran.err.count("\n") == 2


def test_upgrade_leaves_a_newer_schema_alone(run: Run, synced: Path) -> None:
    edit("UPDATE alembic_version SET version_num = '9999'")
    message = f"the schema of {url(synced)} is 9999, which this promptdb does not know"
    assert run("db", "upgrade") == (1, "", failure(message, "upgrade promptdb"))


def test_upgrade_leaves_the_database_of_something_else_alone(run: Run, empty: Path) -> None:
    edit("CREATE TABLE invoices (id INTEGER)")
    message = f"{url(empty)} holds tables that are not promptdb's"
    assert run("db", "upgrade") == (1, "", failure(message, "give promptdb a database of its own"))


@pytest.mark.slow
def test_a_password_is_never_shown(run: Run, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMPTDB_DATABASE_URL", "postgresql://user:hunter2@127.0.0.1:1/prompts")
    for command in ("current", "upgrade", "check"):
        ran = run("db", command)
        assert ran.code == 1
        assert "hunter2" not in ran.out + ran.err
