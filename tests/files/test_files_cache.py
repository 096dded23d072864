"""The file of the cache: it saves work, and never changes a result."""

import os
from pathlib import Path
from typing import Any

import pytest

from promptdb.files.cache import read_cache, write_cache

ROWS = {"a.yaml": ["sha256:1", "sha256:2", "1.0", ["a/old"], {"_shared/tone.md": "sha256:3"}], "ü.yaml": []}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "caches" / "files.json"


def saved(file: Path) -> Any:
    write_cache(file, "key", ROWS)
    return read_cache(file, "key")


def test_what_was_written_is_read(file: Path):
    assert saved(file) == ROWS


def test_another_key_reads_nothing(file: Path):
    saved(file)
    assert read_cache(file, "other key") is None


def test_no_temporary_file_is_left(file: Path):
    saved(file)
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("data", [b"", b"promptdb files", b"\n", b'{"a.yaml": ["x"]}'])
def test_a_foreign_file_is_no_cache_and_is_replaced(file: Path, data: bytes):
    file.parent.mkdir()
    file.write_bytes(data)
    assert read_cache(file, "key") is None
    assert saved(file) == ROWS


def test_a_cache_of_a_newer_format_is_not_read(file: Path):
    saved(file)
    file.write_bytes(file.read_bytes().replace(b"promptdb files 3", b"promptdb files 4"))
    assert read_cache(file, "key") is None


def test_a_cache_cut_short_anywhere_or_with_a_wrong_byte_is_not_read(file: Path):
    saved(file)
    data = file.read_bytes()
    for end in range(len(data)):
        file.write_bytes(data[:end])
        assert read_cache(file, "key") is None
        file.write_bytes(data[:end] + bytes([data[end] ^ 1]) + data[end + 1 :])
        assert read_cache(file, "key") is None


def test_a_folder_that_cannot_be_written_is_fine(file: Path):
    """A file stands where the folder should be."""
    file.parent.write_text("in the way")
    assert saved(file) is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_fine(file: Path):
    file.parent.mkdir()
    file.parent.chmod(0o500)
    assert saved(file) is None
