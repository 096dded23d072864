"""Blobs as files: what goes in comes out unchanged or not at all, and no key ever holds half a blob."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

import pytest
from workers import killed_at, put_blobs, together

from promptdb.blobs.local import LocalBlobStore
from promptdb.blobs.store import BlobStore
from promptdb.domain.blob import Blob, object_key
from promptdb.domain.digest import digest_of
from promptdb.errors import IntegrityFailure, StorageError

HELLO = b"hello\n"
DIGEST = digest_of(HELLO)


@pytest.fixture
def store(tmp_path: Path) -> LocalBlobStore:
    return LocalBlobStore(tmp_path / "blobs")


blob = Blob.of


def files(store: LocalBlobStore) -> dict[str, bytes]:
    """Every file below the root, by its path."""
    return {str(p.relative_to(store.root)): p.read_bytes() for p in store.root.rglob("*") if p.is_file()}


def test_bytes_that_do_not_have_their_digest_are_refused_and_so_is_all_that_came_with_them(
    store: LocalBlobStore,
) -> None:
    with pytest.raises(IntegrityFailure, match=f"the bytes for {DIGEST} have another digest"):
        store.put_all([blob(b"good"), Blob(DIGEST, 6, Blob.of(b"other bytes").open), blob(b"never read")])
    assert files(store) == {}


def test_a_blob_that_cannot_be_read_is_a_storage_error_and_nothing_is_stored(
    store: LocalBlobStore, tmp_path: Path
) -> None:
    with pytest.raises(StorageError, match="No such file"):
        store.put_all([blob(b"good"), Blob(DIGEST, 6, partial((tmp_path / "missing").open, "rb"))])
    assert files(store) == {}


@pytest.mark.parametrize("change", [b"", b"jello\n"], ids=["empty", "one bit"])
def test_a_blob_that_was_changed_on_disk_is_mended_where_its_bytes_are_put_again(
    store: LocalBlobStore, change: bytes
) -> None:
    store.put_all([blob(HELLO)])
    (store.root / object_key(DIGEST)).write_bytes(change)
    store.put_all([blob(HELLO)])
    assert store.get(DIGEST) == HELLO


def test_a_blob_that_is_there_is_left_alone_and_its_bytes_are_not_even_read(store: LocalBlobStore) -> None:
    store.put_all([blob(HELLO)])
    path = store.root / object_key(DIGEST)
    before = path.stat()

    def read() -> BinaryIO:
        raise AssertionError("was read")

    store.put_all([Blob(DIGEST, 6, read)])
    after = path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_folder_that_was_made_a_link_leads_nowhere(store: LocalBlobStore, tmp_path: Path) -> None:
    """Somebody who can write to the store must not be able to make us read outside of it."""
    store.put_all([blob(b"another")])
    outside = tmp_path / "outside"
    (outside / DIGEST[7:9]).mkdir(parents=True)
    (outside / DIGEST[7:9] / DIGEST[7:]).write_bytes(HELLO)
    (store.root / "sha256" / DIGEST[7:9]).symlink_to(outside / DIGEST[7:9])
    with pytest.raises(StorageError, match="leads outside"):
        store.get(DIGEST)


@pytest.mark.parametrize("blocker", ["blobs", "blobs/tmp", "blobs/sha256", f"blobs/sha256/{DIGEST[7:9]}"])
def test_a_file_in_place_of_a_folder_is_a_storage_error(store: LocalBlobStore, tmp_path: Path, blocker: str) -> None:
    (tmp_path / blocker).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / blocker).write_text("in the way")
    with pytest.raises(StorageError, match="cannot write blobs below"):
        store.put_all([blob(HELLO)])
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [Path(blocker).name]


def test_a_folder_in_place_of_a_blob_is_a_storage_error(store: LocalBlobStore) -> None:
    (store.root / object_key(DIGEST)).mkdir(parents=True)
    assert store.size(DIGEST) is None
    with pytest.raises(StorageError, match="cannot read the blob"):
        store.get(DIGEST)


def test_a_pipe_in_place_of_a_blob_keeps_nobody_waiting(store: LocalBlobStore) -> None:
    path = store.root / object_key(DIGEST)
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    with pytest.raises(StorageError, match=r"Invalid argument|not a regular file"):
        store.get(DIGEST)


def test_temporary_files_do_not_stay_behind(store: LocalBlobStore) -> None:
    store.put_all(blob(f"{number}".encode()) for number in range(40))
    assert list((store.root / "tmp").iterdir()) == []


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """The nearest to a full disk that needs no rights: a write stops at this size, the next one fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_blob_that_could_be_written_only_in_part_is_an_error_and_not_a_blob(store: LocalBlobStore) -> None:
    data = os.urandom(10_000)
    with file_size_limit(4096), pytest.raises(StorageError, match="cannot write blobs"):
        store.put_all([blob(b"small"), blob(data)])
    assert files(store) == {}
    store.put_all([blob(data)])
    assert store.get(digest_of(data)) == data


@pytest.mark.slow
def test_eight_processes_put_the_same_blobs_at_once(store: LocalBlobStore) -> None:
    texts = [f"blob {number}".encode() * 100 for number in range(50)]
    assert together(put_blobs, [(store.root, texts)] * 8) == ["put"] * 8
    assert files(store) == {object_key(digest_of(text)): text for text in texts}


@pytest.mark.slow
@pytest.mark.parametrize(("count", "stride"), [(4, 3), (40, 29)], ids=["made durable one by one", "all at once"])
def test_a_kill_at_any_step_leaves_no_half_written_key(tmp_path: Path, count: int, stride: int) -> None:
    texts = [f"blob {number}".encode() * 1000 for number in range(count)]
    whole = {object_key(digest_of(text)): text for text in texts}
    step, was_killed = 1, True
    while was_killed:
        store = LocalBlobStore(tmp_path / f"step-{step}")
        was_killed = killed_at(step, put_blobs, store.root, texts)
        kept = {path: data for path, data in files(store).items() if not path.startswith("tmp/")}
        assert kept.items() <= whole.items(), f"killed at step {step}"
        assert was_killed or kept == whole
        put_blobs(store.root, texts)
        assert files(store).items() >= whole.items()
        step += stride
    assert step > 3 * count, "too few steps were seen"


def test_a_local_store_is_a_blob_store_that_says_where_it_is(tmp_path: Path) -> None:
    store: BlobStore = LocalBlobStore(tmp_path / "blobs")
    assert (store.backend, store.bucket) == ("local", "blobs")
