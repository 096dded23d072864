"""Changes of the index: all or none, and only of the paths that are named."""

from pathlib import Path

import pytest
from registries import write
from repositories import Git, commit_all

from promptdb.errors import StorageError
from promptdb.git.index import is_ignored, write_blob, write_entries
from promptdb.git.objects import Entry, read_blobs
from promptdb.git.repository import Repository

ODD = "a [b] *:ü.txt"


@pytest.fixture
def repository(git: Git, tmp_path: Path) -> Repository:
    write(tmp_path, {"a.txt": "a", "b.txt": "b"})
    commit_all(git)
    return Repository(tmp_path)


def test_entries_are_added_replaced_and_removed_at_once(repository: Repository, git: Git) -> None:
    blob = write_blob(repository, b"new\r\n")
    write_entries(repository, {"a.txt": None, "b.txt": Entry("100755", blob), ODD: Entry("100644", blob)})
    assert (
        git("-c", "core.quotePath=false", "diff", "--cached", "--raw", "--no-abbrev", "--no-renames").count(blob) == 2
    )
    assert git("ls-files", "-z").split("\0")[:-1] == [ODD, "b.txt"]
    assert read_blobs(repository, [blob]) == {blob: b"new\r\n"}


@pytest.mark.parametrize("path", ["../c.txt", ".git/c"])
def test_an_entry_that_cannot_be_changes_nothing(repository: Repository, git: Git, path: str) -> None:
    with pytest.raises(StorageError, match="git update-index"):
        write_entries(repository, {"b.txt": None, path: Entry("100644", write_blob(repository, b"c"))})
    assert git("status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("rule", "path", "ignored"),
    [
        ("drafts/", "drafts/deep/x.txt", True),
        ("*.txt", "a.txt", True),
        ("*.txt\n!keep.txt", "keep.txt", False),
        ("x", "y", False),
        ("*ü.txt", ODD, True),
        ("/:x", ":x", True),
    ],
)
def test_rules_hold_for_paths_that_are_not_there(
    repository: Repository, tmp_path: Path, rule: str, path: str, ignored: bool
) -> None:
    write(tmp_path, {".gitignore": f"{rule}\n"})
    assert is_ignored(repository, path) is ignored
