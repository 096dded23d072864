"""What looks after a registry, where its blobs are in a bucket: verify, repair, gc, copies and the doctor, on a real server."""

import hashlib
import shutil
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from minio import Minio
from registries import NewRegistry, dump, on_sqlite, rows, s3_settings, settings_for, write
from repositories import Git, commit_all
from s3 import ACCESS_KEY, SECRET_KEY, S3Server

from promptdb.blobs.s3.http import RetryingPool
from promptdb.blobs.store import BlobStore
from promptdb.db.registry_id import registry_id
from promptdb.domain.blob import Blob, object_key
from promptdb.domain.plan import Policy
from promptdb.errors import Guard, IntegrityFailure, StorageError
from promptdb.maintenance.doctor.blobs import examine_blobs
from promptdb.maintenance.gc import collect_garbage
from promptdb.maintenance.repair import other_store, repaired
from promptdb.maintenance.verify import Verified, verify
from promptdb.project.load import load_tree
from promptdb.service import PromptService
from promptdb.settings import AppSettings
from promptdb.sync.sync_tree import sync_tree
from promptdb.transfer.copy import copy_registry, import_file
from promptdb.transfer.export import export_registry

pytestmark = [on_sqlite, pytest.mark.usefixtures("backend")]

FILES: dict[str, str | bytes] = {"a/rich.txt": "---\nassets: [{path: _x.csv}]\n---\nHello", "a/_x.csv": b"a,b\n" * 50}


@dataclass
class Backdoor:
    """To the objects of a bucket, past the store."""

    client: Minio
    bucket: str

    def read(self, key: str) -> bytes:
        with self.client.get_object(self.bucket, key) as answer:
            return answer.read()

    def write(self, key: str, data: bytes) -> None:
        self.client.put_object(self.bucket, key, BytesIO(data), len(data))

    def flip(self, key: str) -> None:
        data = self.read(key)
        self.write(key, data[:-1] + bytes([data[-1] ^ 1]))

    def truncate(self, key: str) -> None:
        self.write(key, self.read(key)[:-1])

    def delete(self, key: str) -> None:
        self.client.remove_object(self.bucket, key)

    def begin_upload(self) -> None:
        """In parts, as a killed process leaves it."""
        self.client._create_multipart_upload(self.bucket, "sha256/00/half", {})

    def keys(self) -> set[str]:
        return {item.object_name or "" for item in self.client.list_objects(self.bucket, recursive=True)}


@pytest.fixture
def client(s3_server: S3Server) -> Minio:
    return Minio(s3_server.endpoint, ACCESS_KEY, SECRET_KEY, secure=False, region="us-east-1")


@pytest.fixture
def settings(database_url: str, tmp_path: Path, tree: Path, s3_server: S3Server) -> AppSettings:
    return settings_for(database_url, tmp_path, **s3_settings(s3_server))


@pytest.fixture
def synced(service: PromptService, tree: Path, git: Git) -> PromptService:
    """A prompt with an asset, from a commit."""
    write(tree, FILES)
    commit_all(git)
    sync_tree(service.registry, load_tree(service.settings), Policy())
    return service


@pytest.fixture
def objects(synced: PromptService, client: Minio) -> Backdoor:
    return Backdoor(client, synced.blobs.bucket)


def keys_of_rows(service: PromptService) -> list[str]:
    """Of the bundle and of the asset."""
    bundle, asset = (row["object_key"] for row in rows(service.engine, "prompt_assets"))
    return [bundle, asset]


def told(found: Verified) -> list[tuple[str, str]]:
    return [(finding.code.value, finding.subject) for finding in found.findings]


def repair(service: PromptService, other: BlobStore | None = None) -> Verified:
    return repaired(service.registry, service.settings, verify(service.registry, full=True), other)


# Verify and repair


def test_a_sound_registry_has_no_findings(synced: PromptService, objects: Backdoor) -> None:
    found = verify(synced.registry, full=True)
    assert (found.findings, found.blobs, found.unnamed) == ((), 2, 0)
    with synced.engine.connect() as connection:
        assert objects.keys() == {*keys_of_rows(synced), f"registries/{registry_id(connection)}"}


def test_each_row_has_the_key_of_its_object(synced: PromptService, objects: Backdoor, tree: Path) -> None:
    """Also where one sync stores hundreds of bundles."""
    write(tree, {f"more/n{number}.txt": f"Number {number}\n" for number in range(300)})
    assert len(sync_tree(synced.registry, load_tree(synced.settings), Policy()).plan.changes) == 300
    found = {row["object_key"]: row for row in rows(synced.engine, "prompt_assets")}
    assert {key for key in set(objects.keys()) if not key.startswith("registries/")} == found.keys()
    for key, row in found.items():
        data = objects.read(key)
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (row["checksum_sha256"], row["byte_size"])


@pytest.mark.parametrize(
    ("damage", "code", "is_seen_quickly", "refusal"),
    [
        ("flip", "V404", False, IntegrityFailure),
        ("truncate", "V403", True, IntegrityFailure),
        ("delete", "V402", True, StorageError),
    ],
)
def test_damage_is_named_refused_and_mended(
    synced: PromptService,
    objects: Backdoor,
    tmp_path: Path,
    damage: str,
    code: str,
    is_seen_quickly: bool,
    refusal: type[Exception],
) -> None:
    keys = keys_of_rows(synced)
    intact, before = [objects.read(key) for key in keys], dump(synced.engine)
    for key in keys:
        getattr(objects, damage)(key)
    expected = sorted((code, f"blob sha256:{key.rpartition('/')[2]}") for key in keys)
    of_the_store = [("V401", f"minio {objects.bucket}")] if damage == "delete" else []
    assert told(verify(synced.registry)) == (of_the_store + expected if is_seen_quickly else [])
    assert told(verify(synced.registry, full=True)) == of_the_store + expected
    with pytest.raises(refusal):
        read_asset(synced)
    with pytest.raises(refusal):
        export_registry(synced.registry, tmp_path / "all.zip")
    found = repair(synced)
    assert (found.findings, len(found.repaired)) == ((), 2)
    assert [objects.read(key) for key in keys] == intact
    assert read_asset(synced) == FILES["a/_x.csv"]
    assert verify(synced.registry, full=True).findings == ()
    assert dump(synced.engine) == before


def test_blobs_that_are_replaced_are_deleted_in_one_request(
    synced: PromptService, objects: Backdoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in keys_of_rows(synced):
        objects.flip(key)
    found = verify(synced.registry, full=True)
    asked: list[str] = []
    urlopen = RetryingPool.urlopen

    def counting(pool: RetryingPool, method: str, url: str, **options: Any) -> Any:
        asked.append(f"{method} {url.partition('?')[2]}")
        return urlopen(pool, method, url, **options)

    monkeypatch.setattr(RetryingPool, "urlopen", counting)
    assert len(repaired(synced.registry, synced.settings, found).repaired) == 2
    assert [request for request in asked if "delete" in request.lower()] == ["POST delete="]


def read_asset(service: PromptService) -> bytes:
    with service.get("a/rich").asset("_x.csv") as stream:
        return stream.read()


@pytest.mark.parametrize("source", ["git", "local", "minio"])
def test_an_asset_whose_file_is_gone_is_put_back_from_elsewhere(
    synced: PromptService,
    objects: Backdoor,
    tree: Path,
    new_registry: NewRegistry,
    source: str,
) -> None:
    asset = keys_of_rows(synced)[1]
    other = None
    if source != "git":
        other = new_registry(store_kind=source).blobs
        other.put_all([Blob.of(objects.read(asset))])
        shutil.rmtree(synced.settings.base / ".git")
    shutil.rmtree(tree)
    objects.delete(asset)
    assert repair(synced, other).findings == ()
    assert objects.read(asset) == FILES["a/_x.csv"]


def test_a_bucket_to_take_blobs_from_is_named_by_settings(
    settings: AppSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        'storage_backend = "minio"\nminio_secure = false\n'
        f'minio_endpoint = "{settings.minio_endpoint}"\nminio_bucket = "{settings.minio_bucket}"\n'
    )
    write(tmp_path, {"other/promptdb.toml": text})
    monkeypatch.setenv("PROMPTDB_MINIO_ACCESS_KEY", ACCESS_KEY)
    monkeypatch.setenv("PROMPTDB_MINIO_SECRET_KEY", SECRET_KEY)
    found = other_store(tmp_path / "other")
    assert found.place == f"http://{settings.minio_endpoint}/{settings.minio_bucket}"
    assert list(found.list()) == []


def test_the_bucket_of_another_registry_is_told_and_not_written_to(
    synced: PromptService, objects: Backdoor, new_registry: NewRegistry
) -> None:
    other = new_registry(store_kind="minio")
    other.register_text("of/another", "x")
    before = {blob.digest for blob in other.blobs.list()}
    mixed = synced.settings.model_copy(update={"minio_bucket": other.blobs.bucket})
    wrong = PromptService(mixed)
    assert told(verify(wrong.registry))[0] == ("V401", f"minio {other.blobs.bucket}")
    with pytest.raises(Guard, match="another registry"):
        repair(wrong)
    with pytest.raises(Guard, match="another registry"):
        collect_garbage(wrong.registry, timedelta(0), 100, delete=True)
    wrong.close()
    assert {blob.digest for blob in other.blobs.list()} == before


# Garbage


def test_garbage_is_counted_and_then_removed_with_uploads_that_never_ended(
    synced: PromptService, objects: Backdoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    garbage = Blob.of(b"nobody needs this")
    synced.blobs.put_all([garbage])
    objects.begin_upload()
    objects.write("notes.txt", b"of somebody else")
    before = objects.keys()
    found = collect_garbage(synced.registry, timedelta(0), 50)
    assert (found.blobs, found.garbage, found.examples, found.unfinished) == (3, 1, (garbage.digest,), 0)
    assert objects.keys() == before
    monkeypatch.setattr("promptdb.maintenance.gc._UPLOAD", timedelta(hours=-1))  # as if it were an hour later
    found = collect_garbage(synced.registry, timedelta(hours=-1), 50, delete=True)
    assert (found.deleted, found.deleted_bytes, found.unfinished) == (1, garbage.size, 1)
    assert objects.keys() == before - {object_key(garbage.digest)}
    assert collect_garbage(synced.registry, timedelta(hours=-1), 50).unfinished == 0
    assert verify(synced.registry, full=True).findings == ()


# Copies


def test_a_registry_comes_back_from_a_bucket_as_it_went(
    synced: PromptService, new_registry: NewRegistry, tmp_path: Path
) -> None:
    """From S3 to a folder, to S3 again and to a file: what rows and blobs say is the same everywhere."""
    synced.promote("a/rich", "production")
    folder, bucket, filed = new_registry(), new_registry(store_kind="minio"), new_registry(store_kind="minio")
    copy_registry(synced.registry, folder.registry)
    copy_registry(folder.registry, bucket.registry)
    export_registry(bucket.registry, tmp_path / "all.zip")
    import_file(filed.registry, tmp_path / "all.zip")
    for service in (folder, bucket, filed):
        assert apart_from_place(service) == apart_from_place(synced)
        assert {blob.digest for blob in service.blobs.list()} == {blob.digest for blob in synced.blobs.list()}
        assert verify(service.registry, full=True).findings == ()
        places = {(row["storage_backend"], row["bucket"]) for row in rows(service.engine, "prompt_assets")}
        assert places == {(service.blobs.backend, service.blobs.bucket)}
    assert copy_registry(folder.registry, bucket.registry).is_empty


def apart_from_place(service: PromptService) -> dict[str, list[dict[str, Any]]]:
    """Every row, without what says which registry it is and where its blobs are."""
    found = dump(service.engine)
    for own in ("registries", "generations", "prompt_changes"):
        del found[own]
    for row in found["prompt_assets"]:
        del row["storage_backend"], row["bucket"]
    return found


def test_a_copy_from_a_damaged_bucket_writes_no_row(
    synced: PromptService, objects: Backdoor, new_registry: NewRegistry
) -> None:
    objects.flip(keys_of_rows(synced)[1])
    target = new_registry()
    with pytest.raises(IntegrityFailure):
        copy_registry(synced.registry, target.registry)
    assert target.list_prompts(archived=True) == []


# The doctor


def levels(settings: AppSettings) -> dict[str, str]:
    return {finding.check: finding.level.value for finding in examine_blobs(settings)}


def test_the_doctor_finds_a_bucket_in_good_health_and_leaves_it_as_it_was(
    synced: PromptService, objects: Backdoor
) -> None:
    before = objects.keys()
    assert levels(synced.settings) == {"clock": "ok", "blobs": "ok", "owners": "ok"}
    assert objects.keys() == before


def test_the_doctor_warns_of_a_bucket_that_is_missing_and_makes_none(settings: AppSettings, client: Minio) -> None:
    assert levels(settings) == {"clock": "ok", "blobs": "warn", "owners": "ok"}
    assert not client.bucket_exists(str(settings.minio_bucket))


def test_the_doctor_tells_of_a_server_that_is_down(settings: AppSettings) -> None:
    down = settings.model_copy(update={"minio_endpoint": "127.0.0.1:1"})
    [found] = examine_blobs(down)
    assert (found.check, found.level.value) == ("blobs", "fail")
    assert "nothing listens at 127.0.0.1:1" in found.detail
