"""The bytes of files, up to a limit and from inside the tree only."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from promptdb.domain.digest import digest_of
from promptdb.errors import OutsideRoot
from promptdb.files.streams import StoredFile
from promptdb.files.tree import (
    MAX_ASSET_BYTES,
    MAX_TEXT_BYTES,
    FileChanged,
    FileTooLarge,
    WorkTree,
    measure,
    open_stored,
    size_text,
)

Put = Callable[[str, str | bytes], Path]


def test_read_gives_the_bytes_as_they_are(tree: Path, put: Put):
    put("a/b.txt", b"\xef\xbb\xbfx\r\n\xff")
    assert WorkTree(tree).read("a/b.txt", 100) == b"\xef\xbb\xbfx\r\n\xff"
    assert WorkTree(tree).read_scanned("a/b.txt", 100) == b"\xef\xbb\xbfx\r\n\xff"


@pytest.mark.parametrize("method", ["read", "read_scanned", "open"])
def test_the_limit_is_the_largest_size(tree: Path, put: Put, method: str):
    put("x", b"12345")
    read = getattr(WorkTree(tree), method)
    found = read("x", 5)
    assert (found if isinstance(found, bytes) else found.read()) == b"12345"
    with pytest.raises(FileTooLarge):
        read("x", 4)


def test_the_limits_are_a_mebibyte_of_text_and_5_gibibytes_of_an_asset():
    assert (MAX_TEXT_BYTES, MAX_ASSET_BYTES) == (1_048_576, 5_368_709_120)
    assert (size_text(MAX_TEXT_BYTES), size_text(MAX_ASSET_BYTES)) == ("1,024 KiB", "5 GiB")


@pytest.mark.parametrize("method", ["read", "read_scanned", "open"])
def test_a_pipe_is_refused_and_not_waited_for(tree: Path, method: str):
    os.mkfifo(tree / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        getattr(WorkTree(tree), method)("pipe", 100)


@pytest.mark.parametrize("method", ["read", "read_scanned", "open"])
def test_a_file_that_is_not_there(tree: Path, method: str):
    with pytest.raises(FileNotFoundError):
        getattr(WorkTree(tree), method)("nope", 5)


def test_a_folder_is_no_file(tree: Path, put: Put):
    put("a/b.txt", "x")
    with pytest.raises(IsADirectoryError):
        WorkTree(tree).read("a", 5)


@pytest.mark.parametrize("kept", [True, False], ids=["git keeps CRLF", "git stores LF"])
def test_what_is_measured_is_what_is_opened(tree: Path, put: Put, kept: bool):
    put("x", b"a\r\nb\r\n")
    asked: list[object] = []

    def stores_lf(path: str, lf: Callable[[], BinaryIO], size: int, has_nul: bool) -> bool:
        asked.append((path, lf().read(), size, has_nul))
        return not kept

    work_tree = WorkTree(tree, stores_lf)
    stored, read = measure(work_tree, "x", 100)
    expected = b"a\r\nb\r\n" if kept else b"a\nb\n"
    assert asked == [("x", b"a\nb\n", 4, False)]
    assert read == digest_of(b"a\r\nb\r\n")
    assert stored == StoredFile(digest_of(expected), len(expected), is_converted=not kept)
    assert open_stored(work_tree, "x", stored).read() == expected


def test_git_is_not_asked_for_a_file_without_crlf(tree: Path, put: Put):
    put("x", b"a\rb\n\r")
    stored, _ = measure(WorkTree(tree, lambda *_: pytest.fail("asked")), "x", 100)
    assert stored == StoredFile(digest_of(b"a\rb\n\r"), 5)


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "link"])
def test_read_stays_inside(tree: Path, path: str):
    (tree.parent / "x").write_text("secret")
    (tree / "link").symlink_to("../x")
    with pytest.raises(OutsideRoot):
        WorkTree(tree).read(path, 100)


@pytest.mark.parametrize("name", ["loop", "ping"])
def test_a_link_in_a_circle_is_an_os_error(tree: Path, name: str):
    for link, target in {"loop": "loop", "ping": "pong", "pong": "ping"}.items():
        (tree / link).symlink_to(target)
    with pytest.raises((OSError, OutsideRoot)):
        WorkTree(tree).read(name, 100)


# Replacing


def test_a_file_is_replaced_and_keeps_its_permissions(tree: Path, put: Put):
    file = put("a/b.yaml", b"old")
    file.chmod(0o640)
    WorkTree(tree).replace("a/b.yaml", b"old", b"new")
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"new", 0o640)
    assert list(file.parent.iterdir()) == [file]


def test_whoever_has_the_old_file_open_still_reads_it(tree: Path, put: Put):
    with put("x", b"old").open("rb") as opened:
        WorkTree(tree).replace("x", b"old", b"new, and longer")
        assert opened.read() == b"old"


@pytest.mark.parametrize("now", [b"other", b"old and more", b""])
def test_a_file_that_changed_is_not_replaced(tree: Path, put: Put, now: bytes):
    file = put("x", now)
    with pytest.raises(FileChanged):
        WorkTree(tree).replace("x", b"old", b"new")
    assert (file.read_bytes(), list(tree.iterdir())) == (now, [file])


def test_a_link_inside_stays_a_link(tree: Path, put: Put):
    put("_texts/x", b"old")
    (tree / "x").symlink_to("_texts/x")
    WorkTree(tree).replace("x", b"old", b"new")
    assert (tree / "x").is_symlink()
    assert (tree / "_texts/x").read_bytes() == b"new"


def test_nothing_is_written_through_a_link_out_of_the_tree(tree: Path, tmp_path: Path):
    (tmp_path / "outside").write_bytes(b"old")
    (tree / "x").symlink_to(tmp_path / "outside")
    with pytest.raises(OutsideRoot):
        WorkTree(tree).replace("x", b"old", b"new")
    assert (tmp_path / "outside").read_bytes() == b"old"


def test_a_file_that_is_gone_is_not_made_again(tree: Path):
    with pytest.raises(FileNotFoundError):
        WorkTree(tree).replace("x", b"old", b"new")
    assert list(tree.iterdir()) == []


def test_a_new_file_replaces_none(tree: Path) -> None:
    work_tree = WorkTree(tree)
    work_tree.create("x.yaml", b"mine")
    with pytest.raises(FileChanged):
        work_tree.create("x.yaml", b"other")
    assert [(file.name, file.read_text()) for file in tree.iterdir()] == [("x.yaml", "mine")]
