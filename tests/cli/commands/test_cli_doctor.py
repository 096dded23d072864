"""`promptdb db doctor`."""

import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from clitools import Run, keys, process
from repositories import Git, commit_all

Break = Callable[[Path, pytest.MonkeyPatch], None]
LINE = re.compile(r"(ok    |warn  |fail  )\w+ +\S.*|                   remedy: \S.*")


def statement(text: str) -> Break:
    def execute(folder: Path, _: pytest.MonkeyPatch) -> None:
        connection = sqlite3.connect(folder / "promptdb.sqlite3")
        with connection:
            connection.execute(text)
        connection.close()

    return execute


def variable(name: str, value: str) -> Break:
    return lambda _, patch: patch.setenv(name, value)


def database_of_bytes(data: bytes) -> Break:
    def overwrite(folder: Path, _: pytest.MonkeyPatch) -> None:
        for file in folder.glob("promptdb.sqlite3*"):
            file.unlink()
        (folder / "promptdb.sqlite3").write_bytes(data)

    return overwrite


def store(change: Callable[[Path], object]) -> Break:
    return lambda folder, _: change(folder / ".blobs") and None


def emptied(root: Path) -> None:
    for file in root.glob("sha256/*/*"):
        file.unlink()


def file_in_place_of(root: Path) -> None:
    root.rename(root.with_name("elsewhere"))
    root.write_text("no folder")


def of_another_registry(root: Path) -> None:
    for file in root.glob("registries/*"):
        file.unlink()
    (root / "registries").mkdir(exist_ok=True)
    (root / "registries" / "00000000-0000-4000-8000-000000000000").touch()


def without_git(folder: Path, patch: pytest.MonkeyPatch) -> None:
    (folder / ".git").mkdir()
    patch.setenv("PATH", str(folder))


FAILURES: dict[str, tuple[Break, str, str]] = {
    "a misspelt variable": (variable("PROMPTDB_BLOB_ROT", ".x"), "settings", "did you mean PROMPTDB_BLOB_ROOT"),
    "a bad value": (variable("PROMPTDB_LOCK_TIMEOUT", "hunter2"), "settings", "PROMPTDB_LOCK_TIMEOUT"),
    "a settings file that is no TOML": (
        lambda f, _: (f / "promptdb.toml").write_text("=") and None,
        "settings",
        "TOML",
    ),
    "no prompts": (variable("PROMPTDB_PROMPTS_ROOT", "nowhere"), "prompts", "does not exist"),
    "no git": (without_git, "git", "git is not installed"),
    "a server that is down": (
        variable("PROMPTDB_DATABASE_URL", "postgresql://u:hunter2@127.0.0.1:1/x"),
        "database",
        "refused",
    ),
    "a malformed address": (variable("PROMPTDB_DATABASE_URL", "hunter2"), "database", "malformed"),
    "no folder for the database": (variable("PROMPTDB_DATABASE_URL", "sqlite:///no/x.db"), "database", "no folder"),
    "a file that is no database": (database_of_bytes(b"no database at all" * 100), "database", "not a database"),
    "another application's database": (statement("DROP TABLE alembic_version"), "schema", "not promptdb's"),
    "an older schema": (statement("UPDATE alembic_version SET version_num = '0001'"), "schema", "db upgrade"),
    "a newer schema": (statement("UPDATE alembic_version SET version_num = '9999'"), "schema", "upgrade promptdb"),
    "a trigger that is gone": (statement("DROP TRIGGER prompt_versions_no_update"), "schema", "no trigger"),
    "a column too many": (statement("ALTER TABLE prompts ADD COLUMN colour TEXT"), "schema", "colour"),
    "a file in place of the blobs": (store(file_in_place_of), "blobs", "cannot write blobs"),
    "blobs that are gone": (store(emptied), "owners", "which the newest version needs"),
    "the store of another registry": (store(of_another_registry), "owners", "wrong database, or wrong store"),
}


def test_a_registry_in_good_health_has_only_good_findings(run: Run, synced: Path) -> None:
    ran = run("db", "doctor")
    assert (ran.code, ran.err) == (0, "")
    assert {line.split()[0] for line in ran.out.splitlines()} - {"warn", "remedy:"} == {"ok"}  # the disk may be small
    looked_at = {line.split()[1] for line in ran.out.splitlines()}
    assert looked_at >= {
        *("settings", "prompts", "git", "database", "schema", "permissions", "lock", "blobs", "owners", "disk")
    }


def test_it_changes_nothing(run: Run, synced: Path) -> None:
    def state() -> dict[str, bytes]:
        return {
            str(file): file.read_bytes() for file in synced.rglob("*") if file.is_file() and "-shm" not in file.name
        }

    before = state()
    assert run("db", "doctor").code == 0
    assert state() == before


def test_before_the_first_sync_nothing_is_wrong_and_nothing_is_made(run: Run, project: Path) -> None:
    ran = run("db", "doctor")
    assert ran.code == 0
    assert "warn  database" in ran.out
    assert [file.name for file in project.iterdir()] == ["prompts"]


def test_an_empty_database_stays_empty(run: Run, project: Path) -> None:
    (project / "promptdb.sqlite3").touch()
    ran = run("db", "doctor")
    assert ran.code == 0
    assert "warn  schema       the database is empty" in ran.out
    assert (project / "promptdb.sqlite3").stat().st_size == 0


@pytest.mark.parametrize("name", FAILURES)
def test_what_is_broken_is_told_with_a_remedy_and_exit_code_1(
    run: Run, synced: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    break_it, check, said = FAILURES[name]
    break_it(synced, monkeypatch)
    ran = run("db", "doctor")
    assert (ran.code, ran.err) == (1, "")
    lines = ran.out.splitlines()
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    failed = [number for number, line in enumerate(lines) if line.startswith("fail")]
    assert {lines[number].split()[1] for number in failed} == {check}
    assert all(lines[number + 1].lstrip().startswith("remedy: ") for number in failed)
    assert said in " ".join(lines[number] + lines[number + 1] for number in failed)
    assert "hunter2" not in ran.out


def test_one_failure_hides_no_other(run: Run, synced: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMPTDB_DATABASE_URL", "postgresql://127.0.0.1:1/x")
    monkeypatch.setenv("PROMPTDB_PROMPTS_ROOT", "nowhere")
    file_in_place_of(synced / ".blobs")
    failed = {line.split()[1] for line in run("db", "doctor").out.splitlines() if line.startswith("fail")}
    assert failed == {"database", "prompts", "blobs"}


def test_without_settings_git_is_examined_nevertheless(run: Run, project: Path, git: Git) -> None:
    commit_all(git)
    (project / "promptdb.toml").write_text("colour = 1")
    out = run("db", "doctor").out
    assert "fail  settings" in out
    assert "ok    git" in out


def test_a_database_without_write_permission_is_told(run: Run, synced: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Permissions do not bind the super-user, so the answer to the question for them is given here."""
    monkeypatch.setattr("promptdb.maintenance.doctor.database.os.access", lambda path, _: Path(path) != synced)
    ran = run("db", "doctor")
    assert ran.code == 1
    assert f"fail  permissions  {synced} is read-only" in ran.out


@pytest.mark.slow
def test_a_writer_at_work_is_a_warning(run: Run, synced: Path) -> None:
    holder = sqlite3.connect("promptdb.sqlite3", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    ran = run("db", "doctor")
    holder.close()
    assert ran.code == 0
    assert "warn  lock         another process is writing" in ran.out


def test_a_shallow_clone_is_a_warning(run: Run, project: Path, git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        commit_all(git)
    git("clone", "--quiet", "--depth=1", f"file://{project}", "clone")
    monkeypatch.chdir(project / "clone")
    ran = run("db", "doctor")
    assert ran.code == 0
    assert "is a shallow clone" in ran.out
    assert "--unshallow" in ran.out


@pytest.mark.slow
def test_a_repository_of_another_user_is_told_in_the_words_of_git(project: Path, git: Git) -> None:
    commit_all(git)
    ran = process("db", "doctor", GIT_TEST_ASSUME_DIFFERENT_OWNER="1")
    assert ran.code == 1
    assert re.search(r"^fail  git +git cannot read the repository .*dubious ownership", ran.out, re.MULTILINE)
    assert "safe.directory" in ran.out


def test_large_files_that_git_cannot_fetch_are_told(run: Run, project: Path, git: Git) -> None:
    (project / ".gitattributes").write_text("*.bin filter=lfs\n")
    (project / "prompts/_data.bin").write_text("version https://git-lfs.github.com/spec/v1\n")
    git("-c", "alias.lfs=!false", "add", "--all")
    git("config", "alias.lfs", "!false")  # whether it is installed here or not
    ran = run("db", "doctor")
    assert ran.code == 1
    assert "fail  git          1 file below the prompts root" in ran.out


def test_an_unknown_variable_is_a_warning(run: Run, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMPTDB_FAVOURITE", "hunter2")
    ran = run("db", "doctor")
    assert ran.code == 0
    assert "warn  settings     the environment variable PROMPTDB_FAVOURITE is not a setting" in ran.out
    assert "hunter2" not in ran.out


def test_the_keys_of_its_json_are_frozen(run: Run, synced: Path) -> None:
    ran = run("db", "doctor", "--json")
    assert ran.code == 0
    assert keys(ran.json) == {"healthy": None, "findings": [dict.fromkeys(("level", "check", "detail", "remedy"))]}
    assert ran.json["healthy"] is True
