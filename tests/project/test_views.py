"""The work tree, the index and a commit: the same files give the same prompts, whichever way they are read."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from registries import on_sqlite, settings_for, write
from repositories import Git, commit_all, git_in

from promptdb.errors import ConfigError, PromptDBError, StorageError
from promptdb.problems import Code
from promptdb.project.load import LoadedTree, load_tree, require_clean
from promptdb.project.view import View
from promptdb.service import PromptService
from promptdb.settings import AppSettings, load_settings

pytestmark = pytest.mark.slow

VIEWS = (View(), View(staged=True), View(rev="HEAD"))

CHAT = "messages:\n- role: system\n  template: Hi {name}\n"
WITH_PARTS = (
    "template_format: jinja2\ntemplate: '{% include \"_shared/tone.md\" %} {{ name }}'\n"
    "assets:\n- path: _assets/table.csv\n- path: _assets/dot.png\n"
)
PNG = b"\x89PNG\r\n\x1a\n\0\0\r\n\xff"
TREES: dict[str, dict[str, str | bytes]] = {
    "every suffix": {"a.yaml": CHAT, "n/b.txt": "b {x}\n", "n/m/c.json": '{"template": "c"}', "d.mustache": "{{x}}"},
    "fragments, assets": {"p.yaml": WITH_PARTS, "_shared/tone.md": "Be\nkind.\n", "_assets/table.csv": "a,b\n1,2\n", "_assets/dot.png": PNG},
    "ignored and hidden": {".promptdbignore": "drafts/\n*.tmp.txt\n", "drafts/a.yaml": "x: [", "b.tmp.txt": "{", ".h/c.txt": "{", "_d/e.txt": "{", "ok.txt": "x", "README.md": "{"},
    "an allow-list": {".promptdbignore": "*\n!*/\n!*.j2\n", "a.txt": "x", "a.j2": "x", "b/c/d.j2": "x", "b/c/d.md": "x"},
    "an ignored folder cannot be taken back": {".promptdbignore": "d/\n!d/keep.txt\n", "d/keep.txt": "x", "a.txt": "x"},
    "invalid and clashing": {"bad.yaml": "template: [", "a.txt": "x", "A.md": "x", "ok.txt": "x", "sp ace.txt": "x"},
    "line ends": {"a.txt": "one\r\ntwo\r\n", "b.yaml": "template: |\r\n  one\r\n  two\r\n"},
    "no newline, byte order mark": {"a.txt": b"\xef\xbb\xbfx", "b.txt": b""},
    "not UTF-8": {"a.txt": b"\xff"},
}  # fmt: skip


def settings_in(folder: Path) -> AppSettings:
    return settings_for(f"sqlite:///{folder / 'registry.sqlite3'}", folder)


def seen(loaded: LoadedTree) -> tuple[dict[str, tuple[str, str | None]], list[str]]:
    """What a tree says: prompts with path and digest, and problems."""
    prompts = {str(item.prompt): (item.digest, item.path) for item in loaded.desired.items}
    return prompts, [str(problem) for problem in loaded.desired.problems]


def all_equal(folder: Path) -> tuple[dict[str, tuple[str, str | None]], list[str]]:
    first, *rest = [seen(load_tree(settings_in(folder), None, view)) for view in VIEWS]
    for other in rest:
        assert other == first
    return first


@pytest.mark.parametrize("files", TREES.values(), ids=TREES)
def test_the_three_views_of_a_commit_are_equal(git: Git, tree: Path, tmp_path: Path, files: dict[str, str | bytes]):
    write(tree, files)
    commit_all(git)
    prompts, problems = all_equal(tmp_path)
    assert prompts or problems


@pytest.mark.parametrize("setting", ["core.autocrlf=true", "core.eol=crlf"])
@pytest.mark.parametrize(
    "attributes", ["* text=auto\n", "*.csv text\n*.txt text\n*.md text\n*.yaml text\n*.png -text\n"]
)
@pytest.mark.slow
def test_a_checkout_with_other_line_ends_has_the_same_digests(
    git: Git, tree: Path, tmp_path: Path, setting: str, attributes: str
):
    write(tree, {**TREES["fragments, assets"], "a.txt": "one\ntwo\n"})
    write(tmp_path, {".gitattributes": attributes})
    commit_all(git)
    before = all_equal(tmp_path)
    clone = tmp_path.with_name(f"{tmp_path.name}-clone")
    git("clone", "--quiet", "--config", setting, str(tmp_path), str(clone))
    assert b"\r\n" in (clone / "prompts/_assets/table.csv").read_bytes()
    assert all_equal(clone) == before


def test_an_asset_with_line_ends_that_git_keeps_is_taken_as_it_is(git: Git, tree: Path, tmp_path: Path):
    write(tree, {**TREES["fragments, assets"], "_assets/table.csv": b"a,b\r\n1,2\r\n"})
    commit_all(git)
    all_equal(tmp_path)


@pytest.mark.parametrize(
    ("attributes", "crlf", "same"),
    [("* text=auto\n", "true", True), ("*.bin text\n", "false", False), ("*.bin eol=crlf\n", "false", False)],
    ids=["git finds out", "declared as text", "declared by its line ends"],
)
def test_a_binary_with_crlf_is_converted_only_where_attributes_say_that_it_is_text(
    git: Git, tree: Path, tmp_path: Path, attributes: str, crlf: str, same: bool
):
    content = b"\0\r\n" * 9
    write(tree, {"p.yaml": "template: x\nassets:\n- path: _a.bin\n", "_a.bin": content})
    write(tmp_path, {".gitattributes": attributes})
    git("config", "core.autocrlf", crlf)
    commit_all(git)
    for view in VIEWS:
        desired = load_tree(settings_in(tmp_path), None, view).desired
        [blob] = desired.content(desired.items[0]).blobs
        with blob.open() as stream:
            assert stream.read() == (content if same else content.replace(b"\r\n", b"\n"))


@pytest.mark.parametrize("view", VIEWS, ids=str)
def test_a_large_asset_is_streamed_with_equal_bytes(git: Git, tree: Path, tmp_path: Path, view: View):
    content = bytes(range(256)) * 4 * 1024 * 3 + b"\r"
    write(tree, {"p.yaml": "template: x\nassets:\n- path: _a.bin\n", "_a.bin": content})
    (tree / "_b.bin").symlink_to("_a.bin")
    write(tree, {"q.yaml": "template: x\nassets:\n- path: _b.bin\n"})
    commit_all(git)
    desired = load_tree(settings_in(tmp_path), None, view).desired
    for item in desired.items:
        [blob] = desired.content(item).blobs
        with blob.open() as stream:
            assert (stream.read(), blob.size) == (content, len(content))
        blob.open().close()  # of one that nobody reads to its end


@pytest.mark.slow
def test_links_are_followed_inside_and_refused_outside(git: Git, tree: Path, tmp_path: Path):
    write(tree, {"_texts/one.txt": "x", "n/two.txt": "y"})
    write(tmp_path, {"secret.txt": "s"})
    for name, target in {
        "inside.txt": "_texts/one.txt",
        "n/up.txt": "../_texts/one.txt",
        "twice.txt": "inside.txt",
        "outside.txt": "../secret.txt",
        "absolute.txt": "/etc/hostname",
        "nowhere.txt": "missing.txt",
        "circle.txt": "circle.txt",
        "folder": "n",
    }.items():
        (tree / name).symlink_to(target)
    commit_all(git)
    found = []
    for view in VIEWS:
        loaded = load_tree(settings_in(tmp_path), None, view)
        codes = {(problem.path, problem.code) for problem in loaded.desired.problems}
        found.append(({str(item.prompt): item.digest for item in loaded.desired.items}, codes))
    assert found[0] == found[1] == found[2]
    assert set(found[0][0]) == {"default/inside", "n/up", "default/twice", "n/two"}
    assert ("outside.txt", Code.OUTSIDE_ROOT) in found[0][1]


def test_an_edit_is_seen_in_the_view_that_has_it(git: Git, tree: Path, tmp_path: Path):
    write(tree, {"a.txt": "committed"})
    commit_all(git)
    write(tree, {"a.txt": "staged"})
    git("add", "--all")
    write(tree, {"a.txt": "on disk", "untracked.txt": "x"})
    loaded = [load_tree(settings_in(tmp_path), None, view) for view in VIEWS]
    assert [sorted(seen(found)[0]) for found in loaded] == [
        ["default/a", "default/untracked"],
        ["default/a"],
        ["default/a"],
    ]
    assert len({seen(found)[0]["default/a"] for found in loaded}) == 3
    assert [found.dirty_paths for found in loaded] == [{"a.txt", "untracked.txt"}, {"a.txt"}, frozenset()]


def test_what_is_staged_is_dirty_and_says_so(git: Git, tree: Path, tmp_path: Path):
    write(tree, {"a.txt": "x", "b.txt": "x", "c.txt": "x"})
    head = commit_all(git)
    write(tree, {"a.txt": "changed"})
    git("rm", "--quiet", "prompts/c.txt")
    git("add", "--all")
    loaded = load_tree(settings_in(tmp_path), None, View(staged=True))
    assert loaded.dirty_paths == {"a.txt", "c.txt"}
    found = loaded.origin.provenance({"a.txt": (), "b.txt": ()})
    assert (found["a.txt"].is_dirty, found["a.txt"].blob_id, found["a.txt"].commit_id) == (True, None, head)
    assert (found["b.txt"].is_dirty, found["b.txt"].commit_id, found["b.txt"].path) == (False, head, "prompts/b.txt")
    with pytest.raises(PromptDBError, match=r"uncommitted changes: a\.txt, c\.txt"):
        require_clean(loaded)


def test_a_file_that_is_only_intended_to_be_added_is_not_staged(git: Git, tree: Path, tmp_path: Path):
    write(tree, {"a.txt": "x", "empty.txt": ""})
    commit_all(git)
    write(tree, {"later.txt": "x"})
    git("add", "--intent-to-add", "prompts/later.txt")
    assert set(seen(load_tree(settings_in(tmp_path), None, View(staged=True)))[0]) == {"default/a", "default/empty"}


def test_before_the_first_commit_there_is_an_index_and_no_commit(git: Git, tree: Path, tmp_path: Path):
    write(tree, {"a.txt": "x"})
    git("add", "--all")
    assert set(seen(load_tree(settings_in(tmp_path), None, View(staged=True)))[0]) == {"default/a"}
    with pytest.raises(ConfigError, match="no commits yet"):
        load_tree(settings_in(tmp_path), None, View(rev="HEAD"))


@pytest.mark.parametrize(
    ("rev", "git_ref"),
    [
        ("HEAD", "main"),
        ("main", "main"),
        ("refs/heads/main", "main"),
        ("v1.0", "tags/v1.0"),
        ("annotated", "tags/annotated"),
        ("origin/main", "main"),
        ("main~0", None),
        ("COMMIT", None),
        ("SHORT", None),
    ],
)
def test_the_ref_that_a_commit_was_named_by_is_known(
    git: Git, tree: Path, tmp_path: Path, rev: str, git_ref: str | None
):
    write(tree, {"a.txt": "x"})
    commit = commit_all(git)
    git("tag", "v1.0")
    git("tag", "--annotate", "--message", "x", "annotated")
    git("update-ref", "refs/remotes/origin/main", commit)
    rev = {"COMMIT": commit, "SHORT": commit[:8]}.get(rev, rev)
    origin = load_tree(settings_in(tmp_path), None, View(rev=rev)).origin
    assert (origin.commit_id, origin.git_ref, origin.is_dirty, origin.root) == (commit, git_ref, False, "prompts")


def test_a_detached_head_is_no_ref(git: Git, tree: Path, tmp_path: Path):
    write(tree, {"a.txt": "x"})
    commit_all(git)
    git("checkout", "--quiet", "--detach")
    assert load_tree(settings_in(tmp_path), None, View(rev="HEAD")).origin.git_ref is None


def test_a_bare_repository_is_read_with_the_settings_that_it_holds(git: Git, tree: Path, tmp_path: Path):
    write(tmp_path, {"llm/a.txt": "{not a variable}", "promptdb.toml": 'prompts_root = "llm"\ntext_format = "plain"\n'})
    commit_all(git)
    bare = tmp_path.with_name(f"{tmp_path.name}.git")
    git("clone", "--quiet", "--bare", str(tmp_path), str(bare))
    settings = load_settings(bare)
    loaded = load_tree(settings, None, View(rev="main"))
    here = load_tree(load_settings(tmp_path), None, View())
    assert seen(loaded) == seen(here) != ({}, [])
    assert loaded.origin.provenance({"a.txt": ()})["a.txt"].author == "Ann Author <ann@example.com>"
    with pytest.raises(ConfigError, match="bare repository"):
        load_tree(settings, None, View(staged=True))


def test_settings_of_files_are_those_of_the_view(git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write(tmp_path, {"old/a.txt": "{x}", "promptdb.toml": 'prompts_root = "old"\ntext_format = "plain"\n'})
    commit_all(git)
    write(tmp_path, {"prompts/b.txt": "{x}", "promptdb.toml": 'prompts_root = "prompts"\n'})
    settings = load_settings(tmp_path)
    assert set(seen(load_tree(settings))[0]) == {"default/b"}
    then = load_tree(settings, None, View(rev="HEAD"))
    assert (set(seen(then)[0]), then.desired.loader.rules.text.template_format) == ({"default/a"}, "plain")
    monkeypatch.setenv("PROMPTDB_TEXT_FORMAT", "mustache")
    assert (
        load_tree(load_settings(tmp_path), None, View(rev="HEAD")).desired.loader.rules.text.template_format
        == "mustache"
    )


def test_a_mistake_in_the_settings_of_a_commit_is_told_with_its_place(git: Git, tmp_path: Path):
    write(tmp_path, {"prompts/a.txt": "x", "promptdb.toml": 'text_format = "word"\n'})
    commit = commit_all(git)
    write(tmp_path, {"promptdb.toml": ""})
    with pytest.raises(ConfigError, match=rf"promptdb\.toml in commit {commit[:12]}: text_format"):
        load_tree(load_settings(tmp_path), None, View(rev="HEAD"))


def lfs(content: bytes) -> tuple[str, str]:
    import hashlib

    digest = hashlib.sha256(content).hexdigest()
    return digest, f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(content)}\n"


def test_the_content_behind_a_pointer_of_git_lfs_is_what_counts(git: Git, tree: Path, tmp_path: Path):
    write(tree, {"p.yaml": "template: x\nassets:\n- path: _a.bin\n", "_a.bin": b"content"})
    commit_all(git)
    expected = seen(load_tree(settings_in(tmp_path), None, View(rev="HEAD")))
    digest, pointer = lfs(b"content")
    write(tree, {"_a.bin": pointer})
    commit_all(git)
    for view in VIEWS:
        [problem] = load_tree(settings_in(tmp_path), None, view).desired.problems
        assert "Git LFS pointer" in problem.message
    write(tmp_path / ".git/lfs/objects", {f"{digest[:2]}/{digest[2:4]}/{digest}": b"content"})
    assert seen(load_tree(settings_in(tmp_path), None, View(rev="HEAD"))) == expected
    write(tmp_path / ".git/lfs/objects", {f"{digest[:2]}/{digest[2:4]}/{digest}": b"another"})
    with pytest.raises(StorageError, match="does not hold the content"):
        load_tree(settings_in(tmp_path), None, View(rev="HEAD"))


def test_a_prompt_that_is_a_pointer_of_git_lfs_is_a_problem(git: Git, tree: Path, tmp_path: Path):
    write(tree, {"p.txt": lfs(b"x")[1]})
    commit_all(git)
    for view in VIEWS:
        [problem] = load_tree(settings_in(tmp_path), None, view).desired.problems
        assert (problem.code, "git lfs pull" in problem.message) == (Code.UNREADABLE, True)


def test_a_submodule_below_the_root_is_a_problem_of_a_commit(git: Git, tree: Path, tmp_path: Path):
    library = tmp_path.with_name(f"{tmp_path.name}-library")
    write(library, {"a.txt": "x"})
    other = git_in(library)
    other("init", "--quiet", "--initial-branch=main")
    commit_all(other)
    write(tree, {"own.txt": "x"})
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library), "prompts/library")
    commit_all(git)
    for view in VIEWS[1:]:
        [problem] = load_tree(settings_in(tmp_path), None, view).desired.problems
        assert (problem.path, "submodule" in problem.message) == ("library", True)
    write(tree, {".promptdbignore": "/library/\n"})
    commit_all(git)
    assert set(all_equal(tmp_path)[0]) == {"default/own"}


def test_a_root_that_was_a_submodule_says_so(git: Git, tmp_path: Path):
    library = tmp_path.with_name(f"{tmp_path.name}-library")
    write(library, {"a.txt": "x"})
    other = git_in(library)
    other("init", "--quiet", "--initial-branch=main")
    commit_all(other)
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library), "prompts")
    commit_all(git)
    shutil.rmtree(tmp_path / "prompts")
    with pytest.raises(ConfigError, match="prompts is a submodule"):
        load_tree(settings_in(tmp_path), None, View(rev="HEAD"))


def test_a_sparse_checkout_is_refused_and_its_commit_is_read(git: Git, tree: Path, tmp_path: Path):
    write(tree, {"a/x.txt": "x", "b/y.txt": "y", "z.txt": "z"})
    commit_all(git)
    git("sparse-checkout", "set", "--no-cone", "/prompts/a/")
    with pytest.raises(StorageError, match=r"leaves out prompt files: b/y\.txt, z\.txt"):
        load_tree(settings_in(tmp_path))
    for view in VIEWS[1:]:
        assert set(seen(load_tree(settings_in(tmp_path), None, view))[0]) == {"a/x", "b/y", "default/z"}


def test_files_that_cannot_be_prompts_never_make_a_sparse_checkout_an_error(git: Git, tree: Path, tmp_path: Path):
    others = {
        "b/data.csv": "1",
        "b/run.py": "",
        "b/README.md": "x",
        "b/.hidden": "",
        "drafts/a/z.txt": "x",
        "c.old.md": "x",
    }
    write(tree, {"a/x.txt": "x", ".promptdbignore": "drafts/\n*.old.md\n", **others})
    commit_all(git)
    git("sparse-checkout", "set", "--no-cone", "/prompts/a/", "/prompts/.promptdbignore")
    assert set(seen(load_tree(settings_in(tmp_path)))[0]) == {"a/x"}


def test_a_sparse_checkout_without_the_ignore_file_is_refused(git: Git, tree: Path, tmp_path: Path):
    write(tree, {"a/x.txt": "x", "a/y.txt": "y", ".promptdbignore": "y.txt\n"})
    commit_all(git)
    git("sparse-checkout", "set", "--no-cone", "/prompts/a/")
    with pytest.raises(StorageError, match=r"leaves out prompt files: \.promptdbignore"):
        load_tree(settings_in(tmp_path))


@pytest.mark.parametrize("depth", ["1", "2"])
def test_a_shallow_clone_has_the_prompts_and_does_not_guess_where_they_come_from(
    git: Git, tree: Path, tmp_path: Path, depth: str
):
    write(tree, {"old.txt": "x", "new.txt": "x"})
    commit_all(git)
    write(tree, {"old.txt": "x2"})
    commit_all(git)
    write(tree, {"new.txt": "x3"})
    head = commit_all(git)
    clone = tmp_path.with_name(f"{tmp_path.name}-clone")
    git("clone", "--quiet", f"--depth={depth}", f"file://{tmp_path}", str(clone))
    loaded = load_tree(settings_in(clone), None, View(rev="HEAD"))
    assert seen(loaded) == all_equal(tmp_path)
    found = loaded.origin.provenance({"old.txt": (), "new.txt": ()})
    assert found["old.txt"].author is None
    assert found["new.txt"].author == (None if depth == "1" else "Ann Author <ann@example.com>")
    assert found["new.txt"].commit_id == head


@pytest.mark.parametrize(
    ("view", "message"),
    [
        (View(rev="nope"), "there is no commit, tag or branch 'nope'"),
        (View(rev="HEAD"), "there are no files below prompts/ in commit"),
        (View(rev="-x"), "there is no commit, tag or branch '-x'"),
        (View(rev=""), "there is no commit, tag or branch ''"),
        (View(staged=True), "there are no files below prompts/ in the index"),
    ],
)
def test_what_is_not_there_is_an_error_and_not_an_empty_tree(git: Git, tmp_path: Path, view: View, message: str):
    write(tmp_path, {"other.txt": "x"})
    commit_all(git)
    with pytest.raises(ConfigError, match=message):
        load_tree(settings_in(tmp_path), None, view)


def test_outside_of_git_there_is_only_the_work_tree(tree: Path, tmp_path: Path):
    write(tree, {"a.txt": "x"})
    for view in VIEWS[1:]:
        with pytest.raises(ConfigError, match="not in a git repository"):
            load_tree(settings_in(tmp_path), None, view)


def test_a_root_outside_of_the_repository_has_no_commits(git: Git, tmp_path: Path):
    outside = tmp_path.with_name(f"{tmp_path.name}-prompts")
    write(outside, {"a.txt": "x"})
    write(tmp_path, {"other.txt": "x"})
    commit_all(git)
    settings = AppSettings(base=tmp_path, prompts_root=Path(f"../{outside.name}"))
    with pytest.raises(ConfigError, match=r"not in a git repository|outside of the repository"):
        load_tree(settings, None, View(rev="HEAD"))


def test_a_deletion_of_everything_can_be_staged(git: Git, tree: Path, tmp_path: Path):
    write(tree, {"a.txt": "x"})
    commit_all(git)
    git("rm", "--quiet", "-r", "prompts")
    loaded = load_tree(settings_in(tmp_path), None, View(staged=True))
    assert (seen(loaded), loaded.dirty_paths) == (({}, [".:1:1: PDB505 there are no prompt files"]), {"a.txt"})


def test_a_conflict_in_the_index_is_told(git: Git, tree: Path, tmp_path: Path):
    write(tree, {"a.txt": "x"})
    commit_all(git)
    git("checkout", "--quiet", "-b", "other")
    write(tree, {"a.txt": "theirs"})
    commit_all(git)
    git("checkout", "--quiet", "main")
    write(tree, {"a.txt": "ours"})
    commit_all(git)
    with pytest.raises(Exception, match="returned non-zero"):
        git("merge", "--quiet", "other")
    with pytest.raises(StorageError, match=r"the index has conflicts: prompts/a\.txt"):
        load_tree(settings_in(tmp_path), None, View(staged=True))


def test_the_index_that_a_hook_was_given_is_what_is_staged(
    git: Git, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write(tree, {"a.txt": "x", "b.txt": "x"})
    commit_all(git)
    index = tmp_path / ".git/next-index-1.lock"
    shutil.copyfile(tmp_path / ".git/index", index)
    write(tree, {"a.txt": "mine"})
    git("add", "prompts/a.txt", GIT_INDEX_FILE=str(index))
    assert not load_tree(settings_in(tmp_path), None, View(staged=True)).dirty_paths
    monkeypatch.setenv("GIT_INDEX_FILE", os.path.relpath(index, tmp_path))
    assert load_tree(settings_in(tmp_path), None, View(staged=True)).dirty_paths == {"a.txt"}


@pytest.mark.slow
def test_every_prompt_of_a_large_commit_is_read(git: Git, tree: Path, tmp_path: Path):
    write(tree, {f"n{number % 7}/p{number}.txt": f"text {number}" for number in range(1200)})
    commit_all(git)
    assert len(all_equal(tmp_path)[0]) == 1200


@on_sqlite
def test_a_sync_of_a_commit_writes_what_a_sync_of_its_checkout_writes(
    git: Git, tree: Path, service: PromptService, sync: Callable[..., object]
):
    from promptdb.domain.plan import Policy
    from promptdb.sync.sync_tree import sync_tree

    write(tree, TREES["fragments, assets"])
    commit_all(git)
    write(tree, {"p.yaml": "not: valid"})
    loaded = load_tree(service.settings, None, View(rev="HEAD"))
    first = sync_tree(service.registry, loaded, Policy())
    assert first.plan.changes
    git("checkout", "--quiet", "--", "prompts")
    again = sync_tree(service.registry, load_tree(service.settings), Policy())
    assert (again.run_id, again.plan.changes) == (None, ())
