"""A sync to each kind of blob store: blobs before rows, and no rows without blobs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from registries import rows, settings_for, write

from promptdb.domain.blob import object_key
from promptdb.domain.digest import Digest
from promptdb.domain.plan import Policy
from promptdb.errors import StorageError
from promptdb.project.load import load_tree
from promptdb.service import PromptService
from promptdb.settings import AppSettings
from promptdb.sync.apply import Applied
from promptdb.sync.sync_tree import sync_tree

FILES: dict[str, str | bytes] = {
    **{f"many/p{number}.txt": f"Text {number}" for number in range(40)},
    "data/grade.yaml": "template: Grade\nassets: [{path: _rows.csv, kind: example_dataset}]\n",
    "data/_rows.csv": b"a,b\n",
}


@pytest.fixture
def settings(database_url: str, tmp_path: Path, tree: Path, blob_settings: dict[str, Any]) -> AppSettings:
    return settings_for(database_url, tmp_path, **blob_settings)


@pytest.fixture
def without_store(settings: AppSettings) -> Iterator[PromptService]:
    """Of the same database, with a store that refuses us."""
    (settings.base / "a-file").write_text("in the way")
    broken = settings.model_copy(update={"minio_secret_key": SecretStr("wrong"), "blob_root": Path("a-file")})
    opened = PromptService(broken)
    yield opened
    opened.close()


def synced(service: PromptService, **more: Any) -> Applied:
    return sync_tree(service.registry, load_tree(service.settings), Policy(), **more)


def test_each_row_of_a_blob_says_where_it_is_and_there_it_is(service: PromptService, tree: Path) -> None:
    write(tree, FILES)
    assert len(synced(service).plan.changes) == 41
    found = rows(service.engine, "prompt_assets")
    assert len(found) == 42
    sizes = {object_key(item.digest): item.size for item in service.blobs.list()}
    assert {row["object_key"]: row["byte_size"] for row in found} == sizes
    assert {(row["storage_backend"], row["bucket"]) for row in found} == {(service.blobs.backend, service.blobs.bucket)}
    [asset] = [row for row in found if row["kind"] == "example_dataset"]
    assert service.blobs.get(Digest(f"sha256:{asset['checksum_sha256']}")) == b"a,b\n"


def test_a_second_sync_uploads_and_writes_nothing(service: PromptService, tree: Path) -> None:
    write(tree, FILES)
    synced(service)
    before = sorted(service.blobs.list(), key=lambda item: item.digest)
    assert not synced(service).plan.changes
    assert sorted(service.blobs.list(), key=lambda item: item.digest) == before


def test_progress_ends_at_all_blobs_of_all(service: PromptService, tree: Path) -> None:
    write(tree, FILES)
    told: list[tuple[int, int]] = []
    synced(service, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (42, 42)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_a_store_that_fails_leaves_the_registry_as_it_was(
    service: PromptService, without_store: PromptService, tree: Path
) -> None:
    write(tree, FILES)
    with pytest.raises(StorageError):
        synced(without_store)
    assert rows(service.engine, "prompt_versions") == []
    assert len(synced(service).plan.changes) == 41
