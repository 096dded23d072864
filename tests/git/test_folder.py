"""Where git keeps the state of a work tree."""

from pathlib import Path

import pytest
from registries import write
from repositories import Git, commit_all, git_in

from promptdb.git.folder import GitFolder, git_folder


def test_outside_of_git_there_is_none(tmp_path: Path) -> None:
    assert git_folder(tmp_path) is None


def test_a_repository_keeps_everything_in_one_folder(tmp_path: Path, git: Git) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    own = tmp_path / ".git"
    assert git_folder(tmp_path / "a/b") == GitFolder(tmp_path, own, own)


def test_a_linked_work_tree_shares_the_refs(tmp_path: Path, git: Git) -> None:
    commit_all(git)
    git("worktree", "add", "--quiet", "-b", "topic", "linked")
    found = git_folder(tmp_path / "linked")
    assert found == GitFolder(tmp_path / "linked", tmp_path / ".git/worktrees/linked", tmp_path / ".git")
    assert found.branch_file == tmp_path / ".git/refs/heads/topic"
    assert found.branch_file.read_text() == git("rev-parse", "HEAD") + "\n"


def test_a_submodule_has_a_folder_of_its_own(tmp_path: Path, git: Git) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    inside = git_in(inner)
    inside("init", "--quiet", "--initial-branch=main")
    commit_all(inside)
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "./inner", "sub")
    own = tmp_path / ".git/modules/sub"
    assert git_folder(tmp_path / "sub") == GitFolder(tmp_path / "sub", own, own)


def test_a_detached_head_has_no_branch(tmp_path: Path, git: Git) -> None:
    commit_all(git)
    git("checkout", "--quiet", "--detach")
    found = git_folder(tmp_path)
    assert found is not None
    assert found.branch_file is None


@pytest.mark.parametrize("text", ["", "gitdir: ", "nonsense"])
def test_a_file_in_its_place_that_names_nothing_is_none(text: str, tmp_path: Path) -> None:
    write(tmp_path, {".git": text})
    assert git_folder(tmp_path) is None
