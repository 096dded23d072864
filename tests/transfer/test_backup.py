"""Backups as docs/storage.md has them, restored for real: what is lost, what comes back, and what is told."""

import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from postgres import _binaries
from registries import NewRegistry, dump, on_postgresql, on_sqlite, settings_for

from promptdb.db.engine import reading
from promptdb.db.identity import registry_id
from promptdb.domain.plan import Policy
from promptdb.errors import StorageError
from promptdb.service import PromptService
from promptdb.sync.source import load_tree
from promptdb.sync.tree import sync_tree
from promptdb.transfer.copy import import_file
from promptdb.transfer.export import export_registry


def backed_up(service: PromptService, file: Path) -> Path:
    """The database as it is now, while it is in use."""
    with closing(sqlite3.connect(str(service.engine.url.database))) as connection:
        connection.execute("VACUUM INTO ?", (str(file),))
    return file


def restored(file: Path, blobs: Path) -> PromptService:
    return PromptService(settings_for(f"sqlite:///{file}", file.parent, blob_root=blobs))


@on_sqlite
def test_a_database_older_than_the_blobs_is_synced_to_equal_ids(filled_tree: PromptService, tmp_path: Path) -> None:
    backup = backed_up(filled_tree, tmp_path / "backup.sqlite3")
    tree = filled_tree.settings.prompts_path
    (tree / "a/one.txt").write_text("after the backup")
    sync_tree(filled_tree.registry, load_tree(filled_tree.settings), Policy())
    newest = filled_tree.resolve("a/one").version
    service = restored(backup, filled_tree.settings.blob_path)
    assert service.resolve("a/one").version.revision == newest.revision - 1
    sync_tree(service.registry, load_tree(service.settings), Policy())
    again = service.resolve("a/one").version
    assert (again.id, again.revision, again.spec_hash) == (newest.id, newest.revision, newest.spec_hash)
    export_registry(service.registry, tmp_path / "all.zip")  # every blob is there
    service.close()


@on_sqlite
def test_blobs_older_than_the_database_serve_nothing_wrong_and_are_put_back(
    filled: PromptService, tmp_path: Path
) -> None:
    older = shutil.copytree(filled.settings.blob_path, tmp_path / "older")
    filled.register_text("by/hand", "after the blobs were copied")
    export_registry(filled.registry, tmp_path / "all.zip")
    service = restored(backed_up(filled, tmp_path / "backup.sqlite3"), older)
    assert service.resolve("by/hand").spec.template == "after the blobs were copied"  # rows have the text
    with pytest.raises(StorageError, match="is not in"):
        export_registry(service.registry, tmp_path / "again.zip")
    received = import_file(service.registry, tmp_path / "all.zip")
    assert (received.merged.rows, received.blobs) == (0, 1)
    export_registry(service.registry, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == (tmp_path / "all.zip").read_bytes()
    service.close()


@on_sqlite
def test_a_database_with_the_store_of_another_registry_is_no_owner_of_it(
    filled: PromptService, new_registry: NewRegistry, tmp_path: Path
) -> None:
    other = new_registry()
    other.register_text("of/another", "x")
    with reading(other.engine) as connection:
        other.blobs.claim(registry_id(connection))
    service = restored(backed_up(filled, tmp_path / "backup.sqlite3"), other.settings.blob_path)
    with reading(service.engine) as connection:
        own = registry_id(connection)
    assert service.blobs.owners()
    assert own not in service.blobs.owners()
    with pytest.raises(StorageError, match="is not in"):
        export_registry(service.registry, tmp_path / "all.zip")
    service.close()


@on_postgresql
def test_a_dump_of_postgresql_restores_every_row(
    filled: PromptService, new_registry: NewRegistry, tmp_path: Path
) -> None:
    binaries = _binaries()
    if binaries is None or not (binaries / "pg_dump").is_file() or not (binaries / "psql").is_file():
        pytest.skip("these binaries of PostgreSQL have no pg_dump")
    script = tmp_path / "backup.sql"
    source = filled.settings.database_url.get_secret_value()
    script.write_bytes(subprocess.run([binaries / "pg_dump", source], check=True, capture_output=True).stdout)
    target = new_registry("postgresql")
    url = target.settings.database_url.get_secret_value()
    with target.engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE; CREATE SCHEMA public"))
    command = [binaries / "psql", "--quiet", "--set=ON_ERROR_STOP=1", f"--file={script}", url]
    subprocess.run(command, check=True, capture_output=True)
    assert dump(target.engine) == dump(filled.engine)
    target.register_text("by/hand", "and goes on")
