"""The file of the cache: it saves work, and never changes a result."""

import json
import os
import time
import zlib
from pathlib import Path

import pytest

from promptdb.domain.digest import digest_of
from promptdb.files.cache import FileCache, KnownFile, SeenFile
from promptdb.files.stamps import Stamp

FILE, OTHER, SPEC = digest_of(b"file"), digest_of(b"other"), digest_of(b"spec")
KNOWN = KnownFile(FILE, SPEC, "1.0", ("a/old",), {"_shared/tone.md": OTHER})
STAMP, SEEN = Stamp("1 2 3 4 5 6"), SeenFile(Stamp("7"), OTHER)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "caches" / "files.json"


def saved(file: Path, *paths: str) -> FileCache:
    """A cache that knows these paths, as the next run has it."""
    cache = FileCache(file, "key")
    for path in paths:
        cache.keep(path, STAMP, KNOWN)
        cache.keep_other("_shared/tone.md", SEEN)
    cache.save()
    return FileCache(file, "key")


def test_what_was_kept_is_known_the_next_time(file: Path):
    cache = saved(file, "a.yaml")
    assert cache.file("a.yaml") == (STAMP, KNOWN)
    assert cache.other("_shared/tone.md") == SEEN
    assert (len(cache), cache.file("b.yaml"), cache.other("a.yaml")) == (1, None, None)


def test_what_is_kept_is_not_known_in_the_same_run(file: Path):
    cache = FileCache(file, "key")
    cache.keep("a.yaml", STAMP, KNOWN)
    assert cache.file("a.yaml") is None


def test_what_was_not_kept_again_is_forgotten(file: Path):
    saved(file, "a.yaml", "b.yaml")
    cache = saved(file, "b.yaml")
    assert (cache.file("a.yaml"), cache.file("b.yaml")) == (None, (STAMP, KNOWN))


def test_another_way_to_read_knows_nothing(file: Path):
    saved(file, "a.yaml")
    assert FileCache(file, "other key").file("a.yaml") is None


def test_nothing_is_written_if_nothing_changed(file: Path):
    saved(file, "a.yaml")
    before = file.stat()
    saved(file, "a.yaml")
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_no_temporary_file_is_left(file: Path):
    saved(file, "a.yaml")
    assert list(file.parent.iterdir()) == [file]


def test_stamps_of_a_time_that_has_not_come_do_not_count_and_are_replaced(file: Path, monkeypatch: pytest.MonkeyPatch):
    """The clock was set back: a file edited now may get the time that another content had."""
    now = time.time_ns()
    with monkeypatch.context() as patched:
        patched.setattr(time, "time_ns", lambda: now + 3_600 * 10**9)
        saved(file, "a.yaml")
    cache = FileCache(file, "key")
    assert (cache.file("a.yaml"), cache.other("_shared/tone.md")) == ((None, KNOWN), SeenFile(None, OTHER))
    cache.keep("a.yaml", None, KNOWN)
    cache.keep_other("_shared/tone.md", SeenFile(None, OTHER))
    cache.save()
    monkeypatch.setattr(time, "time_ns", lambda: now + 7_200 * 10**9)
    assert FileCache(file, "key").file("a.yaml") == (None, KNOWN)


def whole(body: bytes) -> bytes:
    return b"promptdb files 2 %08x\n" % zlib.crc32(body) + body


def content(**fields: object) -> bytes:
    return whole(json.dumps({"key": "key 1", "saved": 0, "files": {}, "others": {}, **fields}).encode())


BROKEN = {
    "empty": b"",
    "no line": b"promptdb files",
    "JSON alone": b'{"a.yaml": ["x"]}',
    "not UTF-8": whole(b"\xff\xfe"),
    "a list": whole(b"[]"),
    "null": whole(b"null"),
    "no key": whole(b"{}"),
    "nested": whole(b"[" * 100_000),
    "a huge number": whole(b'{"key": ' + b"9" * 5_000 + b"}"),
    "a number for the files": content(files=3),
    "a number for a row": content(files={"a.yaml": 3}),
    "a short row": content(files={"a.yaml": ["x"]}),
    "null for a list": content(files={"a.yaml": ["x", "y", "z", None, None, {}]}),
    "a short row of another file": content(others={"a.yaml": ["x"]}),
    "text for a time": content(saved="x"),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_a_broken_cache_is_an_empty_one_and_is_replaced(file: Path, data: bytes):
    saved(file, "a.yaml")
    file.write_bytes(data)
    assert FileCache(file, "key").file("a.yaml") is None
    assert saved(file, "a.yaml").file("a.yaml") == (STAMP, KNOWN)


def test_a_cache_of_a_newer_format_is_an_empty_one(file: Path):
    saved(file, "a.yaml")
    file.write_bytes(file.read_bytes().replace(b"promptdb files 2", b"promptdb files 3"))
    assert FileCache(file, "key").file("a.yaml") is None


def test_a_cache_cut_short_anywhere_or_with_a_wrong_byte_is_an_empty_one(file: Path):
    saved(file, "a.yaml")
    data = file.read_bytes()
    for end in range(len(data)):
        file.write_bytes(data[:end])
        assert FileCache(file, "key").file("a.yaml") is None
        file.write_bytes(data[:end] + bytes([data[end] ^ 1]) + data[end + 1 :])
        assert FileCache(file, "key").file("a.yaml") is None


def test_a_folder_that_cannot_be_written_is_fine(file: Path):
    """A file stands where the folder should be."""
    file.parent.write_text("in the way")
    assert saved(file, "a.yaml").file("a.yaml") is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_fine(file: Path):
    file.parent.mkdir()
    file.parent.chmod(0o500)
    assert saved(file, "a.yaml").file("a.yaml") is None


def test_a_discarded_cache_is_gone_and_may_be_discarded_again(file: Path):
    cache = saved(file, "a.yaml")
    cache.discard()
    cache.discard()
    assert not file.exists()
