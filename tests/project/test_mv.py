"""A prompt file in another place: what is meant, what is refused, what git would commit, and what the registry makes of it."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from registries import write
from repositories import Git, commit_all

from promptdb.domain.plan import Action
from promptdb.errors import (
    Conflict,
    Guard,
    InvalidPrompts,
    InvalidRef,
    PromptDBError,
    PromptNotFound,
    StalePlan,
    StorageError,
)
from promptdb.files.tree import WorkTree
from promptdb.project.edits.mv_perform import perform_move
from promptdb.project.edits.mv_plan import Rename, decide_move
from promptdb.project.load import check_tree
from promptdb.service import PromptService
from promptdb.settings import AppSettings
from promptdb.sync.apply import Applied

Sync = Callable[..., Applied]
TRIAGE = "# sorts\ntemplate: Sort {ticket}\n"


def decide(tree: Path, old: str, new: str, here: Path | None = None) -> Rename:
    return decide_move(AppSettings(base=tree.parent), old, new, here or tree.parent)


def move(tree: Path, old: str, new: str, here: Path | None = None) -> Rename:
    decided = decide(tree, old, new, here)
    perform_move(tree, decided)
    return decided


def files(tree: Path) -> set[str]:
    return {str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file()}


def state(tree: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in tree.rglob("*") if path.is_file()} | {
        f"{path}/": b"" for path in tree.rglob("*") if path.is_dir()
    }


# Names


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("a/b", "c/d", "c/d.yaml"),
        ("a/b", "a/x/y/z", "a/x/y/z.yaml"),
        ("a/b", "d", "d.yaml"),
        ("a/b", "default/d", "d.yaml"),
        ("a/b", "c/", "c/b.yaml"),
        ("a/b", "/", "b.yaml"),
        ("a/b.yaml", "c/d.yaml", "c/d.yaml"),
        ("a/b", "c/d.v2", "c/d.v2.yaml"),
        ("a/b", "a/B", "a/B.yaml"),
        ("top", "a/top", "a/top.md"),
        ("default/top", "x", "x.md"),
        ("prompts/a/b.yaml", "prompts/c/d.yaml", "c/d.yaml"),
        ("prompts/a/b.yaml", "prompts/c/d", "c/d.yaml"),
        ("prompts/a/b.yaml", "./prompts/other", "a/b.yaml -> other/b.yaml"),
        ("prompts/a/b.yaml", "prompts", "b.yaml"),
        ("Loud", "quiet", "quiet.TXT"),
    ],
)
def test_where_the_file_goes(tree: Path, old: str, new: str, path: str) -> None:
    write(tree, {"a/b.yaml": TRIAGE, "top.md": "x", "Loud.TXT": "x", "other/c.md": "x"})
    assert decide(tree, old, new).new.path == path.rpartition(" ")[2]


def test_a_folder_named_default_is_used_where_there_is_one(tree: Path) -> None:
    write(tree, {"a.txt": "x", "default/b.txt": "x"})
    assert decide(tree, "a", "default/c").new.path == "default/c.txt"


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [("b.yaml", "c.yaml", "a/c.yaml"), ("b.yaml", "../d/", "d/b.yaml"), ("a/b", "d/c", "d/c.yaml")],
)
def test_paths_are_taken_from_the_current_folder_and_names_from_the_root(
    tree: Path, old: str, new: str, path: str
) -> None:
    write(tree, {"a/b.yaml": TRIAGE})
    move(tree, old, new, tree / "a")
    assert files(tree) == {path}


# What is refused


@pytest.mark.parametrize(
    ("old", "new", "error", "message"),
    [
        ("a/c", "x", PromptNotFound, "there is no file for a prompt a/c"),
        ("a/b:rev:1", "x", InvalidRef, "'a/b:rev:1' is a reference, but the name of a prompt is needed"),
        ("a/b", "a/b", Conflict, "a/b.yaml already has the name a/b"),
        ("top", "default/top", Conflict, "top.md already has the name default/top"),
        ("a/b", "top", Conflict, "there is a prompt default/top already"),
        ("a/b", "TOP", Conflict, "there is a prompt default/top already"),
        ("a/b", "bad", Conflict, "there is a prompt default/bad already"),
        ("a/b", "two", Conflict, "there is a prompt default/two already"),
        ("two", "three", PromptNotFound, "there is no file for a prompt default/two"),
        ("a/b", "hidden", Conflict, "there is a file hidden.yaml already"),
        ("a/b", "drafts/x", Guard, "drafts/x.yaml would be left out: .promptdbignore names it"),
        ("a/b", "_x/y", InvalidRef, "'_x' is not a valid name segment"),
        ("a/b", "x/../y", InvalidRef, "'..' is not a valid name segment"),
        ("a/b", "", InvalidRef, "'' is not a valid name segment"),
        ("a/b", "x:y", InvalidRef, "'x:y' is not a valid name segment"),
        ("a/b", "README", InvalidRef, "README.yaml would not be a prompt"),
        ("a/b", "x.md", InvalidRef, "'x.md' has another suffix than the file"),
        ("prompts/a/b.yaml", "elsewhere/b", InvalidRef, "elsewhere/b is not below the prompts root"),
        ("a/b", "hidden.yaml/x", Guard, "hidden.yaml is a file, but hidden.yaml/x.yaml needs a folder"),
        ("a/b", "linked/x", Guard, "a folder of linked/x.yaml is a symbolic link, which is not followed"),
        ("link", "x", Guard, "link.yaml is a symbolic link to _real.yaml"),
        ("fragment", "x", Guard, "default/uses, reads/it read fragment.md, which would no longer exist"),
        ("linked-to", "x", Guard, "default/leads reads linked-to.txt, which would no longer exist"),
        ("broken", "x", InvalidPrompts, "1 error in 1 file"),
        ("odd", "x", Guard, "odd.yaml cannot be edited: its 'renamed_from' is not a list of names"),
        ("named", "x", Guard, "_aliases.yaml cannot be edited: both already names default/x"),
    ],
)
def test_what_is_refused_changes_nothing(
    tree: Path, old: str, new: str, error: type[PromptDBError], message: str
) -> None:
    contents: dict[str, str | bytes] = {
        "a/b.yaml": TRIAGE,
        "top.md": "x",
        "bad.yaml": "[",
        "two.yaml": TRIAGE,
        "two.md": "x",
        ".promptdbignore": "/drafts/\n/hidden.yaml\n",
        "hidden.yaml": "x",
        "_real.yaml": TRIAGE,
        "fragment.md": "x",
        "uses.j2": '{% include "fragment.md" %}',
        "reads/it.yaml": "template: x\nassets: [{path: ../fragment.md}]\n",
        "broken.yaml": "a: [",
        "odd.yaml": "template: x\nrenamed_from: y\n",
        "named.yaml": TRIAGE,
        "_aliases.yaml": "both: {named: latest, x: latest}\n",
        "_folder/x": "",
        "linked-to.txt": "x",
    }
    write(tree, contents)
    (tree / "link.yaml").symlink_to("_real.yaml")
    (tree / "linked").symlink_to("_folder")
    (tree / "leads.txt").symlink_to("linked-to.txt")
    before = state(tree)
    with pytest.raises(error) as raised:
        move(tree, old, new)
    assert raised.value.message.startswith(message)
    assert raised.value.hint or error is InvalidPrompts
    assert state(tree) == before


@pytest.mark.parametrize("rule", ["drafts/", "prompts/drafts/*", "d.yaml"])
def test_a_place_that_git_ignores_is_refused(tree: Path, git: Git, rule: str) -> None:
    write(tree, {"a.yaml": TRIAGE, "../.gitignore": f"{rule}\n"})
    with pytest.raises(Guard, match=r"^drafts/d\.yaml would be left out: git ignores it"):
        decide(tree, "a", "drafts/d")


def test_what_would_not_be_the_same_prompt_is_refused(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that is known leads there: it is the last check before something is written."""
    write(tree, {"a.txt": "x"})
    monkeypatch.setattr("promptdb.files.editing.relocate.edited", lambda suffix, data, change: b"y")
    with pytest.raises(Guard, match="would not read back as the same prompt"):
        decide(tree, "a", "b")


def test_an_invalid_file_that_can_be_read_is_moved(tree: Path) -> None:
    write(tree, {"a.yaml": "template: '{'\n"})
    assert not move(tree, "a", "n/b").is_valid
    assert (tree / "n/b.yaml").read_text() == "template: '{'\nrenamed_from:\n- default/a\n"


def test_a_name_that_another_file_had_earlier_is_told(tree: Path) -> None:
    write(tree, {"a.txt": "x", "b.txt": "---\nrenamed_from: [c]\n---\ny"})
    assert decide(tree, "a", "c").claimed_by == "b.txt"
    assert decide(tree, "a", "d").claimed_by is None


# Files that belong to it


def test_a_move_keeps_the_digest_and_the_permissions(tree: Path) -> None:
    write(
        tree,
        {"a/b.yaml": "template_file: ../_shared/t.md\nfew_shot: {examples_file: _e.jsonl, string_template: '{q}'}\n"},
    )
    write(tree, {"_shared/t.md": "Hi {name} {examples}", "a/_e.jsonl": '{"q": "x"}\n'})
    (tree / "a/b.yaml").chmod(0o640)
    decided = move(tree, "a/b", "n/m/b")
    assert not decided.makes_version
    assert files(tree) == {"n/m/b.yaml", "_shared/t.md", "a/_e.jsonl"}
    assert (tree / "n/m/b.yaml").stat().st_mode & 0o777 == 0o640
    assert check_tree(AppSettings(base=tree.parent)).problems == ()


def test_a_move_keeps_the_files_of_messages(tree: Path) -> None:
    write(tree, {"a/b.yaml": "messages: [{role: system, template_file: _system.md}]\n", "a/_system.md": "Hi {name}"})
    assert not move(tree, "a/b", "n/m/b").makes_version
    assert "template_file: ../../a/_system.md" in (tree / "n/m/b.yaml").read_text()
    assert check_tree(AppSettings(base=tree.parent)).problems == ()


def test_a_move_to_a_folder_of_another_role_is_refused(tree: Path) -> None:
    write(tree, {"a.md": "Hi"})
    settings = AppSettings(base=tree.parent, folders={"s": {"text_role": "system"}})
    with pytest.raises(Guard) as refused:
        decide_move(settings, "a", "s/a", tree.parent)
    assert "the settings of the folders differ" in str(refused.value.hint)


def test_assets_that_are_rendered_are_found_in_the_new_place(tree: Path) -> None:
    text = """\
messages:
- {role: human, template: [{type: image_url, image_url: {url: "asset:_x.png"}}]}
few_shot: {chat_messages: [{role: ai, template: "{q}"}], examples_asset: _rows.jsonl}
assets: [{path: _x.png}, {path: _rows.jsonl, kind: example_dataset}]
tests: [{name: t, expect: {contains: ["data:image/png;base64,eA==", "AI: yes"]}}]
"""
    write(tree, {"b.yaml": text, "_x.png": "x", "_rows.jsonl": '{"q": "yes"}\n'})
    move(tree, "b", "n/c")
    assert check_tree(AppSettings(base=tree.parent)).problems == ()
    assert "asset:../_x.png" in (tree / "n/c.yaml").read_text()


@pytest.mark.parametrize(("new", "makes_version"), [("a/c", False), ("n/b", True)])
def test_other_paths_of_assets_make_a_version(tree: Path, new: str, makes_version: bool) -> None:
    write(tree, {"a/b.yaml": "template: x\nassets: [{path: _d.csv}]\n", "a/_d.csv": "1"})
    assert move(tree, "a/b", new).makes_version is makes_version
    assert check_tree(AppSettings(base=tree.parent)).problems == ()


def test_declared_aliases_name_the_prompt_as_it_is_called_now(tree: Path) -> None:
    write(tree, {"a/b.yaml": TRIAGE, "_aliases.yaml": "production:\n  a/b: rev:1  # pinned\n  c/d: rev:2\n"})
    assert move(tree, "a/b", "n/b").aliases == ("production",)
    assert (tree / "_aliases.yaml").read_text() == "production:\n  n/b: rev:1  # pinned\n  c/d: rev:2\n"
    write(tree, {"_aliases.yaml": "production:\n  n/b: {rev:1: 9, rev:2: 1}\n"})
    assert move(tree, "n/b", "a/b").aliases == ("production",)
    assert (tree / "_aliases.yaml").read_text() == "production:\n  a/b: {rev:1: 9, rev:2: 1}\n"


# Git


@pytest.fixture
def repository(tree: Path, git: Git) -> Path:
    """`a/b.yaml` in the first commit."""
    write(tree, {"a/b.yaml": TRIAGE})
    commit_all(git)
    return tree


def test_what_is_committed_next_has_the_whole_move(repository: Path, git: Git) -> None:
    assert move(repository, "a/b", "n/c").is_clean
    assert git("status", "--porcelain") == "R  prompts/a/b.yaml -> prompts/n/c.yaml"
    assert git("show", ":prompts/n/c.yaml") == f"{TRIAGE}renamed_from:\n- a/b"


def test_changes_that_are_not_staged_stay_so(repository: Path, git: Git) -> None:
    write(repository, {"a/b.yaml": TRIAGE.replace("Sort", "Order")})
    assert not move(repository, "a/b", "n/c").is_clean
    assert git("show", ":prompts/n/c.yaml") == f"{TRIAGE}renamed_from:\n- a/b"
    assert git("diff", "--stat", "--shortstat").endswith("1 file changed, 1 insertion(+), 1 deletion(-)")
    assert (repository / "n/c.yaml").read_text() == f"{TRIAGE.replace('Sort', 'Order')}renamed_from:\n- a/b\n"


def test_staged_changes_stay_staged(repository: Path, git: Git) -> None:
    write(repository, {"a/b.yaml": TRIAGE + "metadata: {title: T}\n"})
    git("add", "--all")
    write(repository, {"a/b.yaml": TRIAGE + "metadata: {title: U}\n"})
    move(repository, "a/b", "n/c")
    assert git("show", ":prompts/n/c.yaml") == f"{TRIAGE}metadata: {{title: T}}\nrenamed_from:\n- a/b"
    assert "title: U" in (repository / "n/c.yaml").read_text()


def test_staged_changes_that_cannot_be_edited_are_refused(repository: Path, git: Git) -> None:
    write(repository, {"a/b.yaml": "["})
    git("add", "--all")
    write(repository, {"a/b.yaml": TRIAGE})
    before = state(repository)
    with pytest.raises(Guard, match=r"^the staged content of a/b\.yaml cannot be edited"):
        move(repository, "a/b", "n/c")
    assert state(repository) == before


def test_other_staged_files_are_left_alone(repository: Path, git: Git) -> None:
    write(repository, {"x.txt": "x", "y.txt": "y"})
    git("add", "prompts/x.txt")
    move(repository, "a/b", "n/c")
    assert git("status", "--porcelain").splitlines() == [
        "R  prompts/a/b.yaml -> prompts/n/c.yaml",
        "A  prompts/x.txt",
        "?? prompts/y.txt",
    ]


def test_a_file_that_git_does_not_track_is_renamed_only(repository: Path, git: Git) -> None:
    write(repository, {"x.txt": "x"})
    assert not move(repository, "x", "y").is_clean
    assert git("status", "--porcelain") == "?? prompts/y.txt"


def test_line_ends_that_git_converts_are_no_change(repository: Path, git: Git) -> None:
    git("config", "core.autocrlf", "true")
    (repository / "a/b.yaml").write_bytes(TRIAGE.replace("\n", "\r\n").encode())
    move(repository, "a/b", "n/c")
    assert git("status", "--porcelain") == "R  prompts/a/b.yaml -> prompts/n/c.yaml"


def test_declared_aliases_are_staged_as_well(repository: Path, git: Git) -> None:
    write(repository, {"_aliases.yaml": "p: {a/b: rev:1}\n"})
    commit_all(git)
    move(repository, "a/b", "n/c")
    assert git("show", ":prompts/_aliases.yaml") == "p: {n/c: rev:1}"
    assert git("diff", "--name-only") == ""


def test_a_conflict_in_git_is_refused(repository: Path, git: Git) -> None:
    for branch, word in (("main", "Order"), ("side", "Rank")):
        git("checkout", "--quiet", "-B", branch, git("rev-list", "--max-parents=0", "main"))
        write(repository, {"a/b.yaml": TRIAGE.replace("Sort", word)})
        commit_all(git)
    with pytest.raises(subprocess.CalledProcessError):
        git("merge", "--quiet", "main")
    git("checkout", "--quiet", "--ours", "prompts/a/b.yaml")
    before = state(repository)
    with pytest.raises(StorageError, match="conflict"):
        move(repository, "a/b", "n/c")
    assert state(repository) == before


# Nothing half-done


def test_a_locked_index_changes_nothing(repository: Path, git: Git) -> None:
    write(repository, {"_aliases.yaml": "p: {a/b: rev:1}\n"})
    commit_all(git)
    (repository.parent / ".git/index.lock").touch()
    before = state(repository)
    with pytest.raises(StorageError, match="git update-index"):
        move(repository, "a/b", "n/m/c")
    assert state(repository) == before


def test_an_old_file_that_cannot_be_removed_is_kept_and_so_is_the_index(
    repository: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided, before = decide(repository, "a/b", "n/c"), state(repository)
    unlink = Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path.name == "b.yaml":
            raise PermissionError(13, "Permission denied")
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(StorageError) as raised:
        perform_move(repository, decided)
    assert raised.value.message == "cannot move a/b.yaml to n/c.yaml: Permission denied"
    assert state(repository) == before
    assert git("status", "--porcelain") == ""


def test_a_file_that_is_edited_meanwhile_is_left_alone(repository: Path) -> None:
    decided = decide(repository, "a/b", "n/c")
    write(repository, {"a/b.yaml": "template: other\n"})
    before = state(repository)
    with pytest.raises(StalePlan):
        perform_move(repository, decided)
    assert state(repository) == before


def test_a_file_that_came_meanwhile_is_not_replaced(repository: Path) -> None:
    decided = decide(repository, "a/b", "n/c")
    write(repository, {"n/c.yaml": "template: other\n"})
    before = state(repository)
    with pytest.raises(StorageError, match="File exists"):
        perform_move(repository, decided)
    assert state(repository) == before


# Syncs


@pytest.fixture
def synced(tree: Path, sync: Sync, service: PromptService) -> Path:
    """`a/b` with two revisions, `production` at the first."""
    write(tree, {"a/b.yaml": TRIAGE})
    sync()
    service.promote("a/b", "production")
    write(tree, {"a/b.yaml": TRIAGE.replace("Sort", "Order")})
    sync()
    return tree


def revisions(service: PromptService, ref: str) -> list[int]:
    return [entry.version.revision for entry in service.log(ref)]


def test_versions_aliases_and_log_follow(synced: Path, sync: Sync, service: PromptService) -> None:
    move(synced, "a/b", "n/m/c")
    applied = sync()
    assert [change.action for change in applied.plan.changes] == [Action.RENAME]
    for name in ("a/b", "n/m/c"):
        assert revisions(service, name) == [2, 1]
        assert service.get(f"{name}:production").version.revision == 1
    assert str(service.get("a/b").renamed_to) == "n/m/c"
    assert service.get("n/m/c").renamed_to is None
    assert sync().run_id is None


@pytest.mark.parametrize("each", [True, False], ids=["each synced", "synced once"])
def test_a_chain_of_moves(synced: Path, sync: Sync, service: PromptService, each: bool) -> None:
    for old, new in (("a/b", "b"), ("b", "n/c")):
        move(synced, old, new)
        if each:
            sync()
    sync()
    assert {str(service.get(name).version.prompt) for name in ("a/b", "n/c")} == {"n/c"}
    assert revisions(service, "a/b") == [2, 1]


@pytest.mark.parametrize("each", [True, False], ids=["each synced", "synced once"])
def test_there_and_back(synced: Path, sync: Sync, service: PromptService, each: bool) -> None:
    for old, new in (("a/b", "n/c"), ("n/c", "a/b")):
        move(synced, old, new)
        if each:
            sync()
    sync()
    assert str(service.get("a/b:production").version.prompt) == "a/b"
    assert revisions(service, "a/b") == [2, 1]
    assert check_tree(AppSettings(base=synced.parent)).problems == ()


def test_two_prompts_that_swap_their_names_keep_their_histories(
    synced: Path, sync: Sync, service: PromptService
) -> None:
    """With a sync before a name is taken again, as the warning says."""
    write(synced, {"x.txt": "other"})
    sync()
    move(synced, "a/b", "tmp")
    assert decide(synced, "x", "a/b").claimed_by == "tmp.yaml"
    sync()
    move(synced, "x", "a/b")
    sync()
    move(synced, "tmp", "x")
    sync()
    assert (revisions(service, "a/b"), revisions(service, "x")) == ([1], [2, 1])
    assert service.get("x:production").version.revision == 1
    assert sync().run_id is None


def test_a_new_prompt_that_takes_the_old_name_is_another(synced: Path, sync: Sync, service: PromptService) -> None:
    move(synced, "a/b", "n/c")
    sync()
    write(synced, {"a/b.yaml": "template: new\n"})
    applied = sync()
    assert (revisions(service, "a/b"), revisions(service, "n/c")) == ([1], [2, 1])
    assert applied.plan.passed_renames == ()
    assert WorkTree(synced).read("n/c.yaml", 999)
