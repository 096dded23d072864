"""Kinds of checkouts, the environment of hooks, and repositories that cannot be read."""

import shutil
from pathlib import Path

import pytest
from registries import write
from repositories import Git, commit_all, git_in
from worktrees import AUTHOR, commit_of, provenance, state

from promptdb.errors import StorageError
from promptdb.git.worktree import open_work_tree

# Kinds of checkouts


def test_in_a_shallow_clone_the_oldest_commit_stands_for_all_before(git: Git, tree: Path, tmp_path: Path) -> None:
    write(tree, {"a.txt": "x", "b.txt": "x"})
    commit_all(git)
    write(tree, {"b.txt": "changed"})
    head = commit_all(git)
    git_in(tmp_path)("clone", "--quiet", "--depth=1", f"file://{tmp_path}", "clone")
    clone = tmp_path / "clone/prompts"
    assert (commit_of(clone, "a.txt"), commit_of(clone, "b.txt")) == (head, head)
    # The first holds what an older commit brought, and nobody here can tell which.
    assert {
        (found.author, found.committed_at) for found in (provenance(clone, "a.txt"), provenance(clone, "b.txt"))
    } == {(None, None)}


def test_above_the_oldest_commit_of_a_shallow_clone_authors_are_known(git: Git, tree: Path, tmp_path: Path) -> None:
    write(tree, {"a.txt": "x", "b.txt": "x"})
    commit_all(git)
    write(tree, {"b.txt": "x2"})
    commit_all(git)
    write(tree, {"a.txt": "x3"})
    head = commit_all(git)
    git_in(tmp_path)("clone", "--quiet", "--depth=2", f"file://{tmp_path}", "clone")
    found = provenance(tmp_path / "clone/prompts", "a.txt")
    assert (found.commit_id, found.author) == (head, AUTHOR)


def test_a_linked_worktree_has_its_own_branch_and_dirt(git: Git, tree: Path, tmp_path: Path) -> None:
    write(tree, {"a.txt": "x", "b.txt": "x"})
    commit = commit_all(git)
    linked = tmp_path.with_name(f"{tmp_path.name}-linked")
    git("worktree", "add", "--quiet", "-b", "feature", str(linked))
    write(linked / "prompts", {"b.txt": "changed"})
    opened = state(linked / "prompts")
    assert (opened.top, opened.branch, opened.commit_id) == (linked.resolve(), "feature", commit)
    assert opened.dirty_paths == {"b.txt"}
    assert commit_of(linked / "prompts", "a.txt") == commit
    assert not state(tree).is_dirty


@pytest.fixture
def submodule(git: Git, tree: Path, tmp_path: Path) -> Path:
    """A repository with prompts of its own, as a submodule below the prompts root of another."""
    library = tmp_path.with_name(f"{tmp_path.name}-library")
    write(library, {"prompts/a.txt": "x", "prompts/b.txt": "x"})
    inner = git_in(library)
    inner("init", "--quiet", "--initial-branch=main")
    commit_all(inner)
    write(tree, {"own.txt": "x"})
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library), "prompts/library")
    commit_all(git)
    return tree / "library"


def test_a_root_in_a_submodule_is_of_the_submodule(submodule: Path) -> None:
    write(submodule, {"prompts/b.txt": "changed"})
    opened = state(submodule / "prompts")
    assert (opened.top, opened.prefix) == (submodule.resolve(), "prompts")
    assert opened.dirty_paths == {"b.txt"}
    assert commit_of(submodule / "prompts", "a.txt") == git_in(submodule)("rev-parse", "HEAD")


def test_a_submodule_below_the_root_leaves_the_tree_clean(submodule: Path, tree: Path) -> None:
    assert not state(tree).is_dirty


def test_an_edited_file_in_a_submodule_below_the_root_is_dirty(submodule: Path, tree: Path) -> None:
    write(submodule, {"prompts/b.txt": "changed"})
    assert state(tree).is_dirty
    assert provenance(tree, "library/prompts/b.txt").is_dirty


# The environment of a hook


def test_the_index_that_a_hook_is_given_is_the_one_that_counts(
    git: Git, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`git commit -- path` runs its hooks with an index of its own, by a path relative to the top."""
    write(tree, {"a.txt": "x"})
    commit_all(git)
    shutil.copy(tmp_path / ".git/index", tmp_path / ".git/next-index-1.lock")
    write(tree, {"b.txt": "x"})
    git("add", "--all", GIT_INDEX_FILE=".git/next-index-1.lock")
    monkeypatch.setenv("GIT_DIR", ".git")
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/next-index-1.lock")
    monkeypatch.chdir(tree)
    assert state(tree).dirty_paths == {"b.txt"}


HOOK = {"GIT_DIR": ".git", "GIT_WORK_TREE": ".", "GIT_INDEX_FILE": ".git/index"}


@pytest.mark.parametrize("names", [["GIT_DIR"], ["GIT_DIR", "GIT_WORK_TREE"], [*HOOK]])
def test_the_environment_of_another_repository_s_hook_changes_nothing(
    git: Git, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: list[str]
) -> None:
    write(tree, {"a.txt": "x", "b.txt": "x"})
    commit = commit_all(git)
    write(tree, {"b.txt": "changed"})
    other = tmp_path.with_name(f"{tmp_path.name}-other")
    write(other, {"unrelated.txt": "x"})
    git_in(other)("init", "--quiet")
    commit_all(git_in(other))
    for name in names:
        monkeypatch.setenv(name, str(other / HOOK[name]))
    opened = state(tree)
    assert (opened.top, opened.commit_id, opened.branch) == (tmp_path.resolve(), commit, "main")
    assert opened.dirty_paths == {"b.txt"}
    assert commit_of(tree, "a.txt") == commit


@pytest.mark.parametrize(
    "setting",
    [
        ("status.showUntrackedFiles", "no"),
        ("core.quotePath", "true"),
        ("status.relativePaths", "true"),
        ("log.date", "iso"),
        ("color.ui", "always"),
        ("diff.renames", "copies"),
    ],
)
def test_the_user_s_git_settings_change_nothing(git: Git, tree: Path, setting: tuple[str, str]) -> None:
    write(tree, {"ä.txt": "x", "b.txt": "x"})
    commit = commit_all(git)
    write(tree, {"b.txt": "changed", "ö/new.txt": "x"})
    git("config", *setting)
    assert state(tree).dirty_paths == {"b.txt", "ö/new.txt"}
    assert commit_of(tree, "ä.txt") == commit


# What cannot be read


def test_a_head_that_is_garbage_is_a_storage_error(git: Git, tree: Path, tmp_path: Path) -> None:
    write(tree, {"a.txt": "x"})
    commit_all(git)
    (tmp_path / ".git/HEAD").write_text("garbage\n")
    with pytest.raises(StorageError, match="git"):
        state(tree).dirty_paths  # noqa: B018


@pytest.mark.parametrize("ask", ["commit_id", "branch"])
def test_a_head_that_is_garbage_is_not_told_as_no_commit(git: Git, tree: Path, tmp_path: Path, ask: str) -> None:
    write(tree, {"a.txt": "x"})
    commit_all(git)
    (tmp_path / ".git/HEAD").write_text("garbage\n")
    with pytest.raises(StorageError):
        getattr(state(tree), ask)


def test_a_repository_without_a_head_is_a_storage_error(git: Git, tree: Path, tmp_path: Path) -> None:
    (tmp_path / ".git/HEAD").unlink()
    with pytest.raises(StorageError, match="git cannot read the repository"):
        state(tree).dirty_paths  # noqa: B018


def test_a_git_file_that_leads_nowhere_is_a_storage_error(tree: Path, tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: gone\n")
    with pytest.raises(StorageError, match="git cannot read the repository"):
        state(tree).dirty_paths  # noqa: B018


def test_a_broken_index_is_a_storage_error_of_one_line(git: Git, tree: Path, tmp_path: Path) -> None:
    write(tree, {"a.txt": "x"})
    commit_all(git)
    (tmp_path / ".git/index").write_bytes(b"garbage")
    with pytest.raises(StorageError) as caught:
        state(tree).dirty_paths  # noqa: B018
    assert caught.value.message.startswith("'git status' failed: ")
    assert "\n" not in caught.value.message


def test_a_git_that_is_not_installed_is_a_storage_error_with_the_remedy(
    git: Git, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tree, {"a.txt": "x"})
    commit_all(git)
    monkeypatch.setenv("PATH", str(tree))
    with pytest.raises(StorageError) as caught:
        state(tree).dirty_paths  # noqa: B018
    assert caught.value.message == "git is not installed, but the prompts are in a git repository"
    assert caught.value.hint == "install git"


def test_without_git_installed_a_folder_outside_of_git_is_fine(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tree))
    assert open_work_tree(tree) is None


def test_a_repository_of_somebody_else_is_refused_as_git_refuses_it(
    git: Git, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its configuration may name programs to run (CVE-2022-24765)."""
    write(tree, {"a.txt": "x"})
    commit_all(git)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(StorageError, match=r"dubious ownership|safe\.directory"):
        state(tree).dirty_paths  # noqa: B018
