"""What git tells about the files below a prompts root, in real repositories."""

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from registries import write
from repositories import Git, commit_all, git_in

from promptdb.domain.views import Provenance
from promptdb.errors import StorageError
from promptdb.git.worktree import WorkTreeState, open_work_tree, repository_root

AUTHOR = "Ann Author <ann@example.com>"


def state(root: Path) -> WorkTreeState:
    opened = open_work_tree(root)
    assert opened is not None
    return opened


def provenance(root: Path, path: str, *reads: str) -> Provenance:
    return state(root).provenance({path: reads})[path]


def commit_of(root: Path, path: str) -> str | None:
    found = provenance(root, path)
    assert not found.is_dirty
    return found.commit_id


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


# The commit that last changed a file


def test_provenance_tells_the_last_commit_of_the_file_and_not_head(git: Git, tree: Path) -> None:
    write(tree, {"a.txt": "one", "b.txt": "one"})
    commit_all(git)
    write(tree, {"a.txt": "two"})
    git("add", "--all")
    git("commit", "--quiet", "-m", "two", GIT_COMMITTER_DATE="2026-04-01T12:00:00+0200", GIT_AUTHOR_NAME="Böb Bee")
    last = git("rev-parse", "HEAD")
    write(tree, {"b.txt": "two"})
    commit_all(git)
    assert provenance(tree, "a.txt") == Provenance(
        "prompts/a.txt",
        last,
        "main",
        "Böb Bee <ann@example.com>",
        datetime(2026, 4, 1, 10, tzinfo=UTC),
        git("rev-parse", "HEAD:prompts/a.txt"),
    )


def test_a_dirty_file_tells_the_commit_it_was_edited_on_and_no_author(git: Git, tree: Path) -> None:
    write(tree, {"a.txt": "one"})
    commit_all(git)
    write(tree, {"b.txt": "one"})
    head = commit_all(git)
    write(tree, {"a.txt": "changed"})
    assert provenance(tree, "a.txt") == Provenance("prompts/a.txt", head, "main", is_dirty=True)


def test_the_author_and_not_the_committer_is_told(git: Git, tree: Path) -> None:
    write(tree, {"a.txt": "x"})
    git("add", "--all")
    git("commit", "--quiet", "-m", "x", GIT_COMMITTER_NAME="Merge Bot", GIT_COMMITTER_EMAIL="bot@example.com")
    assert provenance(tree, "a.txt").author == AUTHOR


def test_a_very_long_author_is_cut_to_what_the_database_holds(git: Git, tree: Path) -> None:
    write(tree, {"a.txt": "x"})
    git("add", "--all")
    git("commit", "--quiet", "-m", "x", GIT_AUTHOR_NAME="A" * 400)
    assert provenance(tree, "a.txt").author == "A" * 255


def test_an_author_in_another_encoding_is_told_as_text(git: Git, tree: Path) -> None:
    write(tree, {"a.txt": "x"})
    git("add", "--all")
    git("commit", "--quiet", "-m", "x", GIT_AUTHOR_NAME="Jürgen")
    git("config", "i18n.logOutputEncoding", "ISO-8859-1")
    assert ascii(provenance(tree, "a.txt").author) == ascii("Jürgen <ann@example.com>")


def test_a_file_taken_back_to_old_content_is_of_the_commit_that_took_it_back(git: Git, tree: Path) -> None:
    for text in ("one", "two"):
        write(tree, {"a.txt": text})
        commit_all(git)
    write(tree, {"a.txt": "one"})
    assert commit_all(git) == commit_of(tree, "a.txt")


def test_a_renamed_file_is_of_the_commit_that_renamed_it(git: Git, tree: Path) -> None:
    write(tree, {"a.txt": "x"})
    commit_all(git)
    git("mv", "prompts/a.txt", "prompts/b.txt")
    assert commit_all(git) == commit_of(tree, "b.txt")


def test_a_file_deleted_and_added_again_is_of_the_commit_that_added_it(git: Git, tree: Path) -> None:
    write(tree, {"a.txt": "x", "b.txt": "x"})
    commit_all(git)
    (tree / "a.txt").unlink()
    commit_all(git)
    write(tree, {"a.txt": "x"})
    assert commit_all(git) == commit_of(tree, "a.txt")


def merged(git: Git, tree: Path) -> dict[str, str]:
    """Two branches with a change each, and their merge; the commits by name."""
    write(tree, {"main.txt": "old", "side.txt": "old", "both.txt": "1\n2\n3\n4\n5\n6\n7\n", "still.txt": "x"})
    commits = {"base": commit_all(git)}
    git("checkout", "--quiet", "-b", "side")
    write(tree, {"side.txt": "new", "both.txt": "one\n2\n3\n4\n5\n6\n7\n"})
    commits["side"] = commit_all(git)
    git("checkout", "--quiet", "main")
    write(tree, {"main.txt": "new", "both.txt": "1\n2\n3\n4\n5\n6\nseven\n"})
    commits["main"] = commit_all(git)
    git("merge", "--quiet", "--no-edit", "side", GIT_AUTHOR_NAME="Mia Merger")
    return {**commits, "merge": git("rev-parse", "HEAD")}


@pytest.mark.parametrize(("path", "commit"), [("still.txt", "base"), ("main.txt", "main"), ("both.txt", "merge")])
def test_over_a_merge_each_file_is_of_the_commit_that_gave_it_its_content(
    git: Git, tree: Path, path: str, commit: str
) -> None:
    assert merged(git, tree)[commit] == commit_of(tree, path)


def test_a_change_that_came_by_a_merge_is_of_its_author(git: Git, tree: Path) -> None:
    merged(git, tree)
    assert provenance(tree, "side.txt").author == AUTHOR


def test_the_recorded_commit_holds_the_content_that_the_work_tree_has(git: Git, tree: Path) -> None:
    merged(git, tree)
    for path in ("still.txt", "main.txt", "side.txt", "both.txt"):
        found = provenance(tree, path)
        assert git("rev-parse", f"{found.commit_id}:prompts/{path}") == found.blob_id, path


def test_a_merge_that_took_one_side_whole_does_not_point_at_the_other(git: Git, tree: Path) -> None:
    write(tree, {"a.txt": "base"})
    commit_all(git)
    git("checkout", "--quiet", "-b", "side")
    write(tree, {"a.txt": "side"})
    commit_all(git)
    git("checkout", "--quiet", "main")
    write(tree, {"a.txt": "main"})
    kept = commit_all(git)
    git("merge", "--quiet", "--no-edit", "--strategy=ours", "side")
    assert commit_of(tree, "a.txt") == kept


@pytest.mark.parametrize("folder", [".", "prompts"])
def test_many_files_are_found_as_few_are(git: Git, tmp_path: Path, folder: str) -> None:
    root = tmp_path / folder
    names = [f"n{number}.txt" for number in range(201)]
    write(root, dict.fromkeys(names, "x"))
    first = commit_all(git)
    write(root, {"n7.txt": "changed", "n8.txt": "changed"})
    second = commit_all(git)
    found = state(root).provenance(dict.fromkeys(names, ()))
    assert {name for name, source in found.items() if source.commit_id == second} == {"n7.txt", "n8.txt"}
    assert {source.commit_id for source in found.values()} == {first, second}
    assert all(source.blob_id and source.author == AUTHOR for source in found.values())


# Kinds of checkouts


def test_in_a_shallow_clone_the_oldest_commit_stands_for_all_before(git: Git, tree: Path, tmp_path: Path) -> None:
    write(tree, {"a.txt": "x", "b.txt": "x"})
    commit_all(git)
    write(tree, {"b.txt": "changed"})
    head = commit_all(git)
    git_in(tmp_path)("clone", "--quiet", "--depth=1", f"file://{tmp_path}", "clone")
    clone = tmp_path / "clone/prompts"
    assert (commit_of(clone, "a.txt"), commit_of(clone, "b.txt")) == (head, head)
    assert provenance(clone, "a.txt").author == AUTHOR


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
    assert caught.value.message == "git is not installed, but the prompts lie in a git repository"
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
