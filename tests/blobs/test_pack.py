"""The bytes of a pack, and what can be read of them, whatever was done to them."""

import os
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from promptdb.blobs import pack
from promptdb.blobs.local import LocalBlobStore
from promptdb.blobs.pack import END, FEW, LARGEST, MAX_BLOB, MAX_BLOBS, MAX_BYTES, Pack, directory, pack_of, packed
from promptdb.blobs.store import Blob, object_key
from promptdb.domain.digest import Digest, digest_of

SOME = {digest_of(data): data for data in (b"{}", b"one", "Grüße".encode(), b"PK\5\6" + bytes(200), bytes(70_000))}


def bytes_of(blob: Blob) -> bytes:
    with blob.open() as stream:
        return stream.read()


def bundles(count: int, size: int = 8) -> Iterator[Blob]:
    return (Blob.of(f"{number:0{size}}".encode(), packable=True) for number in range(count))


def read(found: Pack, end: int | None = None) -> dict[Digest, bytes]:
    places = directory(found.data if end is None else found.data[-end:], len(found.data))
    assert places is not None
    return {digest: place.of(found.data) for digest, place in places.items()}


def test_a_pack_has_all_its_blobs_at_their_places() -> None:
    assert read(pack_of(SOME)) == SOME


@pytest.mark.parametrize("count", [1, MAX_BLOBS])
def test_the_end_of_a_pack_tells_all_places(count: int) -> None:
    blobs = {
        digest_of(data): data for data in (b"%8d" % number + os.urandom(MAX_BYTES // count) for number in range(count))
    }
    assert read(pack_of(blobs), END) == blobs
    assert len(pack_of(blobs).data) < LARGEST


def test_equal_blobs_make_equal_packs_in_whatever_order_they_come() -> None:
    backwards = dict(reversed(SOME.items()))
    assert pack_of(backwards) == pack_of(SOME)
    assert pack_of(backwards).name == "606747c0911ded0d16bbcc569367e591ea71545566ce2381e8ccd065a60ddcc6.zip"


def test_an_unpacked_pack_is_a_local_store(tmp_path: Path) -> None:
    with zipfile.ZipFile(BytesIO(pack_of(SOME).data)) as archive:
        archive.extractall(tmp_path)
    store = LocalBlobStore(tmp_path)
    assert {item.digest: store.get(item.digest) for item in store.list()} == SOME


DATA = pack_of(SOME).data


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"PK",
        bytes(1000),
        DATA[:-1],
        DATA[: len(DATA) // 2],
        DATA[:-22],
        DATA[:-200] + bytes(200),
        DATA + DATA[:100],
        DATA[:-30] + os.urandom(8) + DATA[-22:],
    ],
)
def test_a_pack_that_is_damaged_has_no_directory_or_one_that_stays_inside_of_it(damaged: bytes) -> None:
    for place in (directory(damaged, len(damaged)) or {}).values():
        assert 0 < place.offset <= len(damaged) - place.size


def test_of_a_pack_that_is_cut_off_nothing_can_be_read() -> None:
    assert directory(DATA[:-1000], len(DATA) - 1000) is None


def test_any_byte_of_a_directory_may_be_another() -> None:
    start = DATA.index(b"PK\1\2")
    for position in range(start, len(DATA)):
        damaged = DATA[:position] + bytes([DATA[position] ^ 0xFF]) + DATA[position + 1 :]
        for place in (directory(damaged, len(damaged)) or {}).values():
            assert 0 < place.offset <= len(damaged) - place.size


def test_entries_that_are_no_blobs_are_passed_over() -> None:
    target = BytesIO(DATA)
    with zipfile.ZipFile(target, "a") as archive:
        archive.writestr("README", "no blob")
        archive.writestr("../../etc/passwd", "no blob")
        archive.writestr(object_key(digest_of(b"")), b"")
        archive.writestr(f"sha256/00/{'a' * 64}", b"in another's place")
    found = directory(target.getvalue(), len(target.getvalue()))
    assert found is not None
    assert found.keys() == SOME.keys()


@pytest.mark.parametrize(
    ("blobs", "expected"),
    [
        ([], []),
        (bundles(1), [1]),
        (bundles(FEW - 1), [1] * (FEW - 1)),
        (bundles(FEW), [FEW]),
        (bundles(MAX_BLOBS), [MAX_BLOBS]),
        (bundles(2 * MAX_BLOBS + FEW), [MAX_BLOBS, MAX_BLOBS, FEW]),
        (bundles(MAX_BLOBS + 2), [MAX_BLOBS, 1, 1]),
        (bundles(300, MAX_BYTES // 300 + 1), [300]),
        (bundles(64, MAX_BLOB), [32, 32]),
        (bundles(40, MAX_BLOB + 1), [1] * 40),
        ((Blob.of(b"%d" % number) for number in range(FEW)), [1] * FEW),
        ((Blob.of(b"", packable=True) for _ in range(2)), [1, 1]),
    ],
)
def test_what_goes_together(blobs: Iterator[Blob], expected: list[int]) -> None:
    found = list(packed(blobs, bytes_of))
    assert [item.count if isinstance(item, Pack) else 1 for item in found] == expected


def test_what_is_not_packed_goes_on_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack, "FEW", 2)
    assets = [Blob.of(b"asset %d" % number) for number in range(3)]
    first, second = bundles(2)
    one, two, three, last = packed(iter([first, assets[0], second, *assets[1:]]), bytes_of)
    assert [one, two, three] == assets
    assert last == pack_of({first.digest: bytes_of(first), second.digest: bytes_of(second)})
