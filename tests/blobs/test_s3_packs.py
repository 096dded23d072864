"""Packs on a real S3 server: to whoever uses the store, a blob in a pack is a blob as any other."""

import threading
import zipfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from s3 import S3Server
from stores import S3Bucket, s3_bucket

from promptdb.blobs.local import LocalBlobStore
from promptdb.blobs.minio import MinioBlobStore
from promptdb.blobs.pack import FEW, MAX_BLOB, MAX_BLOBS, pack_of
from promptdb.blobs.s3_bucket import Bucket
from promptdb.blobs.store import Blob, BlobStore, object_key
from promptdb.domain.digest import Digest, digest_of
from promptdb.errors import IntegrityFailure, StorageError

SOME = {digest_of(data): data for data in (f"bundle {number}".encode() for number in range(FEW + 50))}
PACK = f"packs/{pack_of(SOME).name}"
ONE = next(iter(SOME))


@pytest.fixture
def bucket(s3_server: S3Server) -> S3Bucket:
    return s3_bucket(s3_server)


@pytest.fixture
def store(bucket: S3Bucket) -> MinioBlobStore:
    """With `SOME` in a pack."""
    bucket.store.put_all(bundles(SOME.values()))
    assert bucket.keys() == {PACK}
    return another(bucket)


def another(bucket: S3Bucket) -> MinioBlobStore:
    """The store as another process sees it."""
    return MinioBlobStore(bucket.store.address)


def bundles(data: Iterable[bytes]) -> list[Blob]:
    return [Blob.of(item, packable=True) for item in data]


def contents(store: BlobStore) -> dict[Digest, bytes]:
    return {item.digest: store.get(item.digest) for item in store.list()}


def test_what_was_put_is_got_back(store: MinioBlobStore) -> None:
    assert store.get(ONE) == SOME[ONE]
    assert store.size(ONE) == len(SOME[ONE])
    assert contents(store) == SOME
    assert all(abs(datetime.now(UTC) - item.modified) < timedelta(hours=1) for item in store.list())


def test_what_is_in_no_pack_is_missing(store: MinioBlobStore) -> None:
    missing = digest_of(b"missing")
    assert store.size(missing) is None
    with pytest.raises(StorageError, match=f"the blob {missing} is not in"):
        store.open(missing)


def test_many_packs_and_blobs_by_themselves(bucket: S3Bucket) -> None:
    small = [f"{number}".encode() for number in range(MAX_BLOBS + FEW)]
    large, assets = bytes(100_000), [f"asset {number}".encode() for number in range(40)]
    counts: list[int] = []
    bucket.store.put_all([*bundles([*small, large, small[0]]), *map(Blob.of, assets)], counts.append)
    assert sum(counts) == len(small) + 1 + 1 + len(assets)
    keys = bucket.keys()
    assert len([key for key in keys if key.startswith("packs/")]) == 2
    assert {key for key in keys if not key.startswith("packs/")} == {
        object_key(digest_of(data)) for data in (large, *assets)
    }
    there = {item.digest: item.size for item in another(bucket).list()}
    assert there == {digest_of(data): len(data) for data in (*small, large, *assets)}


def test_few_bundles_are_objects_of_their_own(bucket: S3Bucket) -> None:
    few = dict(list(SOME.items())[: FEW - 1])
    bucket.store.put_all(bundles(few.values()))
    assert bucket.keys() == set(map(object_key, few))


def test_what_is_an_object_already_is_in_no_pack_and_the_same_again_makes_no_other_pack(bucket: S3Bucket) -> None:
    bucket.store.put_all(bundles([SOME[ONE]]))
    for _ in range(2):
        bucket.store.put_all(bundles(SOME.values()))
        others = {digest: data for digest, data in SOME.items() if digest != ONE}
        assert bucket.keys() == {object_key(ONE), f"packs/{pack_of(others).name}"}


def test_a_blob_that_is_in_packs_and_by_itself_is_listed_once(store: MinioBlobStore, bucket: S3Bucket) -> None:
    store.put_all(bundles([SOME[ONE]]))
    bucket.write("packs/" + pack_of({ONE: SOME[ONE]}).name, pack_of({ONE: SOME[ONE]}).data)
    assert sorted(item.digest for item in store.list()) == sorted(SOME)
    store.delete([ONE])
    assert ONE not in {item.digest for item in store.list()}
    assert another(bucket).size(ONE) is None


@pytest.mark.parametrize("count", [1, 200, len(SOME) - 1])
def test_of_a_pack_some_blobs_can_be_deleted(store: MinioBlobStore, bucket: S3Bucket, count: int) -> None:
    left = dict(list(SOME.items())[count:])
    before = another(bucket)
    assert len(list(before.list())) == len(SOME)
    store.delete(list(SOME)[:count])
    for one in (store, another(bucket), before):
        assert one.size(ONE) is None
        assert contents(one) == left
    assert bucket.keys() == {f"packs/{pack_of(left).name}"}


def test_a_reader_finds_what_was_moved_to_another_pack_meanwhile(store: MinioBlobStore, bucket: S3Bucket) -> None:
    reader = another(bucket)
    list(reader.list())
    store.delete([ONE])
    other = list(SOME)[-1]
    assert reader.get(other) == SOME[other]
    with pytest.raises(StorageError, match="is not in"):
        reader.get(ONE)


def test_a_pack_of_which_all_is_deleted_is_gone(store: MinioBlobStore, bucket: S3Bucket) -> None:
    store.delete(SOME)
    assert bucket.keys() == set()
    assert list(store.list()) == []
    store.delete(SOME)


def test_many_blobs_of_a_pack_are_read_in_few_requests(store: MinioBlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = counted(monkeypatch)
    assert contents(store) == SOME
    assert len(asked) < 10


LIES = pack_of({digest: b"?" * len(data) for digest, data in SOME.items()})
"""A pack that claims to have the blobs, and has none of them."""


@pytest.mark.parametrize("has_listed", [True, False], ids=["after a list", "at once"])
@pytest.mark.parametrize("beside", [{object_key(ONE): b"?" * len(SOME[ONE])}, {f"packs/{LIES.name}": LIES.data}, {}])
@pytest.mark.parametrize("is_single", [True, False], ids=["by itself too", "in a pack"])
def test_one_intact_copy_is_enough_for_every_reader(
    store: MinioBlobStore, bucket: S3Bucket, beside: dict[str, bytes], *, is_single: bool, has_listed: bool
) -> None:
    if is_single and object_key(ONE) not in beside:
        store.put_all(bundles([SOME[ONE]]))
        bucket.client.remove_object(store.bucket, PACK)
    for key, data in beside.items():
        bucket.write(key, data)
    reader = another(bucket)
    if has_listed:
        assert [item.size for item in reader.list() if item.digest == ONE] == [len(SOME[ONE])]
    assert reader.get(ONE) == SOME[ONE]


def test_where_no_copy_is_intact_that_is_told(store: MinioBlobStore, bucket: S3Bucket) -> None:
    bucket.write(object_key(ONE), b"?")
    bucket.write(f"packs/{LIES.name}", LIES.data)
    bucket.client.remove_object(store.bucket, PACK)
    with pytest.raises(IntegrityFailure, match=f"the blob {ONE} was changed"):
        another(bucket).get(ONE)
    assert sorted(item.size for item in store.list() if item.digest == ONE) == [1, len(SOME[ONE])]
    store.delete([ONE])
    store.put_all(bundles([SOME[ONE]]))
    assert store.get(ONE) == SOME[ONE]


def test_a_large_object_in_the_place_of_a_packed_blob_is_told_by_its_size_and_mended(
    store: MinioBlobStore, bucket: S3Bucket
) -> None:
    """It is read as a stream, and so before anybody looks into packs."""
    bucket.write(object_key(ONE), bytes(MAX_BLOB + 1))
    with pytest.raises(IntegrityFailure, match=f"the blob {ONE} was changed"):
        another(bucket).get(ONE)
    assert sorted(item.size for item in store.list() if item.digest == ONE) == [len(SOME[ONE]), MAX_BLOB + 1]
    store.delete([ONE])
    store.put_all(bundles([SOME[ONE]]))
    assert contents(another(bucket)) == SOME


def test_an_object_may_claim_to_be_a_pack_with_an_asset(store: MinioBlobStore, bucket: S3Bucket) -> None:
    asset = Blob.of(b"an asset")
    store.put_all([asset])
    lie = pack_of({asset.digest: b"AN ASSET"})
    bucket.write(f"packs/{lie.name}", lie.data)
    list(store.list())
    assert store.get(asset.digest) == b"an asset"


def test_packs_that_are_damaged_are_read_once(
    store: MinioBlobStore, bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        bucket.write(f"packs/{number:064x}.zip", b"junk")
    asked = counted(monkeypatch)
    for _ in range(10):
        assert store.size(digest_of(b"missing")) is None
    assert len(asked) == 21


def counted(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The requests for objects from now on."""
    asked = []
    get = Bucket.get

    def counting(self: Bucket, *arguments: Any) -> Any:
        asked.append(arguments)
        return get(self, *arguments)

    monkeypatch.setattr(Bucket, "get", counting)
    return asked


def test_what_is_kept_of_a_pack_goes_when_it_is_put_again_or_deleted(store: MinioBlobStore, bucket: S3Bucket) -> None:
    bucket.write(PACK, flipped(pack_of(SOME).data))
    for _ in range(20):
        list(store.list())
        with pytest.raises(IntegrityFailure):
            store.get(ONE)
    store.put_all(bundles(SOME.values()))
    assert contents(store) == SOME
    store.delete([ONE])
    with pytest.raises(StorageError, match="is not in"):
        store.get(ONE)


def flipped(data: bytes) -> bytes:
    place = data.index(SOME[ONE])
    return data[:place] + b"B" + data[place + 1 :]


def test_a_changed_blob_in_a_pack_is_never_given_out_and_the_others_are(
    store: MinioBlobStore, bucket: S3Bucket
) -> None:
    bucket.write(PACK, flipped(pack_of(SOME).data))
    with pytest.raises(IntegrityFailure, match=f"the blob {ONE} was changed") as caught:
        store.get(ONE)
    assert PACK in str(caught.value.hint)
    assert store.get(list(SOME)[-1]) == SOME[list(SOME)[-1]]


@pytest.mark.parametrize(
    "damage",
    [lambda data: b"", lambda data: data[:-1000], lambda data: b"no zip", lambda data: bytes(5_000_000) + data],
    ids=["empty", "cut", "other", "too large"],
)
def test_a_pack_that_cannot_be_read_has_nothing_until_its_blobs_are_put_again(
    store: MinioBlobStore, bucket: S3Bucket, damage: Callable[[bytes], bytes]
) -> None:
    bucket.write(PACK, damage(pack_of(SOME).data))
    assert list(store.list()) == []
    assert store.size(ONE) is None
    with pytest.raises(StorageError, match="is not in"):
        store.get(ONE)
    store.put_all(bundles(SOME.values()))
    assert contents(store) == SOME


@pytest.mark.parametrize("name", ["README", "0" * 63 + ".zip", "0" * 64 + ".tmp", "0" * 64 + ".zip/more"])
def test_what_else_lies_beside_packs_is_passed_over(store: MinioBlobStore, bucket: S3Bucket, name: str) -> None:
    bucket.write(f"packs/{name}", pack_of({digest_of(b"other"): b"other"}).data)
    assert {item.digest for item in store.list()} == set(SOME)
    store.delete(SOME)
    assert bucket.keys() == {f"packs/{name}"}


@pytest.mark.parametrize("change", [b"other", b"bundle 7 ", b""])
def test_bytes_that_do_not_have_their_digest_are_refused(bucket: S3Bucket, change: bytes) -> None:
    blobs = bundles(SOME.values())
    blobs[7] = Blob(blobs[7].digest, len(b"bundle 7"), partial(BytesIO, change), packable=True)
    with pytest.raises(IntegrityFailure, match=f"the bytes for {blobs[7].digest} have another digest"):
        bucket.store.put_all(blobs)
    assert bucket.keys() == set()


def test_readers_and_a_writer_at_once(store: MinioBlobStore, bucket: S3Bucket) -> None:
    """Packs are written anew under the readers' hands; whatever is not deleted is there all the time."""
    kept, doomed = list(SOME)[:20], list(SOME)[20:]
    is_over = threading.Event()

    def read() -> None:
        own = another(bucket)
        while not is_over.is_set():
            assert {digest: own.get(digest) for digest in kept} == {digest: SOME[digest] for digest in kept}

    with ThreadPoolExecutor() as pool:
        readers = [pool.submit(read) for _ in range(3)]
        for start in range(0, len(doomed), 40):
            store.delete(doomed[start : start + 40])
        is_over.set()
        for reader in readers:
            reader.result()
    assert contents(store) == {digest: SOME[digest] for digest in kept}


def test_packs_that_are_mirrored_to_a_folder_unpack_to_a_local_store(
    store: MinioBlobStore, bucket: S3Bucket, tmp_path: Path
) -> None:
    answer = bucket.client.get_object(store.bucket, PACK)
    (tmp_path / "pack.zip").write_bytes(answer.read())
    answer.close()
    with zipfile.ZipFile(tmp_path / "pack.zip") as archive:
        archive.extractall(tmp_path / "blobs")
    assert contents(LocalBlobStore(tmp_path / "blobs")) == SOME
