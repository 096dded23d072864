"""Paths that stay in their folder, and files that are opened only if they are regular ones."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from promptdb.errors import OutsideRoot
from promptdb.safe_paths import contained, open_regular


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a file, a folder, and links of every kind; a secret lies beside it."""
    (tmp_path / "secret.txt").write_text("s3cret")
    folder = tmp_path / "prompts"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "b.txt").write_text("b")
    for name, target in {
        "inside.txt": "a/b.txt",
        "folder": "a",
        "out.txt": "../secret.txt",
        "absolute.txt": str(tmp_path / "secret.txt"),
        "up": "..",
        "broken.txt": "nowhere.txt",
        "a/loop.txt": "loop.txt",
        "a/ping.txt": "pong.txt",
        "a/pong.txt": "ping.txt",
        "chain.txt": "up/secret.txt",
    }.items():
        (folder / name).symlink_to(target)
    return folder


@pytest.mark.parametrize(
    ("relative", "real"),
    [
        pytest.param("a/b.txt", "a/b.txt", id="a file"),
        pytest.param("a", "a", id="a folder"),
        pytest.param(".", ".", id="the folder itself"),
        pytest.param("a/../a/b.txt", "a/b.txt", id=".. that stays inside"),
        pytest.param("nope/x.txt", "nope/x.txt", id="something that is not there"),
        pytest.param("inside.txt", "a/b.txt", id="a link to a file inside"),
        pytest.param("folder/b.txt", "a/b.txt", id="through a link to a folder inside"),
        pytest.param("broken.txt", "nowhere.txt", id="a link to nothing"),
        pytest.param("a b/ü.txt", "a b/ü.txt", id="spaces and letters outside ASCII"),
    ],
)
def test_what_stays_inside(root: Path, relative: str, real: str):
    assert contained(root, relative) == root.resolve() / real


@pytest.mark.parametrize(
    ("relative", "message"),
    [
        pytest.param("..", "leads outside prompts", id="the folder above"),
        pytest.param("../secret.txt", "leads outside prompts", id="a file beside"),
        pytest.param("a/../../secret.txt", "leads outside prompts", id="up behind a folder"),
        pytest.param("../prompts-other/x", "leads outside prompts", id="a folder whose name starts alike"),
        pytest.param("nope/../../secret.txt", "leads outside prompts", id="up behind something that is not there"),
        pytest.param("out.txt", "leads outside prompts", id="a link to a file outside"),
        pytest.param("absolute.txt", "leads outside prompts", id="an absolute link"),
        pytest.param("up/secret.txt", "leads outside prompts", id="through a link to a folder outside"),
        pytest.param("chain.txt", "leads outside prompts", id="a link through a link"),
        pytest.param("/etc/passwd", "is not a relative path", id="an absolute path"),
        pytest.param("a\\..\\..\\secret.txt", "is not a relative path", id="backslashes"),
        pytest.param("a\0b", "is not a relative path", id="NUL"),
    ],
)
def test_what_leads_outside(root: Path, relative: str, message: str):
    with pytest.raises(OutsideRoot) as caught:
        contained(root, relative)
    assert caught.value.message.startswith(repr(relative))
    assert message in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("relative", ["a/loop.txt", "a/ping.txt", "a/loop.txt/deeper"])
def test_a_link_in_a_circle_leads_nowhere_and_is_no_crash(root: Path, relative: str):
    try:
        real = contained(root, relative)
    except OutsideRoot:
        return
    assert not real.exists()


def test_the_root_may_be_a_link_itself(root: Path, tmp_path: Path):
    (tmp_path / "link").symlink_to(root)
    assert contained(tmp_path / "link", "a/b.txt") == root.resolve() / "a" / "b.txt"


def test_a_regular_file_is_opened_with_its_status(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"abc")
    file, status = open_regular(tmp_path / "a")
    with file:
        (tmp_path / "b").write_bytes(b"another")
        (tmp_path / "b").replace(tmp_path / "a")
        assert (file.read(), status.st_size) == (b"abc", 3)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["a pipe", "a folder"])
def test_anything_else_than_a_regular_file_is_refused_at_once(make: Callable[[Path], None], tmp_path: Path):
    make(tmp_path / "x")
    with pytest.raises(OSError, match=r"not a regular file|Is a directory"):
        open_regular(tmp_path / "x")
