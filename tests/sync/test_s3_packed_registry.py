"""A registry with so many prompts that their bundles lie in packs: what looks after it, on a real S3 server."""

from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from cells import fill
from minio import Minio
from registries import NewRegistry, dump, on_sqlite, s3_settings, settings_for
from s3 import ACCESS_KEY, SECRET_KEY, S3Server

from promptdb.blobs.pack import FEW
from promptdb.blobs.store import Blob
from promptdb.domain.plan import Policy
from promptdb.errors import IntegrityFailure, StorageError
from promptdb.service import PromptService
from promptdb.settings import AppSettings
from promptdb.sync.blob_gc import collect_garbage
from promptdb.sync.doctor.blobs import examine_blobs
from promptdb.sync.repair import repaired
from promptdb.sync.source import load_tree
from promptdb.sync.tree import sync_tree
from promptdb.sync.verify import verify
from promptdb.transfer.copy import copy_registry, import_file
from promptdb.transfer.export import export_registry

pytestmark = [on_sqlite, pytest.mark.usefixtures("backend")]

VERSIONS = FEW + 3
BLOBS = VERSIONS + 3
"""With the assets."""


@pytest.fixture
def settings(database_url: str, tmp_path: Path, tree: Path, s3_server: S3Server) -> AppSettings:
    return settings_for(database_url, tmp_path, **s3_settings(s3_server))


@pytest.fixture
def synced(service: PromptService, tree: Path) -> PromptService:
    fill(tree, 1, more=FEW)
    sync(service)
    return service


@pytest.fixture
def client(s3_server: S3Server) -> Minio:
    return Minio(s3_server.endpoint, ACCESS_KEY, SECRET_KEY, secure=False, region="us-east-1")


def sync(service: PromptService) -> int:
    return len(sync_tree(service.registry, load_tree(service.settings), Policy()).plan.changes)


def packs(client: Minio, service: PromptService) -> dict[str, bytes]:
    found = {}
    for item in client.list_objects(service.blobs.bucket, prefix="packs/", recursive=True):
        with client.get_object(service.blobs.bucket, item.object_name or "") as answer:
            found[item.object_name or ""] = answer.read()
    return found


def require_whole(service: PromptService) -> None:
    found = verify(service.registry, full=True)
    assert (found.findings, found.unnamed) == ((), 0)


def test_a_sync_of_many_prompts_makes_one_pack_and_the_next_ones_none(
    synced: PromptService, client: Minio, tree: Path
) -> None:
    assert len(packs(client, synced)) == 1
    found = verify(synced.registry)
    assert (found.findings, found.blobs, found.unnamed) == ((), BLOBS, 0)
    require_whole(synced)
    assert sync(synced) == 0
    (tree / "more" / "n0.txt").write_text("edited")
    assert sync(synced) == 1
    assert len(packs(client, synced)) == 1
    require_whole(synced)
    assert {finding.level.value for finding in examine_blobs(synced.settings)} == {"ok"}


def flipped(data: bytes) -> bytes:
    place = data.index(b"edition 1")
    return data[:place] + b"E" + data[place + 1 :]


@pytest.mark.parametrize(
    ("damage", "code", "number"),
    [(flipped, "V404", 1), (lambda data: data[:-100], "V402", VERSIONS), (lambda _: None, "V402", VERSIONS)],
    ids=["a bit", "cut", "deleted"],
)
def test_damage_of_a_pack_is_named_refused_and_mended(
    synced: PromptService,
    client: Minio,
    tmp_path: Path,
    damage: Callable[[bytes], bytes | None],
    code: str,
    number: int,
) -> None:
    [(key, intact)] = packs(client, synced).items()
    before = dump(synced.engine)
    if (data := damage(intact)) is not None:
        client.put_object(synced.blobs.bucket, key, BytesIO(data), len(data))
    else:
        client.remove_object(synced.blobs.bucket, key)
    found = verify(synced.registry, full=True)
    assert [finding.code.value for finding in found.findings] == [code] * number
    with pytest.raises((IntegrityFailure, StorageError)):
        export_registry(synced.registry, tmp_path / "all.zip")
    mended = repaired(synced.registry, synced.settings, found)
    assert (mended.findings, len(mended.repaired)) == ((), number)
    require_whole(synced)
    assert dump(synced.engine) == before
    assert sync(synced) == 0


def test_two_packs_of_syncs_that_overlapped_are_as_good_as_the_better_one(
    synced: PromptService, client: Minio, tmp_path: Path
) -> None:
    [(_, intact)] = packs(client, synced).items()
    for name in ("0" * 64, "f" * 64):  # before and after it
        data = flipped(intact)
        client.put_object(synced.blobs.bucket, f"packs/{name}.zip", BytesIO(data), len(data))
    again = PromptService(synced.settings)
    export_registry(again.registry, tmp_path / "all.zip")
    require_whole(again)
    export_registry(again.registry, tmp_path / "all.zip")
    again.close()


def test_a_pack_of_a_sync_that_was_cut_off_is_garbage_unless_another_one_needs_it(
    synced: PromptService, client: Minio, tree: Path
) -> None:
    needed = packs(client, synced)
    others = [Blob.of(f"nobody needs {number}".encode(), packable=True) for number in range(FEW)]
    synced.blobs.put_all(others)
    found = collect_garbage(synced.registry, timedelta(hours=-1), 100, delete=True)
    assert (found.blobs, found.garbage, found.deleted) == (BLOBS + FEW, FEW, FEW)
    assert packs(client, synced) == needed
    require_whole(synced)


def test_garbage_in_a_pack_with_what_is_needed_goes_and_the_rest_stays(
    service: PromptService, client: Minio, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sync is cut off after its upload; some of its files are edited before it is done again."""
    fill(tree, 1, more=FEW)

    def cut_off(*_: object) -> None:
        raise InterruptedError

    with monkeypatch.context() as patch:
        patch.setattr("promptdb.sync.apply.write_run", cut_off)
        with pytest.raises(InterruptedError):
            sync(service)
    for number in range(10):
        (tree / "more" / f"n{number}.txt").write_text(f"edited {number}")
    assert sync(service) == VERSIONS
    assert len(packs(client, service)) == 2
    found = collect_garbage(service.registry, timedelta(hours=-1), 100, delete=True)
    assert (found.garbage, found.deleted) == (10, 10)
    require_whole(service)
    assert collect_garbage(service.registry, timedelta(hours=-1), 100).garbage == 0


def test_a_registry_comes_back_from_packs_as_it_went(
    synced: PromptService, client: Minio, new_registry: NewRegistry, tmp_path: Path
) -> None:
    folder, bucket, filed = new_registry(), new_registry(store_kind="minio"), new_registry(store_kind="minio")
    copy_registry(synced.registry, folder.registry)
    copy_registry(folder.registry, bucket.registry)
    export_registry(bucket.registry, tmp_path / "all.zip")
    import_file(filed.registry, tmp_path / "all.zip")
    for service in (folder, bucket, filed):
        assert {blob.digest for blob in service.blobs.list()} == {blob.digest for blob in synced.blobs.list()}
        require_whole(service)
    for service in (bucket, filed):
        assert len(packs(client, service)) == 1
    assert copy_registry(folder.registry, bucket.registry).is_empty
    assert copy_registry(bucket.registry, folder.registry).is_empty
