"""The cache of digests: it saves work, and never changes a result."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from promptdb.domain.digest import digest_of
from promptdb.files.cache import FileCache, KnownFile
from promptdb.files.scan import scan
from promptdb.files.tree import WorkTree
from promptdb.sync.collect import collect

Put = Callable[[str, str | bytes], Path]

FILE, OTHER, SPEC = digest_of(b"file"), digest_of(b"other"), digest_of(b"spec")
KNOWN = KnownFile(FILE, SPEC, "1.0", ("a/old",), {"_shared/tone.md": OTHER})


def cache_files() -> list[Path]:
    return sorted((Path(os.environ["XDG_CACHE_HOME"]) / "promptdb" / "files").glob("*"))


def saved(root: Path, *paths: str) -> Path:
    """The file of a cache that knows these paths."""
    cache = FileCache(root, "key")
    for path in paths:
        cache.keep(path, KNOWN)
    cache.save()
    [file] = cache_files()
    return file


def test_what_was_kept_is_known_the_next_time(tree: Path):
    saved(tree, "a.yaml")
    cache = FileCache(tree, "key")
    assert cache.has("a.yaml")
    assert cache.get("a.yaml", FILE) == KNOWN


@pytest.mark.parametrize(("path", "file"), [("b.yaml", FILE), ("a.yaml", OTHER)], ids=["another path", "other bytes"])
def test_what_is_not_known(tree: Path, path: str, file: Any):
    saved(tree, "a.yaml")
    assert FileCache(tree, "key").get(path, file) is None


def test_what_is_kept_is_not_known_in_the_same_run(tree: Path):
    cache = FileCache(tree, "key")
    cache.keep("a.yaml", KNOWN)
    assert not cache.has("a.yaml")


def test_what_was_not_kept_again_is_forgotten(tree: Path):
    saved(tree, "a.yaml", "b.yaml")
    saved(tree, "b.yaml")
    cache = FileCache(tree, "key")
    assert (cache.has("a.yaml"), cache.has("b.yaml")) == (False, True)


@pytest.mark.parametrize("what", ["root", "key"])
def test_each_root_and_each_way_to_read_has_a_cache_of_its_own(tree: Path, tmp_path: Path, what: str):
    saved(tree, "a.yaml")
    other = FileCache(tmp_path, "key") if what == "root" else FileCache(tree, "other key")
    assert not other.has("a.yaml")


def test_nothing_is_written_if_nothing_changed(tree: Path):
    file = saved(tree, "a.yaml")
    file.chmod(0o444)
    before = file.stat()
    assert saved(tree, "a.yaml") == file
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_no_temporary_file_is_left(tree: Path):
    assert [file.suffix for file in [saved(tree, "a.yaml")]] == [".json"]


BROKEN = {
    "empty": b"",
    "cut short": b'{"a.yaml": ["sha256:',
    "not UTF-8": b"\xff\xfe",
    "a list": b"[]",
    "null": b"null",
    "a number": b"3",
    "a number for a row": b'{"a.yaml": 3}',
    "a short row": b'{"a.yaml": ["x"]}',
    "a long row": b'{"a.yaml": [1, 2, 3, 4, 5, 6]}',
    "null for a list": b'{"a.yaml": ["x", "y", null, null, {}]}',
    "nested": b"[" * 100_000,
    "a huge number": b'{"a.yaml": ' + b"9" * 5_000 + b"}",
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_cache_is_an_empty_one_and_is_replaced(tree: Path, content: bytes):
    file = saved(tree, "a.yaml")
    file.write_bytes(content)
    assert FileCache(tree, "key").get("a.yaml", FILE) is None
    saved(tree, "a.yaml")
    assert FileCache(tree, "key").get("a.yaml", FILE) == KNOWN


@pytest.mark.parametrize("obstacle", ["promptdb", "promptdb/files"])
def test_a_folder_that_cannot_be_written_is_fine(tree: Path, obstacle: str):
    """A file stands where the folder should be."""
    path = Path(os.environ["XDG_CACHE_HOME"]) / obstacle
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("in the way")
    cache = FileCache(tree, "key")
    cache.keep("a.yaml", KNOWN)
    cache.save()
    assert not FileCache(tree, "key").has("a.yaml")


# In use: a cache that was tampered with shows whether it was asked.

FAKE = digest_of(b"only in the cache")


def digests(tree: Path) -> dict[str, str]:
    desired = collect(scan(tree), WorkTree(tree), "f-string")
    return {str(item.path): item.digest for item in desired.items}


def put_fake_digests() -> None:
    [file] = cache_files()
    rows = json.loads(file.read_bytes())
    file.write_text(json.dumps({path: [row[0], FAKE, *row[2:]] for path, row in rows.items()}))


TREE = {
    "a.yaml": "template: Hi\n",
    "b.yaml": "template_file: _body.md\n",
    "c.j2": '{% include "_outer.md" %}',
    "d.yaml": "template: x\nassets: [{path: _data.csv}]\n",
    "e.yaml": "template: '{examples}'\nfew_shot: {string_template: '{q}', examples_file: _rows.json}\n",
    "_body.md": "Body",
    "_outer.md": '<{% include "_inner.md" %}>',
    "_inner.md": "inner",
    "_data.csv": "1,2\n",
    "_rows.json": '[{"q": 1}]',
}


@pytest.fixture
def known(tree: Path, put: Put) -> dict[str, str]:
    """A tree that was collected once; gives its digests. The cache now holds other ones."""
    for path, content in TREE.items():
        put(path, content)
    found = digests(tree)
    put_fake_digests()
    return found


def test_files_that_did_not_change_are_not_parsed_again(tree: Path, known: dict[str, str]):
    assert digests(tree) == dict.fromkeys(known, FAKE)


@pytest.mark.parametrize(
    ("edited", "content", "parsed"),
    [
        ("a.yaml", "template: Hello\n", "a.yaml"),
        ("_body.md", "Other", "b.yaml"),
        ("_outer.md", '[{% include "_inner.md" %}]', "c.j2"),
        ("_inner.md", "other", "c.j2"),
        ("_data.csv", "3,4\n", "d.yaml"),
        ("_rows.json", '[{"q": 2}]', "e.yaml"),
    ],
)
def test_an_edit_of_a_file_or_of_what_it_names_is_seen(
    tree: Path, put: Put, known: dict[str, str], edited: str, content: str, parsed: str
):
    put(edited, content)
    found = digests(tree)
    assert {path for path, digest in found.items() if digest != FAKE} == {parsed}
    assert found[parsed] != known[parsed]


def test_an_edit_that_keeps_size_and_time_is_seen(tree: Path, put: Put, known: dict[str, str]):
    before = (tree / "a.yaml").stat()
    put("a.yaml", "template: Ho\n")
    os.utime(tree / "a.yaml", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert digests(tree)["a.yaml"] not in (FAKE, known["a.yaml"])


@pytest.mark.parametrize("name", ["_body.md", "_inner.md", "_data.csv", "_rows.json"])
def test_a_named_file_that_is_gone_is_seen(tree: Path, known: dict[str, str], name: str):
    (tree / name).unlink()
    desired = collect(scan(tree), WorkTree(tree), "f-string")
    assert len(desired.items) == len(known) - 1
    assert len(desired.errors) == 1


def test_a_touched_file_is_still_known(tree: Path, known: dict[str, str]):
    os.utime(tree / "a.yaml")
    assert digests(tree)["a.yaml"] == FAKE


def test_a_moved_file_is_parsed(tree: Path, known: dict[str, str]):
    (tree / "a.yaml").rename(tree / "z.yaml")
    assert digests(tree)["z.yaml"] == known["a.yaml"]


def test_a_file_with_a_warning_is_parsed_each_time_so_that_it_is_told(tree: Path, put: Put):
    put("a.yaml", "template: x\nvariables: {y: {}}\n")
    for _ in range(2):
        assert len(collect(scan(tree), WorkTree(tree), "f-string").problems) == 1


def test_a_cached_prompt_has_its_label_and_earlier_names(tree: Path, put: Put):
    put("a.yaml", "template: x\nmetadata: {user_version: '1.0'}\nrenamed_from: [s/old]\n")
    first = collect(scan(tree), WorkTree(tree), "f-string").items
    put_fake_digests()
    assert collect(scan(tree), WorkTree(tree), "f-string").items == [replace(first[0], digest=FAKE)]


def test_another_text_format_does_not_use_the_cache(tree: Path, put: Put):
    put("a.md", "Hi")
    digests(tree)
    put_fake_digests()
    [item] = collect(scan(tree), WorkTree(tree), "plain").items
    assert item.digest != FAKE
