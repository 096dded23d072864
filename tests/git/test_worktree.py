"""Where a prompts root is in its repository, what git ignores there, and what is dirty."""

import os
import subprocess
from pathlib import Path

import pytest
from registries import write
from repositories import Git, commit_all, git_in
from worktrees import commit_of, provenance, state

from promptdb.domain.views import Provenance
from promptdb.git.repository import repository_root
from promptdb.git.worktree import open_work_tree

# Where the repository is


def test_outside_of_git_there_is_no_state(tree: Path) -> None:
    assert repository_root(tree) is None
    assert open_work_tree(tree) is None


@pytest.mark.parametrize(
    ("folder", "prefix"), [(".", "."), ("prompts", "prompts"), ("apps/shop/prompts", "apps/shop/prompts")]
)
def test_the_prefix_leads_from_the_top_to_the_root(git: Git, tmp_path: Path, folder: str, prefix: str) -> None:
    root = tmp_path / folder
    root.mkdir(parents=True, exist_ok=True)
    opened = state(root)
    assert (opened.top, opened.prefix) == (tmp_path.resolve(), prefix)


@pytest.mark.parametrize("folder", [".", "prompts", "apps/shop/prompts"])
def test_paths_are_told_from_the_root_and_recorded_from_the_top(git: Git, tmp_path: Path, folder: str) -> None:
    root = tmp_path / folder
    write(root, {"support/triage.txt": "one", "other.txt": "two"})
    commit_all(git)
    (root / "support/triage.txt").write_text("changed")
    assert state(root).dirty_paths == {"support/triage.txt"}
    assert provenance(root, "other.txt").path == ("other.txt" if folder == "." else f"{folder}/other.txt")


def test_a_root_reached_through_a_symbolic_link_is_the_real_one(git: Git, tree: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tree)
    assert state(tmp_path / "link").prefix == "prompts"


def test_dirty_paths_outside_of_the_root_do_not_count(git: Git, tree: Path, tmp_path: Path) -> None:
    write(tmp_path, {"README.txt": "x", "prompts/a.txt": "x", "prompts-old/a.txt": "x"})
    commit_all(git)
    write(tmp_path, {"README.txt": "changed", "prompts-old/a.txt": "changed", "prompts-old/new.txt": "x"})
    assert not state(tree).is_dirty


# HEAD


def test_head_is_a_commit_on_a_branch(git: Git, tree: Path) -> None:
    write(tree, {"a.txt": "x"})
    commit = commit_all(git)
    assert (state(tree).commit_id, state(tree).branch) == (commit, "main")


def test_a_detached_head_has_no_branch(git: Git, tree: Path) -> None:
    write(tree, {"a.txt": "x"})
    commit = commit_all(git)
    git("checkout", "--quiet", "--detach")
    assert (state(tree).commit_id, state(tree).branch) == (commit, None)
    assert provenance(tree, "a.txt").branch is None


def test_an_empty_repository_has_a_branch_and_no_commit(git: Git, tree: Path) -> None:
    write(tree, {"a.txt": "x"})
    opened = state(tree)
    assert (opened.commit_id, opened.branch, opened.dirty_paths) == (None, "main", {"a.txt"})
    assert provenance(tree, "a.txt") == Provenance("prompts/a.txt", None, "main", is_dirty=True)


def test_a_branch_whose_name_is_not_utf8_is_told_somehow(git: Git, tree: Path) -> None:
    write(tree, {"a.txt": "x"})
    commit_all(git)
    git("checkout", "--quiet", "-b", os.fsdecode(b"f\xfcr"))
    branch = state(tree).branch
    assert branch is not None
    assert branch.isprintable()  # a lone surrogate is not, and no database takes it


# Ignored


@pytest.mark.parametrize(
    ("ignore_file", "pattern", "path"),
    [
        (".gitignore", "*.log.txt", "a.log.txt"),
        (".gitignore", "/prompts/drafts/", "drafts/"),
        (".gitignore", "prompts/x.txt", "x.txt"),
        ("prompts/.gitignore", "drafts", "drafts/"),
        ("prompts/support/.gitignore", "*", "support/a.txt"),
        (".git/info/exclude", "secret.txt", "secret.txt"),
    ],
)
def test_what_git_ignores_is_ignored(
    git: Git, tree: Path, tmp_path: Path, ignore_file: str, pattern: str, path: str
) -> None:
    write(tree, {f"{path}inner.txt" if path.endswith("/") else path: "x", "kept.txt": "x"})
    write(tmp_path, {ignore_file: f"{pattern}\n"})
    opened = state(tree)
    assert opened.ignores(path)
    assert not opened.ignores("kept.txt")
    assert path not in opened.dirty_paths


def test_a_file_that_was_added_by_force_is_not_ignored(git: Git, tree: Path, tmp_path: Path) -> None:
    write(tmp_path, {".gitignore": "*.txt\n", "prompts/a.txt": "x", "prompts/b.txt": "x"})
    git("add", "--force", "prompts/a.txt")
    opened = state(tree)
    assert (opened.ignores("a.txt"), opened.ignores("b.txt")) == (False, True)


@pytest.mark.parametrize("pattern", ["/prompts/", "/outer/", "prompts"])
def test_everything_is_ignored_below_an_ignored_root(git: Git, tmp_path: Path, pattern: str) -> None:
    root = tmp_path / ("outer/prompts" if "outer" in pattern else "prompts")
    write(root, {"a.txt": "x", "support/b.txt": "x"})
    write(tmp_path, {".gitignore": pattern})
    opened = state(root)
    assert opened.ignores("a.txt")
    assert opened.ignores("support/")
    assert not opened.is_dirty


def test_a_neighbour_whose_name_starts_like_the_root_ignores_nothing(git: Git, tree: Path, tmp_path: Path) -> None:
    write(tmp_path, {".gitignore": "/prompt/\n", "prompt/a.txt": "x", "prompts/a.txt": "x"})
    assert not state(tree).ignores("a.txt")


# Dirty


def committed(git: Git, tree: Path) -> None:
    write(tree, {"a.txt": "one\n" * 20, "b.txt": "two\n", "support/c.txt": "three\n"})
    commit_all(git)


def test_a_committed_tree_is_clean(git: Git, tree: Path) -> None:
    committed(git, tree)
    assert not state(tree).is_dirty
    assert state(tree).dirty_paths == frozenset()


def test_a_modified_file_is_dirty(git: Git, tree: Path) -> None:
    committed(git, tree)
    write(tree, {"support/c.txt": "changed"})
    assert state(tree).dirty_paths == {"support/c.txt"}


def test_a_staged_file_is_dirty(git: Git, tree: Path) -> None:
    committed(git, tree)
    write(tree, {"b.txt": "changed"})
    git("add", "--all")
    assert state(tree).dirty_paths == {"b.txt"}


def test_a_file_staged_and_then_put_back_is_dirty(git: Git, tree: Path) -> None:
    committed(git, tree)
    write(tree, {"b.txt": "changed"})
    git("add", "--all")
    write(tree, {"b.txt": "two\n"})
    assert state(tree).dirty_paths == {"b.txt"}


def test_untracked_files_are_dirty_one_by_one(git: Git, tree: Path) -> None:
    committed(git, tree)
    write(tree, {"new/x.txt": "x", "new/deep/y.txt": "y"})
    assert state(tree).dirty_paths == {"new/x.txt", "new/deep/y.txt"}


@pytest.mark.parametrize("staged", [True, False])
def test_a_deleted_file_is_dirty(git: Git, tree: Path, staged: bool) -> None:
    committed(git, tree)
    (tree / "b.txt").unlink()
    if staged:
        git("add", "--all")
    assert state(tree).dirty_paths == {"b.txt"}


def test_both_names_of_a_renamed_file_are_dirty(git: Git, tree: Path) -> None:
    committed(git, tree)
    git("mv", "prompts/a.txt", "prompts/z.txt")
    assert state(tree).dirty_paths == {"a.txt", "z.txt"}


def test_the_entry_after_a_rename_is_read_as_itself(git: Git, tree: Path) -> None:
    committed(git, tree)
    git("mv", "prompts/a.txt", "prompts/aa.txt")
    write(tree, {"b.txt": "changed"})
    assert state(tree).dirty_paths == {"a.txt", "aa.txt", "b.txt"}


def test_a_file_renamed_out_of_the_root_is_dirty(git: Git, tree: Path, tmp_path: Path) -> None:
    committed(git, tree)
    (tmp_path / "attic").mkdir()
    git("mv", "prompts/a.txt", "attic/a.txt")
    assert "a.txt" in state(tree).dirty_paths


def test_a_copy_that_git_detects_is_read_as_two_paths(git: Git, tree: Path) -> None:
    committed(git, tree)
    git("config", "status.renames", "copies")
    write(tree, {"a.txt": "one\n" * 21, "copy.txt": "one\n" * 20})
    git("add", "--all")
    assert state(tree).dirty_paths == {"a.txt", "copy.txt"}


def test_a_conflict_is_dirty(git: Git, tree: Path) -> None:
    committed(git, tree)
    git("checkout", "--quiet", "-b", "side")
    write(tree, {"b.txt": "side"})
    commit_all(git)
    git("checkout", "--quiet", "main")
    write(tree, {"b.txt": "main"})
    commit_all(git)
    with pytest.raises(Exception, match="merge"):
        git("merge", "--quiet", "side")
    assert state(tree).dirty_paths == {"b.txt"}


def test_a_file_is_dirty_where_another_that_it_depends_on_is(git: Git, tree: Path) -> None:
    write(tree, {"a.txt": "x", "b.txt": "x", "_shared/tone.txt": "x"})
    commit = commit_all(git)
    write(tree, {"_shared/tone.txt": "changed"})
    found = state(tree).provenance({"a.txt": ["_shared/tone.txt"], "b.txt": ["_shared/other.txt"]})
    assert found["a.txt"] == Provenance("prompts/a.txt", commit, "main", is_dirty=True)
    assert not found["b.txt"].is_dirty


def test_a_file_of_a_repository_inside_that_is_not_committed_is_dirty(git: Git, tree: Path) -> None:
    committed(git, tree)
    write(tree, {"nested/b.txt": "x"})
    nested = git_in(tree / "nested")
    nested("init", "--quiet")
    commit_all(nested)
    assert state(tree).provenance({"nested/b.txt": []})["nested/b.txt"].is_dirty


def test_a_touched_file_with_the_old_content_is_clean(git: Git, tree: Path) -> None:
    committed(git, tree)
    os.utime(tree / "a.txt", (0, 0))
    assert not state(tree).is_dirty


def test_looking_does_not_write_to_the_repository(git: Git, tree: Path, tmp_path: Path) -> None:
    committed(git, tree)
    os.utime(tree / "a.txt", (0, 0))
    before = (tmp_path / ".git/index").read_bytes()
    assert provenance(tree, "a.txt").commit_id
    assert (tmp_path / ".git/index").read_bytes() == before


# Names


NAMES = [
    "ünïcode.txt",
    "two words.txt",
    " lead.txt",
    'quo"te.txt',
    "apos'.txt",
    "tab\tx.txt",
    "back\\slash.txt",
    "a -> b.txt",
    "日本.txt",
]


@pytest.mark.parametrize("name", [*NAMES, "new\nline.txt", "*.txt", "[a].txt", ":(top)x.txt", "!x.txt", "-x.txt"])
def test_any_name_is_found_dirty_and_found_committed(git: Git, tree: Path, name: str) -> None:
    write(tree, {name: "x", "plain.txt": "x"})
    assert name in state(tree).dirty_paths
    commit = commit_all(git)
    write(tree, {"plain.txt": "changed"})
    commit_all(git)
    found = provenance(tree, name)
    assert (found.path, found.commit_id, found.is_dirty) == (f"prompts/{name}", commit, False)
    assert found.blob_id == git("rev-parse", f"{commit}:prompts/{name}")


def test_a_name_that_is_not_utf8_is_found(git: Git, tree: Path) -> None:
    name = os.fsdecode(b"caf\xe9.txt")
    write(tree, {name: "x"})
    assert [ascii(path) for path in state(tree).dirty_paths] == [ascii(name)]
    assert commit_all(git) == commit_of(tree, name)


@pytest.mark.parametrize("name", NAMES)
def test_any_name_of_the_root_will_do(git: Git, tmp_path: Path, name: str) -> None:
    root = tmp_path / name.removesuffix(".txt")
    write(root, {"a.txt": "x", "b.txt": "x"})
    commit = commit_all(git)
    write(root, {"b.txt": "changed"})
    assert state(root).dirty_paths == {"b.txt"}
    assert commit_of(root, "a.txt") == commit


def test_a_conflict_is_unmerged_until_it_is_added(tree: Path, tmp_path: Path, git: Git) -> None:
    write(tree, {"one.txt": "1", "two.txt": "2"})
    commit_all(git)
    write(tree, {"one.txt": "stashed"})
    git("stash")
    write(tree, {"one.txt": "committed"})
    commit_all(git)
    assert state(tree).unmerged_paths == ()
    with pytest.raises(subprocess.CalledProcessError):
        git("stash", "pop")
    assert state(tree).unmerged_paths == ("one.txt",)
    git("add", "prompts/one.txt")
    assert state(tree).unmerged_paths == ()
