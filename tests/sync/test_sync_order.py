"""Syncs that finish in another order than that of their commits: nothing moves back. Real git, both databases."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from registries import dump, on_sqlite, rows, settings_for, write
from repositories import Git, commit_all, git_in
from sampling import sampled
from workers import sync_clone, together

from promptdb.domain.commit_order import Verdict
from promptdb.domain.plan import Policy
from promptdb.errors import ConfigError, DivergedHistory, Guard, VersionNotFound
from promptdb.project.load import load_tree
from promptdb.service import PromptService
from promptdb.sync.apply import Applied
from promptdb.sync.sync_tree import plan_tree, sync_tree

pytestmark = pytest.mark.slow

COMMITS = (
    {"a/one.txt": "one", "a/two.txt": "two"},
    {"a/one.txt": "one, edited", "a/three.txt": "three"},
    {"a/two.txt": None},
    {"a/one.txt": "one, again", "a/four.txt": "four", "a/three.txt": None},
)
"""The files that each commit changes; None for those that it removes."""

NEWEST = {"a/one": ("one, again", False), "a/four": ("four", False)}
"""The text of each prompt that the last commit has, and whether it is archived."""

NEWEST_TEXTS = {name: text for name, (text, _) in NEWEST.items()}


@dataclass(frozen=True)
class History:
    """Four commits, oldest first, and a clone on the branch `main` at each; `detached` are the same without a branch."""

    commits: tuple[str, ...]
    clones: tuple[Path, ...]
    detached: tuple[Path, ...]


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    """Clones that nobody writes to, made once."""
    folder = tmp_path_factory.mktemp("history")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{name}_NAME", "Ann Author")
            patch.setenv(f"GIT_{name}_EMAIL", "ann@example.com")
        source = new_repository(folder / "source")
        commits = tuple(commit_files(source, folder / "source", files) for files in COMMITS)
        clones, detached = [], []
        for number, commit in enumerate(commits):
            clones.append(clone(folder / "source", folder / f"clone-{number}"))
            git_in(clones[-1])("reset", "--quiet", "--hard", commit)
            detached.append(clone(folder / "source", folder / f"detached-{number}"))
            git_in(detached[-1])("checkout", "--quiet", "--detach", commit)
    return History(commits, tuple(clones), tuple(detached))


def new_repository(folder: Path) -> Git:
    folder.mkdir(parents=True)
    git = git_in(folder)
    git("init", "--quiet", "--initial-branch=main")
    (folder / ".git" / "info" / "exclude").write_text("*.sqlite3*\n.blobs/\nclones/\n")
    return git


def commit_files(git: Git, folder: Path, files: Any, message: str = "change") -> str:
    write(folder / "prompts", {path: text for path, text in files.items() if text is not None})
    for path in (path for path, text in files.items() if text is None):
        (folder / "prompts" / path).unlink()
    return commit_all(git, message)


def clone(source: Path, folder: Path, *options: str) -> Path:
    git_in(source)("clone", "--quiet", *options, source.as_uri(), str(folder))
    return folder


def state(service: PromptService) -> dict[str, tuple[str, bool]]:
    """Text of the newest version of each prompt that is not archived."""
    return {
        str(summary.prompt): (service.get(f"{summary.prompt}").render_text(), summary.archived)
        for summary in service.list_prompts()
    }


def staging(service: PromptService) -> dict[str, str]:
    """What the alias of the branch gives, of the prompts that are not archived."""
    names = {str(summary.prompt) for summary in service.list_prompts()}
    found = [str(view.prompt) for view in service.aliases() if view.alias == "staging"]
    return {name: service.get(f"{name}:staging").render_text() for name in found if name in names}


def heads(service: PromptService) -> dict[str, str]:
    return {row["git_ref"]: row["commit_id"] for row in rows(service.engine, "source_heads")}


def outcomes(service: PromptService) -> list[str]:
    return [row["outcome"] for row in rows(service.engine, "sync_runs")]


ORDERS = list(permutations(range(4)))
ORDER_IDS = ["".join(str(number + 1) for number in order) for order in ORDERS]
REFS = {"main": ["staging"]}


@sampled(few=ORDERS[8::8])
@pytest.mark.parametrize("order", ORDERS, ids=ORDER_IDS)
@pytest.mark.parametrize("way", ["branch", "detached", "named"])
def test_whatever_the_order_the_newest_commit_wins(
    way: str, order: tuple[int, ...], history: History, service: PromptService, database_url: str
) -> None:
    places = history.clones if way == "branch" else history.detached
    refs, ref = ({}, None) if way == "detached" else (REFS, "main" if way == "named" else None)
    newest = -1
    for number in order:
        verdict = sync_clone(database_url, places[number], service.settings.blob_path, refs, ref, prune=True)
        assert verdict == ("superseded" if number < newest else "apply")
        newest = max(newest, number)
    assert state(service) == NEWEST
    assert heads(service) == {"HEAD" if way == "detached" else "main": history.commits[-1]}
    assert staging(service) == ({} if way == "detached" else NEWEST_TEXTS)


@sampled(few=[0])
@pytest.mark.parametrize("attempt", range(3))
@pytest.mark.parametrize("way", ["branch", "detached"])
def test_processes_at_once_end_in_the_newest_commit(
    way: str, attempt: int, history: History, service: PromptService, database_url: str
) -> None:
    refs = {} if way == "detached" else REFS
    places = history.clones if way == "branch" else history.detached
    calls = [(database_url, place, service.settings.blob_path, refs, None, True) for place in places]
    answers = together(sync_clone, calls)
    assert set(answers) <= {"apply", "superseded"}
    assert answers[-1] == "apply"
    assert state(service) == NEWEST
    assert heads(service) == {"HEAD" if way == "detached" else "main": history.commits[-1]}
    assert staging(service) == ({} if way == "detached" else NEWEST_TEXTS)


# One repository


@pytest.fixture
def checkout(tmp_path: Path, database_url: str) -> Iterator["Checkout"]:
    opened: list[PromptService] = []
    folder = tmp_path / "work"
    git = new_repository(folder)

    def service(**settings: Any) -> PromptService:
        opened.append(PromptService(settings_for(database_url, folder, blob_root=tmp_path / ".blobs", **settings)))
        return opened[-1]

    yield Checkout(folder, git, service)
    for found in opened:
        found.close()


@dataclass(frozen=True)
class Checkout:
    folder: Path
    git: Git
    service: Callable[..., PromptService]

    def commit(self, text: str) -> str:
        return commit_files(self.git, self.folder, {"a/one.txt": text})

    def sync(self, ref: str | None = None, refs: dict[str, list[str]] | None = None, **policy: Any) -> Applied:
        return self.sync_of(self.folder, ref, refs, **policy)

    def sync_of(
        self, folder: Path, ref: str | None = None, refs: dict[str, list[str]] | None = None, **policy: Any
    ) -> Applied:
        service = self.service(refs=refs or {})
        loaded = load_tree(service.settings.model_copy(update={"prompts_root": (str(folder / "prompts"),)}))
        loaded = replace(loaded, origin=loaded.origin.standing_for(ref))
        return sync_tree(service.registry, loaded, Policy(**policy))

    @property
    def text(self) -> str:
        return self.service().get("a/one").render_text()

    @property
    def heads(self) -> dict[str, str]:
        return heads(self.service())


def verdict(applied: Applied) -> Verdict:
    assert applied.plan.order is not None
    return applied.plan.order.verdict


def test_a_superseded_sync_leaves_a_run_and_nothing_else(checkout: Checkout) -> None:
    older = checkout.commit("older")
    newer = checkout.commit("newer")
    checkout.sync()
    before = dump(checkout.service().engine)
    checkout.git("reset", "--quiet", "--hard", older)
    applied = checkout.sync()
    assert (verdict(applied), applied.plan.changes) == (Verdict.SUPERSEDED, ())
    after = dump(checkout.service().engine)
    assert {table for table in before if before[table] != after[table]} == {"sync_runs"}
    [_, run] = rows(checkout.service().engine, "sync_runs")
    assert (run["id"], run["commit_id"], run["outcome"]) == (applied.run_id, older, "superseded")
    assert checkout.heads == {"main": newer}


def test_git_finds_nothing_in_a_superseded_run(checkout: Checkout, tmp_path: Path) -> None:
    older = checkout.commit("older")
    checkout.commit("newer")
    checkout.sync()
    checkout.git("reset", "--quiet", "--hard", older)
    checkout.sync()
    service = PromptService(checkout.service().settings.model_copy())
    service.settings._base = tmp_path  # where no repository answers
    assert checkout.service().get("a/one:git:main").render_text() == "newer"
    with pytest.raises(VersionNotFound):
        service.get(f"a/one:git:{older}")
    service.close()


def test_a_dirty_tree_stands_on_its_commit_and_moves_no_head(checkout: Checkout) -> None:
    older = checkout.commit("older")
    newer = checkout.commit("newer")
    write(checkout.folder, {"prompts/a/one.txt": "edited"})
    assert verdict(checkout.sync()) is Verdict.APPLY
    assert (checkout.text, checkout.heads) == ("edited", {})
    checkout.git("checkout", "--quiet", "--", ".")
    checkout.sync()
    checkout.git("reset", "--quiet", "--hard", older)
    write(checkout.folder, {"prompts/a/one.txt": "edited again"})
    assert verdict(checkout.sync()) is Verdict.SUPERSEDED
    assert (checkout.text, checkout.heads) == ("newer", {"main": newer})


def test_a_merge_brings_side_branches_in_and_what_was_merged_is_superseded(checkout: Checkout) -> None:
    checkout.commit("base")
    checkout.git("checkout", "--quiet", "-b", "side")
    side = commit_files(checkout.git, checkout.folder, {"a/two.txt": "side"})
    checkout.git("checkout", "--quiet", "main")
    checkout.commit("main")
    checkout.sync()
    checkout.git("merge", "--quiet", "--no-edit", "side")
    assert verdict(checkout.sync()) is Verdict.APPLY
    checkout.git("checkout", "--quiet", "--detach", side)
    assert verdict(checkout.sync("main")) is Verdict.SUPERSEDED


def test_two_refs_have_an_order_each(checkout: Checkout) -> None:
    base = checkout.commit("base")
    checkout.git("checkout", "--quiet", "-b", "release/1")
    first = checkout.commit("release")
    checkout.sync()
    checkout.git("checkout", "--quiet", "main")
    second = checkout.commit("main")
    assert verdict(checkout.sync()) is Verdict.APPLY
    assert checkout.heads == {"release/1": first, "main": second}
    checkout.git("checkout", "--quiet", "--detach", base)
    for ref in ("main", "release/1"):
        assert verdict(checkout.sync(ref)) is Verdict.SUPERSEDED
    assert checkout.text == "main"


def test_a_commit_without_a_ref_is_superseded_by_any(checkout: Checkout) -> None:
    older = checkout.commit("older")
    checkout.commit("newer")
    checkout.sync()
    checkout.git("checkout", "--quiet", "--detach", older)
    assert verdict(checkout.sync()) is Verdict.SUPERSEDED
    assert checkout.text == "newer"


def test_a_branch_does_not_go_behind_what_was_synced_without_a_ref(checkout: Checkout) -> None:
    older = checkout.commit("older")
    checkout.sync()
    checkout.git("checkout", "--quiet", "--detach")
    checkout.commit("newer")
    assert verdict(checkout.sync()) is Verdict.APPLY
    checkout.git("checkout", "--quiet", "main")
    assert checkout.git("rev-parse", "HEAD") == older
    assert verdict(checkout.sync()) is Verdict.SUPERSEDED
    assert checkout.text == "newer"


# Histories that were rewritten


def rewritten(checkout: Checkout, tmp_path: Path) -> tuple[Path, str]:
    """A clone that was synced, whose branch is another one at the remote by now; it has that, and its commit."""
    checkout.commit("base")
    folder = clone(checkout.folder, tmp_path / "clone")
    checkout.sync_of(folder)
    checkout.commit("lost")
    git_in(folder)("pull", "--quiet")
    checkout.sync_of(folder)
    checkout.git("reset", "--quiet", "--hard", "HEAD~1")
    commit = checkout.commit("pushed")
    git_in(folder)("fetch", "--quiet")
    git_in(folder)("reset", "--quiet", "--hard", "origin/main")
    return folder, commit


def test_a_force_push_is_refused_unless_it_is_followed(checkout: Checkout, tmp_path: Path) -> None:
    folder, commit = rewritten(checkout, tmp_path)
    before = dump(checkout.service().engine)
    with pytest.raises(DivergedHistory, match="at which main was synced") as caught:
        checkout.sync_of(folder)
    assert "--follow-force-push" in (caught.value.hint or "")
    assert dump(checkout.service().engine) == before
    assert verdict(checkout.sync_of(folder, follow_force_push=True)) is Verdict.APPLY
    assert (checkout.text, checkout.heads) == ("pushed", {"main": commit})


def test_a_force_push_is_not_followed_once_another_came(checkout: Checkout, tmp_path: Path) -> None:
    folder, _ = rewritten(checkout, tmp_path)
    checkout.commit("pushed after it")
    with pytest.raises(DivergedHistory) as caught:
        checkout.sync_of(folder, follow_force_push=True)
    assert caught.value.hint == "main is at another commit at its remote: sync the commit that was pushed last"
    assert checkout.text == "lost"


def test_a_force_push_is_followed_in_a_clone_that_never_had_the_old_history(checkout: Checkout, tmp_path: Path) -> None:
    rewritten(checkout, tmp_path)
    checkout.git("reflog", "expire", "--expire=now", "--all")
    folder = clone(checkout.folder, tmp_path / "fresh")
    with pytest.raises(DivergedHistory, match="it is not known whether") as caught:
        checkout.sync_of(folder)
    assert "--follow-force-push" in (caught.value.hint or "")
    assert verdict(checkout.sync_of(folder, follow_force_push=True)) is Verdict.APPLY
    assert checkout.text == "pushed"


def test_a_branch_that_was_moved_back_is_followed_to_where_it_is(checkout: Checkout, tmp_path: Path) -> None:
    older = checkout.commit("older")
    checkout.commit("newer")
    checkout.sync()
    checkout.git("reset", "--quiet", "--hard", older)
    assert verdict(checkout.sync()) is Verdict.SUPERSEDED
    assert verdict(checkout.sync(follow_force_push=True)) is Verdict.APPLY
    assert (checkout.text, checkout.heads) == ("older", {"main": older})
    assert checkout.sync(follow_force_push=True).run_id is None


def test_an_older_commit_with_the_flag_is_still_superseded(checkout: Checkout) -> None:
    older = checkout.commit("older")
    newer = checkout.commit("newer")
    checkout.sync()
    checkout.git("checkout", "--quiet", "--detach", older)
    assert verdict(checkout.sync("main", follow_force_push=True)) is Verdict.SUPERSEDED
    assert checkout.heads == {"main": newer}


def test_without_a_ref_no_force_push_is_followed(checkout: Checkout, tmp_path: Path) -> None:
    folder, _ = rewritten(checkout, tmp_path)
    git_in(folder)("checkout", "--quiet", "--detach")
    with pytest.raises(DivergedHistory) as caught:
        checkout.sync_of(folder, follow_force_push=True)
    assert "--ref" in (caught.value.hint or "")


# Clones that do not know


@pytest.mark.parametrize(("depth", "is_known"), [(1, False), (2, True)])
def test_a_shallow_clone_is_applied_only_if_it_reaches_the_recorded_commit(
    checkout: Checkout, tmp_path: Path, depth: int, is_known: bool
) -> None:
    checkout.commit("older")
    checkout.sync()
    checkout.commit("newer")
    folder = clone(checkout.folder, tmp_path / "shallow", f"--depth={depth}")
    if is_known:
        assert verdict(checkout.sync_of(folder)) is Verdict.APPLY
    else:
        before = dump(checkout.service().engine)
        with pytest.raises(DivergedHistory, match="it is not known whether") as caught:
            checkout.sync_of(folder)
        assert caught.value.hint == "the clone is shallow: git fetch --unshallow --filter=blob:none"
        assert dump(checkout.service().engine) == before
        git_in(folder)("fetch", "--quiet", "--unshallow", "--filter=blob:none")
        assert verdict(checkout.sync_of(folder)) is Verdict.APPLY
    assert checkout.text == "newer"


def test_a_clone_from_before_the_recorded_commit_does_not_guess(checkout: Checkout, tmp_path: Path) -> None:
    checkout.commit("older")
    folder = clone(checkout.folder, tmp_path / "clone")
    newer = checkout.commit("newer")
    checkout.sync()
    with pytest.raises(DivergedHistory) as caught:
        checkout.sync_of(folder)
    assert (caught.value.hint or "").startswith(f"git fetch origin {newer};")
    git_in(folder)("fetch", "--quiet")
    assert verdict(checkout.sync_of(folder)) is Verdict.SUPERSEDED


# Tags

TAGS = {"tags/v*": ["production"]}


def test_tags_of_a_pattern_are_one_line(checkout: Checkout) -> None:
    commits = {tag: checkout.commit(tag) for tag in ("v1", "v2", "v3")}
    found = {}
    for tag in ("v2", "v1", "v3"):
        checkout.git("checkout", "--quiet", "--detach", commits[tag])
        found[tag] = verdict(checkout.sync(f"tags/{tag}", TAGS))
    assert found == {"v2": Verdict.APPLY, "v1": Verdict.SUPERSEDED, "v3": Verdict.APPLY}
    assert checkout.heads == {"tags/v*": commits["v3"]}
    assert checkout.service().get("a/one:git:v2").render_text() == "v2"


def test_a_hotfix_tag_on_a_side_branch_has_diverged(checkout: Checkout) -> None:
    base = checkout.commit("v1")
    checkout.commit("v2")
    checkout.git("checkout", "--quiet", "--detach")
    checkout.sync("tags/v2", TAGS)
    checkout.git("checkout", "--quiet", "--detach", base)
    checkout.commit("v1.0.1")
    with pytest.raises(DivergedHistory) as caught:
        checkout.sync("tags/v1.0.1", TAGS, follow_force_push=True)
    assert "a pattern of their own" in (caught.value.hint or "")


# Refs that are not listed, and registries of one's own


@pytest.mark.parametrize("ref", [None, "feature"])
def test_a_ref_that_is_not_listed_is_planned_and_not_synced(checkout: Checkout, ref: str | None) -> None:
    checkout.commit("one")
    checkout.git("checkout", "--quiet", *(["-b", ref] if ref else ["--detach"]))
    service = checkout.service(refs={"main": []})
    loaded = load_tree(service.settings)
    intended = plan_tree(service.registry, loaded, Policy())
    assert intended.order is not None
    assert (intended.order.verdict, len(intended.changes)) == (Verdict.UNLISTED, 1)
    with pytest.raises(Guard, match=ref or "a commit without a ref"):
        sync_tree(service.registry, loaded, Policy())
    assert rows(service.engine, "sync_runs") == []


@on_sqlite
def test_a_local_registry_follows_whatever_is_checked_out(checkout: Checkout) -> None:
    refs: dict[str, list[str]] = {"main": []}
    checkout.commit("one")
    checkout.sync(refs=refs, local=True)
    write(checkout.folder, {"prompts/a/one.txt": "amended"})
    checkout.git("commit", "--quiet", "--all", "--amend", "--message", "amended")
    applied = checkout.sync(refs=refs, local=True)
    amended = checkout.git("rev-parse", "HEAD")
    assert (applied.plan.order, checkout.text, checkout.heads) == (None, "amended", {"main": amended})
    checkout.git("checkout", "--quiet", "-b", "feature")
    checkout.commit("feature")
    checkout.sync(refs=refs, local=True)
    checkout.git("checkout", "--quiet", "main")
    checkout.sync(refs=refs, local=True)
    assert (checkout.text, checkout.heads["main"]) == ("amended", amended)


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_a_shared_registry_follows_nobody(checkout: Checkout) -> None:
    checkout.commit("one")
    with pytest.raises(ConfigError, match="--local is for a registry of your own"):
        checkout.sync(local=True)


def test_what_was_synced_before_there_was_a_commit_has_no_order(checkout: Checkout) -> None:
    write(checkout.folder, {"prompts/a/one.txt": "one"})
    assert checkout.sync(refs={"other": []}).plan.order is None
