"""What goes wrong for every command alike: settings, databases, locks, folders. One line, a hint, an exit code."""

import shutil
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clitools import Ran, Run, failure
from registries import write

from promptdb.domain.digest import digest_of
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.version_ids import prompt_id, version_id

READING = [
    *(
        ["status"],
        ["plan"],
        ["list"],
        ["show", "greet"],
        ["log", "greet"],
        ["render", "greet", "-v", "name=x", "-v", "place=y"],
    ),
    *(["diff", "greet"], ["alias", "list"], ["alias", "log", "greet"], ["export", "greet", "-"], ["db", "current"]),
]
WRITING = [
    *(
        ["sync"],
        ["promote", "greet", "other"],
        ["alias", "set", "greet", "other"],
        ["alias", "delete", "greet", "staging"],
    ),
    *(
        ["rollback", "greet", "staging"],
        ["promote", "--all", "staging", "other"],
        ["register-file", "prompts/greet.txt", "--name", "other"],
    ),
]
FILES = [["check"], ["plan"], ["sync"], ["status"]]
DATABASE = [*READING, *WRITING, ["db", "check"], ["db", "upgrade"]]


def words(value: object) -> str:
    return " ".join(value) if isinstance(value, list) else ""


def told(ran: Ran, code: int, message: str, hint: str | None = None) -> None:
    """Whether the command failed with exactly this, and printed nothing else."""
    assert ran == (code, "", failure(message, hint))


# Folders and settings


@pytest.mark.parametrize("arguments", FILES, ids=words)
def test_without_a_prompts_folder_it_says_where_it_looked(run: Run, project: Path, arguments: list[str]) -> None:
    shutil.rmtree(project / "prompts")
    hint = (
        "run 'promptdb init', or set PROMPTDB_PROMPTS_ROOT; if its last prompt was deleted, create the empty folder, "
        "and 'promptdb sync --prune --max-prune 100' archives the prompts"
    )
    told(run(*arguments), 1, f"there is no prompts folder {project / 'prompts'}", hint)


@pytest.mark.parametrize("arguments", FILES, ids=words)
def test_a_file_in_place_of_the_prompts_folder_is_the_same(run: Run, project: Path, arguments: list[str]) -> None:
    shutil.rmtree(project / "prompts")
    write(project, {"prompts": "x"})
    assert run(*arguments).err.startswith(f"error: there is no prompts folder {project / 'prompts'}\n")


SETTINGS: list[tuple[str, str, str]] = [
    ('colour = "red"', "unknown setting 'colour'", "settings are "),
    ('text_format = "erb"', "text_format: expected 'f-string', 'jinja2', 'mustache' or 'plain'", "docs/settings.md"),
    ("lock_timeout = 0", "lock_timeout: expected greater than 0", "docs/settings.md"),
]


@pytest.mark.parametrize(("toml", "message", "hint"), SETTINGS)
@pytest.mark.parametrize("arguments", [["check"], ["list"]], ids=words)
def test_a_wrong_setting_is_told_with_its_file(
    run: Run, project: Path, toml: str, message: str, hint: str, arguments: list[str]
) -> None:
    write(project, {"promptdb.toml": toml})
    ran = run(*arguments)
    assert (ran.code, ran.out) == (1, "")
    error, _, told_hint = ran.err.partition("\n")
    assert error == f"error: {project / 'promptdb.toml'}: {message}"
    assert hint in told_hint


def test_a_settings_file_that_is_not_toml_is_told(run: Run, project: Path) -> None:
    write(project, {"promptdb.toml": "prompts_root ="})
    ran = run("list")
    assert ran.code == 1
    assert ran.err.startswith(f"error: {project / 'promptdb.toml'} is not valid TOML: ")
    assert ran.err.count("\n") == 1


def test_a_wrong_variable_is_told_by_its_name_and_without_its_value(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMPTDB_LOCK_TIMEOUT", "hunter2")
    ran = run("list")
    assert ran.code == 1
    assert ran.err.startswith("error: environment variable PROMPTDB_LOCK_TIMEOUT: ")
    assert "hunter2" not in ran.err


# Database URLs


MALFORMED = ("the database URL is malformed", "for example sqlite:///./promptdb.sqlite3")
URLS: list[tuple[str, str, str | None]] = [
    ("nonsense", *MALFORMED),
    ("", *MALFORMED),
    ("postgresql://user:hunter2@host:port/database", *MALFORMED),
    ("mysql://user:hunter2@host/database", "'mysql' is not a supported database", "use sqlite:/// or postgresql://"),
    ("sqlite://", "SQLite needs a file", "for example sqlite:///./promptdb.sqlite3"),
    ("sqlite:///:memory:", "SQLite needs a file", "for example sqlite:///./promptdb.sqlite3"),
]


@pytest.mark.parametrize(("url", "message", "hint"), URLS, ids=[url or "empty" for url, _, _ in URLS])
@pytest.mark.parametrize("arguments", [["list"], ["sync"], ["plan"], ["db", "check"]], ids=words)
def test_a_database_url_that_makes_no_sense_is_told(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch, url: str, message: str, hint: str, arguments: list[str]
) -> None:
    monkeypatch.setenv("PROMPTDB_DATABASE_URL", url)
    told(run(*arguments), 1, message, hint)


def test_check_needs_no_database(run: Run, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMPTDB_DATABASE_URL", "nonsense")
    assert run("check").code == 0


def test_a_database_in_a_folder_that_is_not_there_is_told(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMPTDB_DATABASE_URL", "sqlite:///gone/registry.sqlite3")
    message = f"there is no folder {project / 'gone'} for the database"
    told(run("list"), 1, message, "create it or set PROMPTDB_DATABASE_URL")


@pytest.mark.parametrize("arguments", DATABASE, ids=words)
def test_a_file_that_is_no_database_is_one_error_of_one_line(run: Run, synced: Path, arguments: list[str]) -> None:
    for file in synced.glob("promptdb.sqlite3*"):
        file.unlink()
    write(synced, {"promptdb.sqlite3": "this is not a database, it only pretends to be one" * 40})
    ran = run(*arguments)
    assert (ran.code, ran.out) == (1, "")
    error, hint = ran.err.splitlines()
    assert error.endswith("promptdb.sqlite3 failed: file is not a database")
    assert hint == "hint: correct the database URL: the file is not a SQLite database"


def test_a_database_of_something_else_is_left_alone(run: Run, project: Path) -> None:
    with sqlite3.connect("promptdb.sqlite3") as other:
        other.execute("CREATE TABLE invoices (id INTEGER)")
    other.close()
    ran = run("sync")
    assert ran.code == 1
    assert "holds tables that are not promptdb's" in ran.err
    assert ran.err.endswith("hint: give promptdb a database of its own\n")


def test_a_database_of_a_newer_release_is_left_alone(run: Run, synced: Path) -> None:
    edit("UPDATE alembic_version SET version_num = '9999'")
    ran = run("list")
    assert ran.code == 1
    assert "is 9999, which this promptdb does not know" in ran.err
    assert ran.err.endswith("hint: upgrade promptdb\n")


@pytest.fixture
def refused() -> Iterator[int]:
    """A port on which nobody listens, and nobody can."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.mark.parametrize("arguments", [["list"], ["sync"], ["status"], ["db", "current"], ["db", "upgrade"]], ids=words)
@pytest.mark.slow
def test_a_postgresql_that_is_down_is_told_without_the_password(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch, refused: int, arguments: list[str]
) -> None:
    monkeypatch.setenv("PROMPTDB_DATABASE_URL", f"postgresql://user:hunter2@127.0.0.1:{refused}/prompts")
    ran = run(*arguments)
    assert (ran.code, ran.out) == (1, "")
    error, hint = ran.err.splitlines()
    assert "Connection refused" in error
    assert "hunter2" not in ran.err
    assert hint == "hint: start the database, or correct host and port in the database URL"


def test_an_empty_postgresql_wants_to_be_upgraded_first(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch, postgres_server: Any
) -> None:
    monkeypatch.setenv("PROMPTDB_DATABASE_URL", postgres_server.url(postgres_server.create_database()))
    ran = run("sync")
    assert ran.code == 1
    assert ran.err.endswith(
        "is empty; this promptdb needs 0009\nhint: as the role that owns the schema, run: promptdb db upgrade\n"
    )
    assert run("db", "upgrade") == (0, "schema: empty -> 0009\n", "")
    assert run("sync").code == 0
    assert run("render", "greet", "-v", "name=Bo", "-v", "place=Oz").out == "Hello Bo, welcome to Oz!\n"
    assert run("promote", "greet", "production").code == 0
    assert run("db", "check").code == 0


# The lock


def edit(statement: str) -> None:
    """Change the database as no command would."""
    connection = sqlite3.connect("promptdb.sqlite3")
    with connection:
        for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        connection.execute(statement)
    connection.close()


@pytest.fixture
def locked(two_versions: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Another writer is at work, and there is something to sync and to roll back."""
    assert run("promote", "greet:rev:1", "staging").code == 0
    write(two_versions, {"prompts/new.txt": "x"})
    monkeypatch.setenv("PROMPTDB_LOCK_TIMEOUT", "0.2")
    other = sqlite3.connect("promptdb.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield two_versions
    other.close()


@pytest.mark.parametrize("arguments", [*WRITING, ["db", "upgrade"]], ids=words)
@pytest.mark.slow
def test_a_writer_that_waits_too_long_is_exit_code_6(run: Run, locked: Path, arguments: list[str]) -> None:
    message = "another writer held the database for too long"
    told(run(*arguments), 6, message, "try again, or raise PROMPTDB_LOCK_TIMEOUT (seconds)")


@pytest.mark.parametrize("arguments", [*READING, ["db", "check"]], ids=words)
@pytest.mark.slow
def test_a_reader_does_not_wait_for_a_writer(run: Run, locked: Path, arguments: list[str]) -> None:
    assert run(*arguments).code == 0


# What was stored and changed


READS_SPEC = [
    ["show", "greet"],
    ["render", "greet"],
    ["export", "greet", "-"],
    ["diff", "greet"],
    ["diff", "greet", ":rev:1"],
]


@pytest.mark.parametrize("change", ["'not json'", "replace(spec_json, 'Hello', 'Goodbye')", "'{}'"])
@pytest.mark.parametrize("arguments", READS_SPEC, ids=words)
def test_a_stored_spec_that_was_changed_is_exit_code_7(
    run: Run, synced: Path, change: str, arguments: list[str]
) -> None:
    edit(f"UPDATE prompt_versions SET spec_json = {change}")
    ran = run(*arguments)
    assert (ran.code, ran.out) == (7, "")
    assert ran.err.startswith("error: the stored spec of default/greet revision 1 does not have its digest\n")


@pytest.mark.parametrize("arguments", READS_SPEC, ids=words)
def test_a_stored_spec_of_a_newer_release_is_exit_code_7(run: Run, synced: Path, arguments: list[str]) -> None:
    spec = '{"kind":"string","scheme":2,"template":"x"}'
    digest = digest_of(spec.encode())
    prompt = prompt_id(PromptId("default", "greet"))
    key = version_id(prompt, 1, digest).hex
    values = f"id = '{key}', spec_json = '{spec}', spec_hash = '{digest}'"
    edit(f"UPDATE prompt_versions SET {values} WHERE prompt_id = '{prompt.hex}' AND revision = 1")
    ran = run(*arguments)
    assert (ran.code, ran.out) == (7, "")
    assert ran.err.startswith("error: a stored spec cannot be read: ")
    assert "upgrade promptdb" in ran.err
