"""Backups as docs/operations.md has them, restored for real: what is lost, what comes back, and what is told."""

import shutil
import sqlite3
import subprocess
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from postgres import PostgresServer, _binaries
from registries import NewRegistry, dump, on_postgresql, on_sqlite, settings_for, write
from transfers import RICH

from promptdb.domain.integrity import IntegrityCode
from promptdb.domain.plan import Policy
from promptdb.errors import Guard, StorageError
from promptdb.maintenance.doctor.blobs import examine_blobs
from promptdb.maintenance.doctor.finding import Level
from promptdb.maintenance.gc import collect_garbage
from promptdb.maintenance.repair import repaired
from promptdb.maintenance.verify import verify
from promptdb.project.load import load_tree
from promptdb.service import PromptService
from promptdb.sync.sync_tree import sync_tree
from promptdb.transfer.copy import import_file
from promptdb.transfer.export import export_registry

pytestmark = pytest.mark.slow


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
    newest = filled_tree.get("a/one").version
    service = restored(backup, filled_tree.settings.blob_path)
    assert service.get("a/one").version.revision == newest.revision - 1
    found = verify(service.registry, full=True)
    assert (found.findings, found.unnamed) == ((), 1)
    assert collect_garbage(service.registry, timedelta(hours=24), 50, delete=True).deleted == 0  # stored too recently
    sync_tree(service.registry, load_tree(service.settings), Policy())
    again = service.get("a/one").version
    assert (again.id, again.revision, again.spec_hash) == (newest.id, newest.revision, newest.spec_hash)
    found = verify(service.registry, full=True)
    assert (found.findings, found.unnamed) == ((), 0)
    service.close()


@on_sqlite
@pytest.mark.parametrize("remedy", ["repair", "import", "newer blobs"])
def test_blobs_older_than_the_database_serve_nothing_wrong_and_are_put_back(
    filled_tree: PromptService, tmp_path: Path, remedy: str
) -> None:
    own = filled_tree.settings.blob_path
    older = shutil.copytree(own, tmp_path / "older")
    write(filled_tree.settings.prompts_path, {"rich.yaml": RICH.replace("1.0", "2.0"), "_data.csv": "c,d\n"})
    sync_tree(filled_tree.registry, load_tree(filled_tree.settings), Policy())
    export_registry(filled_tree.registry, tmp_path / "all.zip")
    service = restored(backed_up(filled_tree, tmp_path / "backup.sqlite3"), older)
    missing = {blob.digest for blob in filled_tree.blobs.list()} - {blob.digest for blob in service.blobs.list()}
    assert len(missing) == 2  # a bundle and an asset
    assert {(finding.code, finding.digest) for finding in verify(service.registry).findings} == {
        (IntegrityCode.BLOB_MISSING, digest) for digest in missing
    }
    prompt = service.get("rich")
    assert prompt.spec.template == "hi"  # rows have the text
    with pytest.raises(StorageError, match="is not in"):
        prompt.asset("_data.csv")
    with pytest.raises(StorageError, match="is not in"):
        export_registry(service.registry, tmp_path / "again.zip")
    if remedy == "repair":
        assert set(repaired(service.registry, service.settings, verify(service.registry)).repaired) == missing
    elif remedy == "import":
        received = import_file(service.registry, tmp_path / "all.zip")
        assert (received.written.rows, received.blobs) == (0, 2)
    else:
        shutil.copytree(own, older, dirs_exist_ok=True)
    assert verify(service.registry, full=True).findings == ()
    with prompt.asset("_data.csv") as stream:
        assert stream.read() == b"c,d\n"
    export_registry(service.registry, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == (tmp_path / "all.zip").read_bytes()
    service.close()


@on_sqlite
def test_a_database_with_the_store_of_another_registry_is_told_and_the_store_left_alone(
    filled: PromptService, new_registry: NewRegistry, tmp_path: Path
) -> None:
    other = new_registry()
    other.register_text("of/another", "x")
    before = set(other.blobs.list())
    service = restored(backed_up(filled, tmp_path / "backup.sqlite3"), other.settings.blob_path)
    assert verify(service.registry).findings[0].code is IntegrityCode.WRONG_STORE
    [owners] = [finding for finding in examine_blobs(service.settings) if finding.check == "owners"]
    assert owners.level is Level.FAIL
    with pytest.raises(Guard, match="another registry"):
        repaired(service.registry, service.settings, verify(service.registry))
    with pytest.raises(Guard, match="another registry"):
        collect_garbage(service.registry, timedelta(0), 100, delete=True)
    with pytest.raises(StorageError, match="is not in"):
        export_registry(service.registry, tmp_path / "all.zip")
    service.close()
    assert set(other.blobs.list()) == before
    assert verify(other.registry, full=True).findings == ()


@on_postgresql
def test_a_dump_of_postgresql_restores_every_row(
    filled: PromptService, postgres: PostgresServer, tmp_path: Path
) -> None:
    binaries = _binaries()
    if binaries is None or not all((binaries / name).is_file() for name in ("pg_dump", "pg_restore")):
        pytest.skip("these binaries of PostgreSQL have no pg_dump")
    source, file = filled.settings.database_url.get_secret_value(), tmp_path / "backup.dump"
    subprocess.run([binaries / "pg_dump", "--format=custom", f"--file={file}", source], check=True)
    url = postgres.url(postgres.create_database())
    subprocess.run([binaries / "pg_restore", f"--dbname={url}", file], check=True)
    service = PromptService(settings_for(url, tmp_path))
    assert dump(service.engine) == dump(filled.engine)
    assert verify(service.registry, full=True).findings == ()  # schema and triggers, too
    service.register_text("by/hand", "and goes on")
    service.close()
