"""The bytes of snapshots: what a reader takes, and what it refuses."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from snapshots import opened, packed, record

from promptdb.domain.digest import canonical_json, digest_of
from promptdb.domain.json_fields import Wrong
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.snapshot.head import BLOCK, HEAD_AT, MAGIC, UNSIGNED, Head
from promptdb.domain.snapshot.records import Pointer, decode_record, encode_record
from promptdb.domain.splits import Arm, Split
from promptdb.errors import ConfigError, IntegrityFailure, PromptDBError

NAMES = [f"team/{letter}/p{number}" for letter in "abc" for number in range(40)]
FILE = packed([record(name) for name in NAMES], earlier={"team/old": "team/b/p7"})
SMALL = packed([record("a/one"), record("a/two")], earlier={"a/old": "a/one"})


def test_each_prompt_is_found_and_no_other() -> None:
    snapshot = opened(FILE)
    snapshot.verify()
    assert [str(found.prompt) for found in snapshot.prompts()] == sorted(NAMES)
    for name in NAMES:
        found = snapshot.find(PromptId.from_path(name))
        assert found is not None
        assert found.versions[0].view == record(name).versions[0].view
    for name in ("a", "team/a/p", "team/b/p7x", "zzz", "team/c/p399"):
        assert snapshot.find(PromptId.from_path(name)) is None


def test_an_earlier_name_leads_to_the_present_one() -> None:
    found = opened(FILE).find(PromptId("team", "old"))
    assert found is not None
    assert str(found.prompt) == "team/b/p7"


def test_equal_content_makes_equal_bytes_in_any_order() -> None:
    assert packed([record(name) for name in reversed(NAMES)], earlier={"team/old": "team/b/p7"}) == FILE


def test_a_snapshot_of_nothing_can_be_read() -> None:
    empty = opened(packed([]))
    empty.verify()
    assert empty.find(PromptId("a", "one")) is None
    assert list(empty.prompts()) == []


def test_a_reader_reads_only_what_it_needs() -> None:
    read: list[int] = []

    def reading(start: int, count: int) -> bytes:
        read.append(count)
        return FILE[start : start + count]

    snapshot = type(opened(FILE))(reading, len(FILE), "x")
    snapshot.find(PromptId("team/b", "p7"))
    assert sum(read) < len(FILE)
    asked = len(read)
    snapshot.find(PromptId("team/b", "p7"))
    assert len(read) == asked


def headed(data: bytes, head: dict[str, object]) -> bytes:
    """The same file with other values in its head."""
    size = int.from_bytes(data[len(MAGIC) :][:4], "big")
    new = UNSIGNED + canonical_json({**json.loads(data[HEAD_AT:][:size]), **head})
    length = len(new) - len(UNSIGNED)
    return MAGIC + length.to_bytes(4, "big") + sha256(new).digest() + new + data[HEAD_AT + size :]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda data: b"", "it is not a snapshot"),
        (lambda data: b"PK\x03\x04" + data, "it is not a snapshot"),
        (lambda data: data[: HEAD_AT - 2], "it is not a snapshot"),
        (lambda data: data[: HEAD_AT + 60], "its head was cut or changed"),
        (lambda data: data[:-1], "it was cut"),
        (lambda data: data + b"\0", "it is too long"),
        (lambda data: MAGIC + b"\xff" * 200 + data, "its head is too large"),
        (lambda data: headed(data, {"size": 2**60}), "a count is out of range"),
        (lambda data: headed(data, {"names": 10**6}), "the head is not one that promptdb writes"),
        (lambda data: headed(data, {"names": True}), "a count is out of range"),
        (lambda data: headed(data, {"with_assets": 1}), "the head is not one that promptdb writes"),
        (lambda data: headed(data, {"namespace": ["a"]}), "the head is not one that promptdb writes"),
        (lambda data: headed(data, {"aliases": "production"}), "the head is not one that promptdb writes"),
        (lambda data: headed(data, {"registry": 7}), "the head cannot be read"),
        (lambda data: headed(data, {"key": "x"}), "the head cannot be read"),
        (lambda data: headed(data, {"more": 1}), "the head cannot be read"),
        (lambda data: headed(data, {"blocks": f"sha256:{'0' * 64}"}), "the table of its digests was changed"),
    ],
)
def test_what_is_not_a_whole_snapshot_is_refused_with_its_reason(change: Callable[[bytes], bytes], reason: str) -> None:
    with pytest.raises(IntegrityFailure, match=rf"^the snapshot test\.snapshot is refused: {reason}"):
        opened(change(SMALL))


def test_another_version_of_the_format_is_named() -> None:
    with pytest.raises(ConfigError, match="another version of the format"):
        opened(SMALL.replace(b"snapshot 1\n", b"snapshot 2\n", 1))


@pytest.mark.parametrize("at", range(40, len(SMALL), 61))
def test_a_bit_that_flipped_anywhere_is_found(at: int) -> None:
    flipped = bytearray(SMALL)
    flipped[at] ^= 4
    with pytest.raises(IntegrityFailure, match="is refused: "):
        opened(bytes(flipped)).verify()


def test_a_lookup_fails_only_where_the_damage_is() -> None:
    damaged = bytearray(FILE)
    damaged[-1] ^= 1
    snapshot = opened(bytes(damaged))
    assert snapshot.find(PromptId("team/a", "p1")) is not None
    with pytest.raises(IntegrityFailure, match="it was changed"):
        snapshot.find(PromptId("team/old", "x")) or snapshot.find(PromptId.from_path("team/old"))


def sealed(body: bytes, head: Head) -> bytes:
    """A file whose digests fit a body that promptdb would not write."""
    table = b"".join(sha256(body[at : at + BLOCK]).digest() for at in range(0, len(body), BLOCK))
    return replace(head, size=len(body), blocks=digest_of(table)).start_of_file() + table + body


def use(data: bytes) -> None:
    """Do all that a reader can do."""
    with suppress(PromptDBError):
        snapshot = opened(data)
        for name in ("a/one", "a/old", "a/two", "b/none"):
            with suppress(PromptDBError):
                found = snapshot.find(PromptId.from_path(name))
                for asset in found.versions[0].assets if found else ():
                    snapshot.asset_bytes(asset.at or 0, 0, asset.view.byte_size)
        with suppress(PromptDBError):
            snapshot.verify()
        snapshot.names_near(PromptId("a", "one"))


BODY = SMALL[-opened(SMALL).head.size :]
EDITS = st.lists(st.tuples(st.integers(0, len(SMALL) - 1), st.binary(min_size=1, max_size=9)), max_size=4)


@given(edits=EDITS, length=st.integers(0, len(SMALL)))
def test_a_file_of_any_bytes_raises_only_errors_of_promptdb(edits: list[tuple[int, bytes]], length: int) -> None:
    data = bytearray(SMALL)
    for at, change in edits:
        data[at : at + len(change)] = change
    use(bytes(data[:length]))
    use(bytes(data))


@given(edits=EDITS, names=st.integers(0, 6))
def test_a_body_of_any_bytes_raises_only_errors_of_promptdb(edits: list[tuple[int, bytes]], names: int) -> None:
    """Whoever can write the file can make all of its digests fit."""
    body = bytearray(BODY)
    for at, change in edits:
        at %= len(BODY)
        body[at : at + len(change)] = change
    with suppress(PromptDBError):
        use(sealed(bytes(body), replace(opened(SMALL).head, names=names)))


VALUES = st.sampled_from(
    [None, True, 0, -1, 1.5, 2**70, "", "\ud800", "a/b", "\n", [], [1], [[1, 1]], {}, {"a": [1, 1]}, [{}]]
)
LINE = json.loads(encode_record(record("a/one")).split(b"\n")[1])


@given(
    top=st.dictionaries(st.sampled_from(["aliases", "archived", "versions", "renamed_to", "x"]), VALUES, max_size=2),
    version=st.dictionaries(st.sampled_from([*LINE["versions"][0], "x"]), VALUES, max_size=2),
)
def test_a_record_with_any_values_is_wrong_or_whole(top: dict[str, object], version: dict[str, object]) -> None:
    name, _, specs = encode_record(record("a/one")).split(b"\n")
    with suppress(Wrong, ValueError):  # a value that has no canonical JSON
        line = canonical_json({**LINE, "versions": [{**LINE["versions"][0], **version}], **top})
        decode_record(b"\n".join([name, line, specs]))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"production":[1,1]', b'"production":[2,1]'),
        (b'"production":[1,1]', b'"production":[1,null]'),
        (b'"production":[1,1]', b'"latest":[1,1]'),
        (b"2026-01-01T00:00:00+00:00", b"2026-01-01T00:00:00"),
        (b'"archived":false', b'"archived":0'),
        (b'"archived":false', b'"archived": false'),
        (b'"commit":null', b'"commit":null,"commit":null'),
        (b'"size":', b'"size":1'),
        (b"a/one\n", b"one\n"),
        (b"a/one\n", b"../one\n"),
    ],
)
def test_a_record_that_promptdb_would_not_write_is_wrong(old: bytes, new: bytes) -> None:
    data = encode_record(record("a/one"))
    assert old in data
    with pytest.raises(Wrong):
        decode_record(data.replace(old, new, 1))


SPLIT = Split.of([Arm(1, 9), Arm(2, 1)])


def test_a_split_is_read_as_it_was_written() -> None:
    one = record("a/one")
    second = replace(one.versions[0], view=replace(one.versions[0].view, revision=2))
    split = replace(one, aliases={"production": Pointer(1, 1, SPLIT)}, versions=(second, one.versions[0]))
    assert decode_record(encode_record(split)) == split
    with pytest.raises(Wrong, match="an alias points at a version that is not there"):
        decode_record(encode_record(replace(split, versions=one.versions)))
    for pointer in (Pointer(2, 1, SPLIT), Pointer(1, None, SPLIT)):
        with pytest.raises(Wrong):
            decode_record(encode_record(replace(split, aliases={"production": pointer})))
    with pytest.raises(Wrong):
        decode_record(encode_record(split).replace(b'"weight":9', b'"weight":8', 1))
