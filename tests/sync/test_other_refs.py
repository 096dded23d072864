"""Syncs of other refs than the main one: an older commit does not take `latest` back."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from registries import dump, on_sqlite, settings_for, write
from repositories import Git, commit_all

from promptdb.domain.commit_order import RecordedHead, main_head
from promptdb.domain.git_refs import MAIN, NAMELESS, RefRules
from promptdb.domain.plan import Plan, Policy
from promptdb.maintenance.verify import verify
from promptdb.maintenance.verify_git import with_provenance
from promptdb.project.load import load_tree
from promptdb.service import PromptService
from promptdb.sync.apply import Applied
from promptdb.sync.sync_tree import plan_tree, sync_tree

pytestmark = pytest.mark.slow

ONE = "a/one"
Open = Callable[..., PromptService]


@pytest.fixture
def opened(git: Git, database_url: str, tmp_path: Path, tree: Path) -> Iterator[Open]:
    found: list[PromptService] = []

    def make(**settings: Any) -> PromptService:
        found.append(PromptService(settings_for(database_url, tmp_path, **settings)))
        return found[-1]

    yield make
    for service in found:
        service.close()


@pytest.fixture
def service(opened: Open, git: Git, tree: Path) -> PromptService:
    """`main` was synced at two commits; the first is tagged `v1`, and `release/1` starts there."""
    refs = {"main": ["staging"], "release/*": ["candidate"], "tags/v*": ["stable"], "other": []}
    service = opened(refs=refs)
    write(tree, {"a/one.txt": "one", "a/two.txt": "two"})
    commit_all(git)
    git("tag", "v1")
    git("branch", "release/1")
    sync(service)
    write(tree, {"a/one.txt": "one, edited"})
    commit_all(git)
    sync(service)
    return service


def sync(service: PromptService, ref: str | None = None, **policy: Any) -> Applied:
    return sync_tree(service.registry, load_tree(service.settings).on_ref(ref), Policy(**policy))


def planned(service: PromptService, ref: str | None = None) -> Plan:
    return plan_tree(service.registry, load_tree(service.settings).on_ref(ref), Policy())


def revisions(service: PromptService, *selectors: str) -> list[int]:
    return [service.resolve(f"{ONE}:{selector}").revision for selector in selectors]


@pytest.mark.slow
def test_an_older_commit_of_another_ref_does_not_take_latest_back(git: Git, tree: Path, service: PromptService) -> None:
    git("checkout", "--quiet", "v1")
    intended, applied = planned(service, "tags/v1"), sync(service, "tags/v1")
    for found in (intended, applied.plan):
        assert [(str(r.prompt), r.revision, r.latest) for r in found.reused] == [(ONE, 1, 2)]
        assert (found.changes, found.unchanged) == ((), 1)
    assert revisions(service, "latest", "stable", "staging", "git:v1", "git:main") == [2, 1, 2, 1, 2]
    before = dump(service.engine)
    assert sync(service, "tags/v1").run_id is None
    assert dump(service.engine) == before
    git("checkout", "--quiet", "main")
    assert sync(service).plan.changes == ()
    assert revisions(service, "latest", "git:main", "git:v1") == [2, 2, 1]


@pytest.mark.slow
def test_a_release_branch_and_main_do_not_push_each_other_around(git: Git, tree: Path, service: PromptService) -> None:
    """A fix is a new version; what only main has edited is not taken back, whichever is synced in between."""
    git("checkout", "--quiet", "release/1")
    write(tree, {"a/two.txt": "two, fixed"})
    commit_all(git)
    applied = sync(service)
    assert [(str(change.prompt), change.revision) for change in applied.plan.changes] == [("a/two", 2)]
    assert revisions(service, "latest", "candidate", "git:release/1") == [2, 1, 1]
    git("checkout", "--quiet", "main")
    write(tree, {"a/three.txt": "three"})
    commit_all(git)
    assert [(str(change.prompt), change.revision) for change in sync(service).plan.changes] == [
        ("a/three", 1),
        ("a/two", 3),
    ]
    git("checkout", "--quiet", "release/1")
    write(tree, {"a/four.txt": "four"})
    commit_all(git)
    assert [str(change.prompt) for change in sync(service).plan.changes] == ["a/four"]
    found = {f"{view.prompt}:{view.alias}": view.revision for view in service.aliases()}
    assert (found["a/two:candidate"], found["a/two:staging"], service.resolve("a/two").revision) == (2, 3, 3)
    assert service.resolve("a/two:git:release/1").revision == 2
    assert service.resolve("a/two:git:main").revision == 3
    checked = with_provenance(verify(service.registry), service.registry, service.settings)
    assert checked.findings == ()


@pytest.mark.slow
def test_a_ref_goes_back_from_what_it_added_itself(git: Git, tree: Path, service: PromptService) -> None:
    git("checkout", "--quiet", "release/1")
    for text in ("one, fixed", "one"):
        write(tree, {"a/one.txt": text})
        commit_all(git)
        sync(service)
    assert revisions(service, "latest", "candidate") == [4, 4]
    assert service.get(ONE).render_text() == "one"


@pytest.mark.slow
def test_main_itself_goes_back(git: Git, tree: Path, service: PromptService) -> None:
    write(tree, {"a/one.txt": "one"})
    commit_all(git)
    assert sync(service).plan.reused == ()
    assert revisions(service, "latest", "staging") == [3, 3]


@on_sqlite
def test_a_local_registry_and_a_ref_that_is_not_listed_follow_the_checkout(
    git: Git, tree: Path, service: PromptService
) -> None:
    git("checkout", "--quiet", "-b", "feature", "v1")
    assert [change.revision for change in planned(service).changes] == [3]
    assert sync(service, local=True).plan.reused == ()
    assert service.get(ONE).render_text() == "one"


@pytest.mark.slow
def test_the_copy_of_the_aliases_file_in_another_ref_moves_nothing_that_main_declares(
    git: Git, tree: Path, service: PromptService
) -> None:
    write(tree, {"_aliases.yaml": "production: {a/one: rev:1}\n"})
    commit_all(git)
    git("branch", "release/2")
    sync(service)
    write(tree, {"_aliases.yaml": "production: {a/one: rev:2}\n"})
    commit_all(git)
    sync(service)
    git("checkout", "--quiet", "release/2")
    write(tree, {"_aliases.yaml": "production: {a/one: rev:1}\ncanary: {a/one: rev:1}\n"})
    commit_all(git)
    sync(service)
    assert revisions(service, "production", "canary") == [2, 1]


def test_the_setting_names_the_main_ref(opened: Open, git: Git, tree: Path) -> None:
    service = opened(main_ref="trunk")
    git("checkout", "--quiet", "-b", "trunk")
    for text in ("one", "two"):
        write(tree, {"a/one.txt": text})
        commit_all(git)
        sync(service)
    git("checkout", "--quiet", "-b", "main", "HEAD~1")
    assert len(sync(service).plan.reused) == 1
    assert service.get(ONE).render_text() == "two"


@pytest.mark.parametrize(
    ("name", "synced", "expected"),
    [
        ("main", ["main", "other"], None),
        ("other", ["other"], None),
        ("other", ["main"], "main"),
        ("tags/v*", ["other", "master"], "master"),
        (NAMELESS, ["main"], None),
    ],
)
def test_only_a_synced_main_ref_keeps_latest_from_others(name: str, synced: list[str], expected: str | None) -> None:
    heads = {ref: RecordedHead(ref, number) for number, ref in enumerate(synced)}
    found = main_head(name, heads, MAIN)
    assert (found and found.commit_id) == expected
    assert RefRules.of({}).main == MAIN
    assert RefRules.of({}, "trunk").main == ("trunk",)
