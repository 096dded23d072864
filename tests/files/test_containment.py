"""Paths that stay in their folder."""

from pathlib import Path

import pytest

from promptdb.containment import contained
from promptdb.errors import OutsideRoot


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
