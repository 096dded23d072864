"""`git:` selectors: what syncs have recorded, and what only the repository knows."""

from collections.abc import Callable
from pathlib import Path

import pytest
from registries import client_of, on_sqlite, write
from repositories import Git, commit_all

from promptdb.domain.plan import Policy
from promptdb.errors import NotFound, PromptNotFound, VersionNotFound
from promptdb.project.load import load_tree
from promptdb.project.view import View
from promptdb.service import PromptService
from promptdb.sync.apply import Applied
from promptdb.sync.sync_tree import sync_tree

pytestmark = on_sqlite


@pytest.fixture
def commits(git: Git, tree: Path, sync: Callable[..., Applied]) -> list[str]:
    """Four states of `a`: before it was synced, synced, a commit that changed another file, and a tagged one after the sync."""
    found = []
    for content in ("one", "two"):
        write(tree, {"a.txt": content})
        found.append(commit_all(git))
    sync()
    write(tree, {"b.txt": "b"})
    found.append(commit_all(git))
    write(tree, {"a.txt": "three"})
    found.append(commit_all(git))
    git("tag", "v3")
    return found


def test_a_commit_that_is_recorded_is_answered_from_the_registry(service: PromptService, commits: list[str]):
    found = service.get(f"a:git:{commits[1][:10]}")
    assert (found.version.revision, found.version.is_recorded) == (1, True)


@pytest.mark.parametrize(("index", "text"), [(0, "one"), (3, "three")], ids=["older", "newer"])
@pytest.mark.slow
def test_a_commit_that_is_not_recorded_is_read_from_git(
    service: PromptService, commits: list[str], index: int, text: str
):
    found = service.get(f"a:git:{commits[index]}")
    assert found.render_text() == text
    assert (found.version.is_recorded, found.version.revision, found.commit_id) == (False, 0, commits[index])
    assert found.version.created_by == "Ann Author <ann@example.com>"
    assert found.trace_metadata["promptdb_commit"] == commits[index]


def test_a_version_of_the_same_content_is_the_answer_for_a_commit_that_is_not_recorded(
    service: PromptService, commits: list[str]
):
    found = service.get(f"a:git:{commits[2]}")
    assert (found.version.is_recorded, found.version.revision) == (True, 1)


def test_the_client_reads_a_tag_that_no_sync_has_seen(service: PromptService, commits: list[str]):
    with client_of(service) as client:
        assert client.get("a:git:v3").render_text() == "three"


def test_a_prompt_that_the_registry_does_not_know_is_read_from_git(service: PromptService, commits: list[str]):
    found = service.get(f"b:git:{commits[2]}")
    assert (found.render_text(), found.version.is_recorded) == ("b", False)


@pytest.mark.slow
def test_a_renamed_prompt_is_found_under_the_name_it_had(
    service: PromptService, commits: list[str], git: Git, tree: Path, sync: Callable[..., Applied]
):
    git("mv", "prompts/a.txt", "prompts/new.txt")
    write(tree, {"new.txt": "---\nrenamed_from: [a]\n---\nfour"})
    commit_all(git)
    sync()
    assert service.get("new").version.revision == 2
    assert service.get(f"new:git:{commits[0]}").render_text() == "one"
    assert service.get("new:git:v3").render_text() == "three"


def test_an_alias_points_at_no_commit_that_is_not_recorded(service: PromptService, commits: list[str]):
    with pytest.raises(VersionNotFound) as caught:
        service.promote("a:git:v3", "production")
    assert "promptdb sync --rev" in str(caught.value.hint)
    sync_tree(service.registry, load_tree(service.settings, None, View(rev="v3")), Policy())
    assert service.promote("a:git:v3", "production").to_revision == 2


@pytest.mark.parametrize(
    ("ref", "kind", "why"),
    [
        ("a:git:nothing", VersionNotFound, "has no version 'git:nothing': the repository has no such commit"),
        ("b:git:v0", PromptNotFound, "no file for it in commit"),
        ("nobody:git:v3", PromptNotFound, "no file for it in commit"),
        ("bad:git:v4", PromptNotFound, r"its file bad\.txt is invalid in commit"),
        ("a:git:none", VersionNotFound, "there are no files below prompts/ in commit"),
    ],
)
@pytest.mark.slow
def test_what_is_not_there_is_told_with_the_reason(
    service: PromptService, commits: list[str], git: Git, tree: Path, ref: str, kind: type[NotFound], why: str
):
    git("tag", "v0", commits[0])
    write(tree, {"bad.txt": "{"})
    commit_all(git)
    git("tag", "v4")
    git("tag", "none", git("commit-tree", "-m", "empty", git("mktree", "--missing")))
    with pytest.raises(kind, match=why):
        service.get(ref)
