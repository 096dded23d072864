"""Where versions came from, recorded from real git repositories; and `git:` references that are answered from that."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from registries import dump, on_sqlite, rows, write
from repositories import Git, commit_all, git_in

from promptdb.domain.plan import Policy
from promptdb.errors import Guard, VersionNotFound
from promptdb.project.load import load_tree, require_clean
from promptdb.service import PromptService
from promptdb.sync.apply import Applied
from promptdb.sync.sync_tree import sync_tree

pytestmark = pytest.mark.slow

Sync = Callable[..., Applied]


def sources(service: PromptService) -> dict[str, dict[str, object]]:
    """The newest source of each path."""
    return {row["path"]: row for row in rows(service.engine, "version_sources")}


def runs(service: PromptService) -> list[dict[str, object]]:
    return rows(service.engine, "sync_runs")


def texts(service: PromptService, ref: str) -> str:
    return service.get(ref).render_text()


# What is recorded


def test_a_clean_file_is_recorded_with_the_commit_that_last_changed_it(
    git: Git, service: PromptService, tree: Path, sync: Sync
) -> None:
    write(tree, {"a/one.txt": "one", "a/two.txt": "two"})
    first = commit_all(git)
    write(tree, {"a/two.txt": "two, changed"})
    second = commit_all(git)
    sync()
    found = sources(service)
    assert set(found) == {"prompts/a/one.txt", "prompts/a/two.txt"}
    assert found["prompts/a/one.txt"]["commit_id"] == first
    assert found["prompts/a/two.txt"]["commit_id"] == second
    [run] = runs(service)
    assert (run["root"], run["git_ref"], run["commit_id"], run["is_dirty"]) == ("prompts", "main", second, False)
    for source in found.values():
        assert (source["branch"], source["author"]) == ("main", "Ann Author <ann@example.com>")
        assert (source["is_dirty"], source["run_id"]) == (False, run["id"])


def test_the_blob_id_is_that_of_git(git: Git, service: PromptService, tree: Path, sync: Sync) -> None:
    write(tree, {"a/one.txt": "one\n"})
    commit_all(git)
    sync()
    assert sources(service)["prompts/a/one.txt"]["blob_id"] == git("rev-parse", "HEAD:prompts/a/one.txt")


def test_the_time_of_a_commit_is_kept_in_utc(git: Git, service: PromptService, tree: Path, sync: Sync) -> None:
    write(tree, {"a/one.txt": "one"})
    git("add", "--all")
    git("commit", "--quiet", "--message", "x", GIT_COMMITTER_DATE="2026-01-02T03:04:05+05:00")
    sync()
    assert sources(service)["prompts/a/one.txt"]["committed_at"] == datetime(2026, 1, 1, 22, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "name",
    ["Jörg Groß", "J\udcf6rg", "ﷺ" * 300, "O'Brien; DROP TABLE prompts --"],
    ids=["umlaut", "latin-1 bytes", "very long", "quotes"],
)
def test_an_author_may_have_any_name(git: Git, service: PromptService, tree: Path, sync: Sync, name: str) -> None:
    """Old commits hold names in other encodings; a sync must not stumble over them."""
    write(tree, {"a/one.txt": "one"})
    git("add", "--all")
    git("commit", "--quiet", "--message", "x", GIT_AUTHOR_NAME=name)
    sync()
    author = sources(service)["prompts/a/one.txt"]["author"]
    assert isinstance(author, str)
    assert author[0] == name[0]
    assert author.encode()


def test_a_dirty_file_is_recorded_as_such_with_the_commit_it_was_edited_on(
    git: Git, service: PromptService, tree: Path, sync: Sync
) -> None:
    write(tree, {"a/one.txt": "one", "a/two.txt": "two"})
    head = commit_all(git)
    write(tree, {"a/one.txt": "edited", "a/new.txt": "untracked"})
    sync()
    [run] = runs(service)
    assert (run["commit_id"], run["is_dirty"]) == (head, True)
    found = sources(service)
    for path in ("prompts/a/one.txt", "prompts/a/new.txt"):
        source = found[path]
        assert (source["commit_id"], source["branch"], source["is_dirty"]) == (head, "main", True)
        assert (source["author"], source["committed_at"], source["blob_id"]) == (None, None, None)
    clean = found["prompts/a/two.txt"]
    assert (clean["is_dirty"], clean["blob_id"]) == (False, git("rev-parse", "HEAD:prompts/a/two.txt"))


@on_sqlite
@pytest.mark.parametrize("edited", ["_shared/linked.md", "_shared/tone.md", "a/_rows.csv", "a/_body.txt"])
def test_a_prompt_is_dirty_where_a_file_it_uses_is(
    git: Git, service: PromptService, tree: Path, sync: Sync, edited: str
) -> None:
    write(
        tree,
        {
            "a/include.j2": '{% include "_shared/tone.md" %}',
            "a/asset.yaml": "template: x\nassets: [{path: _rows.csv}]\n",
            "a/body.yaml": "template_file: _body.txt\n",
            "_shared/linked.md": "Linked",
            "_shared/tone.md": "Friendly.",
            "a/_rows.csv": "1",
            "a/_body.txt": "Body",
        },
    )
    (tree / "a/link.md").symlink_to("../_shared/linked.md")
    commit_all(git)
    sync()
    write(tree, {edited: "changed"})
    load_tree(service.settings)  # as `plan` does: what sync reads is known by then
    sync()
    user = {
        "_shared/linked.md": "prompts/a/link.md",
        "_shared/tone.md": "prompts/a/include.j2",
        "a/_rows.csv": "prompts/a/asset.yaml",
        "a/_body.txt": "prompts/a/body.yaml",
    }
    assert {path for path, source in sources(service).items() if source["is_dirty"]} == {user[edited]}


def test_staged_changes_are_dirty_too(git: Git, service: PromptService, tree: Path, sync: Sync) -> None:
    write(tree, {"a/one.txt": "one"})
    commit_all(git)
    write(tree, {"a/one.txt": "staged"})
    git("add", "--all")
    sync()
    assert sources(service)["prompts/a/one.txt"]["is_dirty"] is True


def test_changes_outside_of_the_prompts_do_not_make_them_dirty(
    git: Git, service: PromptService, tree: Path, sync: Sync, tmp_path: Path
) -> None:
    write(tree, {"a/one.txt": "one"})
    commit_all(git)
    write(tmp_path, {"code.py": "x = 1"})
    sync()
    [run] = runs(service)
    assert run["is_dirty"] is False


@on_sqlite
def test_requiring_a_clean_tree_names_the_files(git: Git, service: PromptService, tree: Path) -> None:
    write(tree, {"a/one.txt": "one"})
    commit_all(git)
    require_clean(load_tree(service.settings))
    write(tree, {f"a/p{number}.txt": "x" for number in range(5)})
    with pytest.raises(Guard, match=r"uncommitted changes: a/p0\.txt, a/p1\.txt, a/p2\.txt and 2 more"):
        require_clean(load_tree(service.settings))


@on_sqlite
def test_what_git_ignores_is_no_prompt(
    git: Git, service: PromptService, tree: Path, sync: Sync, tmp_path: Path
) -> None:
    write(tmp_path, {".gitignore": "drafts/\n*.tmp.md\n"})
    write(tree, {"a/one.txt": "one", "drafts/two.txt": "two", "a/x.tmp.md": "three"})
    commit_all(git)
    sync()
    assert [str(summary.prompt) for summary in service.list_prompts()] == ["a/one"]


@on_sqlite
@pytest.mark.parametrize("pattern", ["_rows.csv", "*.csv", "_data/", "prompts/a/_data/"])
@pytest.mark.parametrize("file", ["asset: a/x.yaml", "fragment: a/x.j2"])
def test_a_file_that_a_prompt_names_and_git_ignores_is_dirty(
    git: Git, service: PromptService, tree: Path, sync: Sync, tmp_path: Path, pattern: str, file: str
) -> None:
    """No commit has it, although `git status` shows nothing."""
    prompt = file.partition(": ")[2]
    text = (
        "template: x\nassets: [{path: _data/_rows.csv}]\n"
        if prompt.endswith("yaml")
        else '{% include "a/_data/_rows.csv" %}'
    )
    write(tmp_path, {".gitignore": f"{pattern}\n"})
    write(tree, {prompt: text, "a/_data/_rows.csv": "1", "a/clean.txt": "x", "a/_data/unused.csv": "2"})
    commit_all(git)
    assert git("status", "--porcelain") == ""
    with pytest.raises(Guard, match=r"uncommitted changes: a/_data/_rows\.csv \(git ignores it\)"):
        require_clean(load_tree(service.settings))
    sync()
    assert {path: source["is_dirty"] for path, source in sources(service).items()} == {
        f"prompts/{prompt}": True,
        "prompts/a/clean.txt": False,
    }
    git("add", "--force", "prompts")
    commit_all(git)
    require_clean(load_tree(service.settings))
    assert [str(each) for each in sync().confirmed] == ["a/x"]


@on_sqlite
def test_ignored_declarations_of_aliases_are_dirty(
    git: Git, service: PromptService, tree: Path, tmp_path: Path
) -> None:
    write(tmp_path, {".gitignore": "_aliases.yaml\n"})
    write(tree, {"a/one.txt": "1", "_aliases.yaml": "production: {a/one: latest}\n"})
    commit_all(git)
    with pytest.raises(Guard, match=r"_aliases\.yaml \(git ignores it\)"):
        require_clean(load_tree(service.settings))


# Runs


def test_a_new_commit_without_a_change_of_prompts_is_recorded_once(
    git: Git, service: PromptService, tree: Path, sync: Sync, tmp_path: Path
) -> None:
    write(tree, {"a/one.txt": "one"})
    commit_all(git)
    sync()
    write(tmp_path, {"code.py": "x = 1"})
    second = commit_all(git)
    applied = sync()
    assert applied.plan.is_empty
    assert applied.run_id is not None
    assert [run["commit_id"] for run in runs(service)][-1] == second
    before = dump(service.engine)
    assert sync().run_id is None
    assert dump(service.engine) == before


def test_a_dirty_tree_without_a_change_of_prompts_writes_nothing(
    git: Git, service: PromptService, tree: Path, sync: Sync
) -> None:
    write(tree, {"a/one.yaml": "template: one\n"})
    commit_all(git)
    sync()
    before = dump(service.engine)
    write(tree, {"a/one.yaml": "# a comment\ntemplate: one\n"})
    assert sync().run_id is None
    assert dump(service.engine) == before


def test_the_newest_commit_of_each_branch_is_kept(git: Git, service: PromptService, tree: Path, sync: Sync) -> None:
    heads = {}
    for branch, text in (("main", "one"), ("feature/x", "two"), ("main", "three")):
        if branch != git("symbolic-ref", "--short", "HEAD"):
            git("checkout", "--quiet", *([] if branch in heads else ["-b"]), branch)
        write(tree, {"a/one.txt": text})
        heads[branch] = commit_all(git)
        sync()
    found = {row["git_ref"]: row["commit_id"] for row in rows(service.engine, "source_heads")}
    assert found == heads


def test_a_dirty_run_moves_no_head(git: Git, service: PromptService, tree: Path, sync: Sync) -> None:
    write(tree, {"a/one.txt": "one"})
    commit_all(git)
    write(tree, {"a/one.txt": "edited"})
    sync()
    assert rows(service.engine, "source_heads") == []


def test_with_a_detached_head_there_is_a_commit_but_no_branch(
    git: Git, service: PromptService, tree: Path, sync: Sync
) -> None:
    write(tree, {"a/one.txt": "one"})
    head = commit_all(git)
    git("checkout", "--quiet", "--detach")
    sync()
    [run] = runs(service)
    assert (run["git_ref"], run["commit_id"]) == (None, head)
    source = sources(service)["prompts/a/one.txt"]
    assert (source["branch"], source["commit_id"]) == (None, head)
    assert [(row["git_ref"], row["commit_id"]) for row in rows(service.engine, "source_heads")] == [("HEAD", head)]
    assert texts(service, f"a/one:git:{head}") == "one"


def test_before_the_first_commit_everything_is_dirty(git: Git, service: PromptService, tree: Path, sync: Sync) -> None:
    write(tree, {"a/one.txt": "one"})
    sync()
    [run] = runs(service)
    assert (run["git_ref"], run["commit_id"], run["is_dirty"]) == ("main", None, True)
    source = sources(service)["prompts/a/one.txt"]
    assert (source["commit_id"], source["branch"], source["is_dirty"]) == (None, "main", True)
    before = dump(service.engine)
    sync()
    assert dump(service.engine) == before


def test_without_git_only_the_path_is_recorded(service: PromptService, tree: Path, sync: Sync) -> None:
    write(tree, {"a/one.txt": "one"})
    sync()
    [run] = runs(service)
    assert (run["root"], run["git_ref"], run["commit_id"], run["is_dirty"]) == ("prompts", None, None, False)
    source = sources(service)["a/one.txt"]
    facts = ("commit_id", "branch", "author", "committed_at", "blob_id")
    assert [source[fact] for fact in facts] == [None] * 5
    assert source["is_dirty"] is False
    assert service.log("a/one")[0].source is not None


def test_the_top_of_the_repository_may_be_the_prompts_root(service: PromptService, tree: Path, sync: Sync) -> None:
    git = git_in(tree)
    git("init", "--quiet", "--initial-branch=main")
    write(tree, {"a/one.txt": "one"})
    head = commit_all(git)
    sync()
    assert sources(service)["a/one.txt"]["commit_id"] == head
    assert runs(service)[0]["root"] == "."


# A version is in many commits


def test_a_version_that_a_fragment_changed_came_from_the_commit_of_the_fragment(
    git: Git, service: PromptService, tree: Path, sync: Sync
) -> None:
    commits = []
    write(tree, {"a/one.j2": '{% include "_shared/tone.md" %}', "a/two.txt": "two"})
    for tone in ("Friendly", "Formal"):
        write(tree, {"_shared/tone.md": tone})
        git("add", "--all")
        git("commit", "--quiet", "-m", tone, GIT_AUTHOR_NAME=tone)
        commits.append(git("rev-parse", "HEAD"))
        sync()
    found = [entry.source for entry in service.log("a/one")]
    assert [(source.commit_id, source.author) for source in found if source is not None] == [
        (commits[1], "Formal <ann@example.com>"),
        (commits[0], "Friendly <ann@example.com>"),
    ]
    assert texts(service, f"a/one:git:{commits[0]}") == "Friendly"


def test_the_log_tells_where_each_version_came_from(git: Git, service: PromptService, tree: Path, sync: Sync) -> None:
    commits = []
    for text in ("one", "two"):
        write(tree, {"a/one.txt": text})
        commits.append(commit_all(git))
        sync()
    service.promote("a/one:rev:1", "production")
    second, first = service.log("a/one")
    assert first.source is not None
    assert second.source is not None
    assert [first.source.commit_id, second.source.commit_id] == commits
    assert (first.aliases, second.aliases) == (("production",), ())


def test_git_finds_the_version_that_was_in_a_commit(
    git: Git, service: PromptService, tree: Path, sync: Sync, tmp_path: Path
) -> None:
    """Also in commits that did not touch the file, given in full, abbreviated, or in capitals."""
    commits = {}
    for number, change in enumerate(("one", None, "two", None, "one", None)):
        write(tree, {"a/one.txt": change} if change else {})
        write(tmp_path, {"code.py": f"x = {number}"})
        commits[commit_all(git)] = number // 2 + 1
        sync()
    for commit, revision in commits.items():
        for name in (commit, commit[:12], commit.upper()):
            assert service.get(f"a/one:git:{name}").version.revision == revision, name


def test_git_finds_what_the_newest_sync_of_a_branch_had(
    git: Git, service: PromptService, tree: Path, sync: Sync
) -> None:
    write(tree, {"a/one.txt": "on main"})
    commit_all(git)
    sync()
    git("checkout", "--quiet", "-b", "feature/x")
    write(tree, {"a/one.txt": "on the branch"})
    commit_all(git)
    sync()
    assert texts(service, "a/one:git:main") == "on main"
    assert texts(service, "a/one:git:feature/x") == "on the branch"
    git("checkout", "--quiet", "main")
    write(tree, {"a/one.txt": "on main again"})
    commit_all(git)
    sync()
    assert texts(service, "a/one:git:main") == "on main again"
    assert texts(service, "a/one:git:feature/x") == "on the branch"


def test_git_finds_the_commit_that_changed_the_file_though_it_was_never_synced_itself(
    git: Git, service: PromptService, tree: Path, sync: Sync, tmp_path: Path
) -> None:
    write(tree, {"a/one.txt": "one"})
    changed = commit_all(git)
    write(tmp_path, {"code.py": "x = 1"})
    commit_all(git)
    sync()
    assert texts(service, f"a/one:git:{changed}") == "one"


def test_git_finds_a_version_that_was_synced_before_it_was_committed(
    git: Git, service: PromptService, tree: Path, sync: Sync
) -> None:
    """The usual order of a day: edit, sync, look, commit, and CI syncs the commit."""
    write(tree, {"a/one.txt": "one"})
    first = commit_all(git)
    sync()
    write(tree, {"a/one.txt": "two"})
    sync()
    second = commit_all(git)
    sync()
    assert texts(service, f"a/one:git:{first}") == "one"
    assert texts(service, f"a/one:git:{second}") == "two"
    assert texts(service, "a/one:git:main") == "two"


def test_git_finds_a_prompt_whose_only_version_was_synced_before_it_was_committed(
    git: Git, service: PromptService, tree: Path, sync: Sync
) -> None:
    write(tree, {"a/one.txt": "one"})
    sync()
    head = commit_all(git)
    sync()
    assert texts(service, f"a/one:git:{head}") == "one"


def test_a_commit_that_confirms_what_was_synced_before_is_recorded_once(
    git: Git, service: PromptService, tree: Path, sync: Sync
) -> None:
    write(tree, {"a/one.txt": "one", "a/two.txt": "two"})
    sync()
    write(tree, {"a/two.txt": "two, changed"})
    commit = commit_all(git)
    sync()
    found = [row for row in rows(service.engine, "version_sources") if row["path"] == "prompts/a/one.txt"]
    assert [(row["is_dirty"], row["commit_id"]) for row in found] == [(True, None), (False, commit)]
    before = dump(service.engine)
    assert sync().run_id is None
    assert dump(service.engine) == before


def test_git_finds_a_registered_version_that_a_commit_has_too(
    git: Git, service: PromptService, tree: Path, sync: Sync
) -> None:
    service.register_text("a/one", "one")
    write(tree, {"a/one.txt": "one"})
    head = commit_all(git)
    sync()
    assert texts(service, f"a/one:git:{head}") == "one"


def test_a_registered_version_is_in_no_commit(git: Git, service: PromptService, tree: Path, sync: Sync) -> None:
    write(tree, {"a/one.txt": "one"})
    head = commit_all(git)
    sync()
    service.register_text("a/one", "from elsewhere")
    assert texts(service, f"a/one:git:{head}") == "one"


def test_a_dirty_version_is_in_no_commit(git: Git, service: PromptService, tree: Path, sync: Sync) -> None:
    write(tree, {"a/one.txt": "one"})
    head = commit_all(git)
    sync()
    write(tree, {"a/one.txt": "edited"})
    sync()
    assert texts(service, "a/one") == "edited"
    assert texts(service, f"a/one:git:{head}") == "one"
    assert texts(service, "a/one:git:main") == "one"


def test_a_prompt_that_was_not_there_yet_is_not_found_in_the_commit(
    git: Git, service: PromptService, tree: Path, sync: Sync
) -> None:
    write(tree, {"a/one.txt": "one"})
    early = commit_all(git)
    sync()
    write(tree, {"a/two.txt": "two"})
    commit_all(git)
    sync()
    with pytest.raises(VersionNotFound):
        service.get(f"a/two:git:{early}")


def sync_as(service: PromptService, branch: str | None, commit_id: str) -> None:
    """As if the work tree were at that commit: real ids cannot be chosen."""
    loaded = load_tree(service.settings)
    origin = replace(loaded.origin, git_ref=branch, commit_id=commit_id, is_dirty=False)
    sync_tree(service.registry, replace(loaded, origin=origin), Policy())


def test_an_abbreviated_commit_that_fits_two_is_an_error_that_gives_more_digits(
    service: PromptService, tree: Path
) -> None:
    write(tree, {"a/one.txt": "one"})
    for commit_id in ("abcd12" + "0" * 34, "abcd34" + "0" * 34):
        sync_as(service, "main", commit_id)
    with pytest.raises(VersionNotFound, match="git:abcd matches 2 commits") as caught:
        service.get("a/one:git:abcd")
    assert caught.value.hint == "give more digits: abcd1200, abcd3400"
    assert texts(service, "a/one:git:abcd1") == "one"


@pytest.mark.parametrize("branch", ["feed", "0"])
def test_a_branch_whose_name_could_be_a_commit_is_that_branch(service: PromptService, tree: Path, branch: str) -> None:
    """As for git itself, a ref comes before an abbreviated commit."""
    write(tree, {"a/one.txt": "on the branch"})
    sync_as(service, branch, "1" * 40)
    for number in range(2):
        write(tree, {"a/one.txt": f"elsewhere {number}"})
        sync_as(service, "main", f"{branch}{number}".ljust(40, "c"))
        assert texts(service, f"a/one:git:{branch}") == "on the branch"


@pytest.mark.parametrize("name", ["HEAD~1", "v1.0", "origin/main", "..", "main^{tree}", "Main", "main:prompts"])
def test_a_name_that_nobody_knows_is_not_found(
    git: Git, service: PromptService, tree: Path, sync: Sync, name: str
) -> None:
    write(tree, {"a/one.txt": "one"})
    commit_all(git)
    sync()
    with pytest.raises(VersionNotFound, match="a/one has no version"):
        service.get(f"a/one:git:{name}")


@pytest.mark.parametrize("name", ["v1.0", "annotated", "HEAD~1", "refs/tags/v1.0", "never/synced", "v1.0^{commit}"])
def test_a_name_that_was_not_recorded_is_looked_up_in_the_repository(
    git: Git, service: PromptService, tree: Path, sync: Sync, name: str
) -> None:
    write(tree, {"a/one.txt": "one"})
    commit_all(git)
    git("tag", "v1.0")
    git("tag", "--annotate", "--message", "x", "annotated")
    git("branch", "never/synced")
    sync()
    write(tree, {"a/one.txt": "two"})
    commit_all(git)
    sync()
    assert texts(service, f"a/one:git:{name}") == "one"


def test_a_tag_of_the_repository_can_be_promoted_and_exported(
    git: Git, service: PromptService, tree: Path, sync: Sync, tmp_path: Path
) -> None:
    """As it can be shown: a reference means the same everywhere."""
    write(tree, {"a/one.txt": "one"})
    commit_all(git)
    git("tag", "v1.0")
    sync()
    write(tree, {"a/one.txt": "two"})
    commit_all(git)
    sync()
    assert service.promote("a/one:git:v1.0", "production").to_revision == 1
    [file] = service.export_to_file("a/one:git:v1.0", tmp_path / "out.yaml")
    assert "one" in file.read_text()


def test_a_branch_that_another_branch_at_the_same_commit_was_synced_for_is_found(
    git: Git, service: PromptService, tree: Path, sync: Sync
) -> None:
    write(tree, {"a/one.txt": "one"})
    commit_all(git)
    sync()
    git("checkout", "--quiet", "-b", "release")
    sync()
    assert texts(service, "a/one:git:release") == "one"


def test_two_checkouts_of_one_repository_give_the_same_versions(
    git: Git, service: PromptService, tree: Path, tmp_path: Path, sync: Sync
) -> None:
    write(tree, {"a/one.txt": "one", "b/two.yaml": "template: two\n"})
    commit_all(git)
    sync()
    before = dump(service.engine)
    clone = tmp_path / "clone"
    git("clone", "--quiet", str(tmp_path), str(clone))
    settings = service.settings.model_copy(update={"prompts_root": (str(clone / "prompts"),)})
    assert sync_tree(service.registry, load_tree(settings), Policy()).run_id is None
    assert dump(service.engine) == before
    shutil.rmtree(clone)
