"""`promptdb copy`."""

import subprocess
import sys
from pathlib import Path

import pytest
from clitools import Run, failure, process
from postgres import PostgresServer

from promptdb.db import migrate
from promptdb.db.engine import make_engine

TARGET = 'database_url = "sqlite:///copy.sqlite3"\nblob_root = "copied"\n'


@pytest.fixture
def target(two_versions: Path) -> Path:
    (two_versions / "elsewhere").mkdir()
    file = two_versions / "elsewhere/target.toml"
    file.write_text(TARGET)
    return file


def test_a_registry_is_copied_to_where_a_file_says(run: Run, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("copy", target) == (0, "wrote 2 prompts, 3 versions, 2 aliases and 3 blobs\n", "")
    assert run("copy", target) == (0, "nothing to do: everything is there already\n", "")
    original = run("list", "--json").json
    monkeypatch.setenv("PROMPTDB_DATABASE_URL", f"sqlite:///{target.parent}/copy.sqlite3")
    monkeypatch.setenv("PROMPTDB_BLOB_ROOT", str(target.parent / "copied"))
    assert run("list", "--json").json == original


def test_variables_are_enough(run: Run, two_versions: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMPTDB_TARGET_DATABASE_URL", "sqlite:///copy.sqlite3")
    monkeypatch.setenv("PROMPTDB_TARGET_BLOB_ROOT", "copied")
    assert run("copy", "--json").json["versions"] == 3
    assert Path("copy.sqlite3").is_file()
    assert Path("copied/sha256").is_dir()


def test_variables_win_over_the_file(run: Run, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMPTDB_TARGET_DATABASE_URL", "sqlite:///other.sqlite3")
    assert run("copy", target).code == 0
    assert [file.name for file in target.parent.glob("*.sqlite3")] == ["other.sqlite3"]


@pytest.mark.parametrize(
    ("variables", "message", "hint"),
    [
        (
            {},
            "the environment names no database to copy to",
            "set database_url in a settings file for the target, or PROMPTDB_TARGET_DATABASE_URL",
        ),
        (
            {"PROMPTDB_TARGET_DATABASE_URL": "sqlite:///x.sqlite3"},
            "the environment names no place for blobs to copy to",
            "set blob_root in a settings file for the target, or PROMPTDB_TARGET_BLOB_ROOT",
        ),
        (
            {"PROMPTDB_TARGET_DATABASE_URI": "x"},
            "environment variable PROMPTDB_TARGET_DATABASE_URI is not a setting",
            "did you mean PROMPTDB_TARGET_DATABASE_URL?",
        ),
    ],
)
def test_a_target_is_never_guessed(
    run: Run,
    two_versions: Path,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    message: str,
    hint: str,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert run("copy") == (1, "", failure(message, hint))


def test_the_registry_itself_is_no_target(run: Run, target: Path) -> None:
    target.write_text('database_url = "sqlite:///../promptdb.sqlite3"\nblob_root = "x"\n')
    ran = run("copy", target)
    assert ran.code == 1
    assert "is the registry itself" in ran.err


@pytest.mark.parametrize("is_in_file", [True, False], ids=["file", "variable"])
def test_a_target_without_a_schema_is_told_as_that_of_the_target(
    run: Run, target: Path, monkeypatch: pytest.MonkeyPatch, postgres: PostgresServer, is_in_file: bool
) -> None:
    url = postgres.url(postgres.create_database()).replace("postgres@", "postgres:hunter2@")
    if is_in_file:
        target.write_text(f'database_url = "{url}"\nblob_root = "copied"\n')
    else:
        monkeypatch.setenv("PROMPTDB_TARGET_DATABASE_URL", url)
    shown = f"'<database_url of {target}>'" if is_in_file else '"$PROMPTDB_TARGET_DATABASE_URL"'
    ran = run("copy", target)
    assert ran.code == 1
    assert ran.err.endswith(f"run: PROMPTDB_DATABASE_URL={shown} promptdb db upgrade\n")
    assert "hunter2" not in ran.err


@pytest.mark.slow
def test_the_hint_for_an_old_target_can_be_run_as_it_is(run: Run, target: Path) -> None:
    """Its path is relative to its own settings file."""
    assert run("copy", target).code == 0
    engine = make_engine(f"sqlite:///{target.parent}/copy.sqlite3", Path())
    migrate.downgrade(engine, "0003")
    engine.dispose()
    ran = run("copy", target)
    assert ran.code == 1
    command = ran.err.rpartition("hint: run: ")[2].replace("promptdb db", f"'{sys.executable}' -m promptdb db")
    subprocess.run(command, shell=True, check=True, capture_output=True)
    assert run("copy", target)[:2] == (
        0,
        "nothing to do: everything is there already\n",
    )  # and a note: its id was made anew


@pytest.mark.slow
def test_a_secret_is_in_no_message(two_versions: Path) -> None:
    url = "postgresql://me:hunter2@127.0.0.1:1/none"
    ran = process("copy", folder=two_versions, PROMPTDB_TARGET_DATABASE_URL=url, PROMPTDB_TARGET_BLOB_ROOT="x")
    assert ran.code == 1
    assert "hunter2" not in ran.out + ran.err


def test_the_keys_that_a_target_lacks_are_those_of_the_target(
    run: Run, two_versions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMPTDB_MINIO_ACCESS_KEY", "of the source")
    text = 'database_url = "sqlite:///copy.sqlite3"\nstorage_backend = "minio"\nminio_endpoint = "localhost"\n'
    (two_versions / "team.toml").write_text(f'{text}minio_bucket = "prompts"\n')
    ran = run("copy", "team.toml")
    assert ran.code == 1
    assert "PROMPTDB_TARGET_MINIO_ACCESS_KEY and PROMPTDB_TARGET_MINIO_SECRET_KEY" in ran.err
