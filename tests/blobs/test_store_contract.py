"""What every blob store does: one set of tests, run on a folder and on a real S3 server."""

import hashlib
import os
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import pytest
from stores import Backdoor, local_folder, s3_bucket

from promptdb.blobs.store import BlobStore, owner_key
from promptdb.domain.blob import Blob, object_key
from promptdb.domain.digest import Digest, digest_of
from promptdb.errors import IntegrityFailure, StalePlan, StorageError
from promptdb.streams import checked

HELLO = b"hello\n"
DIGEST = digest_of(HELLO)
LARGE = 20 * 1024 * 1024 + 1
"""Bytes: three parts of an upload."""

blob = Blob.of


@pytest.fixture(params=["local", "minio"])
def backdoor(request: pytest.FixtureRequest, tmp_path: Path) -> Backdoor:
    if request.param == "local":
        return local_folder(tmp_path)
    return s3_bucket(request.getfixturevalue("s3_server"))


@pytest.fixture
def store(backdoor: Backdoor) -> BlobStore:
    return backdoor.store


def digests(store: BlobStore) -> set[Digest]:
    return {item.digest for item in store.list()}


@pytest.mark.parametrize("data", [b"", b"\0", HELLO, "Grüße".encode(), bytes(range(256)) * 5000])
def test_what_was_put_is_got_back(store: BlobStore, data: bytes) -> None:
    store.put_all([blob(data)])
    assert store.size(digest_of(data)) == len(data)
    assert store.get(digest_of(data)) == data


def test_the_key_of_a_blob_is_its_digest(store: BlobStore, backdoor: Backdoor) -> None:
    store.put_all([blob(HELLO)])
    value = hashlib.sha256(HELLO).hexdigest()
    assert object_key(DIGEST) == f"sha256/{value[:2]}/{value}"
    assert backdoor.keys() == {object_key(DIGEST)}


@pytest.mark.parametrize("count", [30, 100])
def test_many_blobs_at_once_some_of_them_twice(store: BlobStore, count: int) -> None:
    data = [f"blob {number % 60}".encode() for number in range(count)]
    store.put_all(map(blob, data))
    assert {item.digest: item.size for item in store.list()} == {digest_of(item): len(item) for item in data}


@pytest.mark.slow
def test_blobs_of_all_sizes_in_one_go(store: BlobStore) -> None:
    data = [os.urandom(size) for size in (0, 1, 1024 * 1024, 1024 * 1024 + 1, 8 * 1024 * 1024, LARGE)]
    store.put_all(map(blob, data))
    assert [store.get(digest_of(item)) == item for item in data] == [True] * len(data)


def test_nothing_put_is_nothing_stored(store: BlobStore, backdoor: Backdoor) -> None:
    store.put_all([])
    assert backdoor.keys() == set()


def test_a_store_that_was_never_written_to_is_empty(store: BlobStore, backdoor: Backdoor) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    assert (list(store.list()), store.owners(), store.leftovers(soon), store.size(DIGEST)) == ([], frozenset(), 0, None)
    store.delete([DIGEST])
    store.discard_leftovers(soon)
    with pytest.raises(StorageError, match="is not in"):
        store.open(DIGEST)
    assert backdoor.keys() == set()


def test_a_blob_that_is_not_there_is_a_storage_error_that_names_it(store: BlobStore, backdoor: Backdoor) -> None:
    store.put_all([blob(b"another")])
    assert store.size(DIGEST) is None
    with pytest.raises(StorageError, match=f"the blob {DIGEST} is not in") as caught:
        store.get(DIGEST)
    assert backdoor.where in caught.value.message


@pytest.mark.parametrize("size", [11, LARGE])
@pytest.mark.parametrize("change", [b"", b"+", None], ids=["other", "longer", "shorter"])
@pytest.mark.slow
def test_bytes_that_do_not_have_their_digest_are_refused(store: BlobStore, size: int, change: bytes | None) -> None:
    data = os.urandom(size)
    actual = data[:-1] if change is None else data + change if change else data[:-1] + bytes([data[-1] ^ 1])
    digest = digest_of(data)
    with pytest.raises(IntegrityFailure, match=f"the bytes for {digest} have another digest"):
        store.put_all([Blob(digest, size, partial(BytesIO, actual))])
    assert store.size(digest) is None
    assert store.leftovers(datetime.now(UTC) + timedelta(hours=1)) == 0


@pytest.mark.parametrize("size", [11, LARGE])
@pytest.mark.parametrize("actual", ["longer", "shorter", "other"])
@pytest.mark.slow
def test_a_stream_that_tells_what_is_wrong_with_its_bytes_has_the_word(
    store: BlobStore, size: int, actual: str
) -> None:
    data = os.urandom(size)
    given = {"longer": data + data, "shorter": data[:-1], "other": bytes([data[0] ^ 1]) + data[1:]}[actual]
    digest = digest_of(data)

    def edited() -> BinaryIO:
        return checked(BytesIO(given), digest, lambda: StalePlan("a.bin was edited", "try again"))

    with pytest.raises(StalePlan, match=r"a\.bin was edited"):
        store.put_all([Blob(digest, size, edited)])
    assert store.size(digest) is None


def test_an_empty_blob_has_its_digest_too(store: BlobStore) -> None:
    with pytest.raises(IntegrityFailure):
        store.put_all([Blob(DIGEST, 0, partial(BytesIO, b""))])
    assert digests(store) == set()


def test_a_blob_that_cannot_be_read_is_a_storage_error(store: BlobStore, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="No such file"):
        store.put_all([Blob(DIGEST, 6, partial((tmp_path / "missing").open, "rb"))])
    assert store.size(DIGEST) is None


@pytest.mark.parametrize("count", [5, 100])
def test_what_making_blobs_raises_is_raised(store: BlobStore, count: int) -> None:
    class Stopped(Exception):
        pass

    def blobs() -> Iterator[Blob]:
        yield from (blob(f"{number}".encode()) for number in range(count))
        raise Stopped

    with pytest.raises(Stopped):
        store.put_all(blobs())
    assert [thread for thread in threading.enumerate() if re.fullmatch(r"promptdb-\d+", thread.name)] == []


def test_blobs_are_asked_for_as_their_turn_comes(store: BlobStore) -> None:
    """Ten thousand are never all in memory."""
    waiting, most = set[Digest](), 0

    def opened(data: bytes) -> BinaryIO:
        waiting.discard(digest_of(data))
        return BytesIO(data)

    def blobs() -> Iterator[Blob]:
        nonlocal most
        for number in range(200):
            data = f"{number}".encode()
            waiting.add(digest_of(data))
            most = max(most, len(waiting))
            yield Blob(digest_of(data), len(data), partial(opened, data))

    store.put_all(blobs())
    assert not waiting
    assert most < 80


def test_progress_is_told_of_each_blob_new_or_not(store: BlobStore) -> None:
    counts: list[int] = []
    store.put_all([blob(HELLO)], counts.append)
    assert sum(counts) == 1
    store.put_all((blob(f"{number}".encode()) for number in range(50)), counts.append)
    store.put_all([blob(HELLO), blob(HELLO)], counts.append)
    assert sum(counts) == 53


@pytest.mark.parametrize("change", [b"hello", b"hello\n\n", b"", b"jello\n"], ids=["cut", "longer", "empty", "one bit"])
def test_a_blob_that_was_changed_is_never_given_out(store: BlobStore, backdoor: Backdoor, change: bytes) -> None:
    store.put_all([blob(HELLO)])
    backdoor.write(object_key(DIGEST), change)
    with pytest.raises(IntegrityFailure, match=f"the blob {DIGEST} was changed") as caught:
        store.get(DIGEST)
    assert object_key(DIGEST) in str(caught.value.hint)


def test_a_changed_blob_is_told_before_its_stream_ends(store: BlobStore, backdoor: Backdoor) -> None:
    data = os.urandom(3 * 1024 * 1024)
    store.put_all([blob(data)])
    backdoor.write(object_key(digest_of(data)), data[:-1] + bytes([data[-1] ^ 1]))
    with store.open(digest_of(data)) as stream:
        assert stream.read(1024) == data[:1024]
        with pytest.raises(IntegrityFailure):
            list(iter(lambda: stream.read(1024 * 1024), b""))


def test_a_stream_may_be_left_unread(store: BlobStore) -> None:
    data = os.urandom(3 * 1024 * 1024)
    store.put_all([blob(data)])
    for _ in range(20):
        with store.open(digest_of(data)) as stream:
            assert stream.read(10) == data[:10]
    assert store.get(digest_of(data)) == data


@pytest.mark.parametrize("others", [0, 100])
@pytest.mark.parametrize("change", [b"", b"hello\n\n"], ids=["empty", "longer"])
def test_a_blob_of_a_wrong_size_is_mended_where_its_bytes_are_put_again(
    store: BlobStore, backdoor: Backdoor, change: bytes, others: int
) -> None:
    store.put_all([blob(HELLO)])
    backdoor.write(object_key(DIGEST), change)
    store.put_all([*(blob(f"{number}".encode()) for number in range(others)), blob(HELLO)])
    assert store.get(DIGEST) == HELLO


@pytest.mark.parametrize("others", [0, 100])
def test_a_blob_that_is_there_is_left_alone_and_its_bytes_are_not_even_read(store: BlobStore, others: int) -> None:
    store.put_all([blob(HELLO)])
    before = next(store.list())

    def read() -> BinaryIO:
        raise AssertionError("was read")

    store.put_all([*(blob(f"{number}".encode()) for number in range(others)), Blob(DIGEST, 6, read)])
    assert before in store.list()


BAD_DIGESTS = [
    "",
    "sha256:",
    "sha256:abc",
    DIGEST.upper(),
    DIGEST.replace("sha256", "md5"),
    DIGEST.partition(":")[2],
    DIGEST + "0",
    DIGEST[:-1],
    DIGEST + "\n",
    DIGEST[:-1] + "g",
    "sha256:../../../../../../etc/passwd",
    "sha256:" + "../" * 21 + "x",
    "sha256:/" + "a" * 63,
    "../" * 20 + ":" + "a" * 64,
    "sha256:" + "a" * 31 + "\0" + "a" * 32,
]


@pytest.mark.parametrize("act", ["get", "size", "put_all", "delete"])
def test_text_that_is_no_digest_reaches_nothing(store: BlobStore, backdoor: Backdoor, act: str) -> None:
    for text in BAD_DIGESTS:
        digest = Digest(text)
        arguments = {"put_all": [Blob(digest, 6, blob(HELLO).open)], "delete": [digest]}
        with pytest.raises(IntegrityFailure, match="is not a sha256 digest"):
            getattr(store, act)(arguments.get(act, digest))
    assert backdoor.keys() == set()


def test_the_list_has_every_blob_and_nothing_else(store: BlobStore, backdoor: Backdoor) -> None:
    store.put_all([blob(HELLO), blob(b"")])
    for path in ("README", "sha256/ab/README", f"sha256/00/{DIGEST[7:]}", "sha256/file", "registries/notes.txt"):
        backdoor.write(path, b"not a blob")
    found = list(store.list())
    assert {(item.digest, item.size) for item in found} == {(DIGEST, 6), (digest_of(b""), 0)}
    assert all(abs(datetime.now(UTC) - item.modified) < timedelta(hours=1) for item in found)


@pytest.mark.slow
def test_deleted_blobs_are_gone_and_may_be_deleted_again(store: BlobStore) -> None:
    data = [f"{number}".encode() for number in range(1100)]
    store.put_all(map(blob, [*data, b"other"]))
    assert digests(store) == set(map(digest_of, [*data, b"other"])), "more than one page of a list has"
    store.delete(map(digest_of, data))
    assert digests(store) == {digest_of(b"other")}
    store.delete(map(digest_of, data[:10]))
    store.put_all([blob(data[0])])
    assert store.get(digest_of(data[0])) == data[0]


def test_leftovers_are_counted_and_removed_once_they_are_old(store: BlobStore, backdoor: Backdoor) -> None:
    store.put_all([blob(HELLO)])
    backdoor.begin_upload()
    now = datetime.now(UTC)
    assert store.leftovers(now - timedelta(hours=1)) == 0
    store.discard_leftovers(now - timedelta(hours=1))
    assert store.leftovers(now + timedelta(hours=1)) == 1
    store.discard_leftovers(now + timedelta(hours=1))
    assert store.leftovers(now + timedelta(hours=1)) == 0
    assert digests(store) == {DIGEST}


def test_a_store_knows_whose_blobs_it_has(store: BlobStore, backdoor: Backdoor) -> None:
    first, second = UUID(int=1), UUID(int=2)
    for registry in (first, second, first):
        store.claim(registry, "a note\n")
    backdoor.write("registries/notes.txt", b"no id")
    assert store.owners() == {first, second}
    assert {owner_key(first), owner_key(second)} < backdoor.keys()


def test_two_stores_of_one_place_may_be_begun_at_once(store: BlobStore, backdoor: Backdoor) -> None:
    """The folder, or the bucket, is made by whoever comes first."""
    others = [type(store)(getattr(store, "address", None) or store.root) for _ in range(4)]  # type: ignore[call-arg, attr-defined]
    data = [[f"{number}-{own}".encode() for number in range(40)] for own in range(4)]
    threads = [threading.Thread(target=o.put_all, args=([*map(blob, d)],)) for o, d in zip(others, data, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert digests(store) == {digest_of(item) for own in data for item in own}
