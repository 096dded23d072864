"""Commits in which a prompt had no file: `git:` does not answer for them, whatever became of the prompt later."""

from collections.abc import Callable
from pathlib import Path

import pytest
from registries import rows, write
from repositories import Git, commit_all

from promptdb.errors import VersionNotFound
from promptdb.service import PromptService
from promptdb.sync.apply import Applied

pytestmark = pytest.mark.slow

Sync = Callable[..., Applied]
Committed = Callable[..., str]

ONE, TWO = "a/one.txt", "a/two.txt"


@pytest.fixture
def committed(git: Git, tree: Path, sync: Sync) -> Committed:
    """Write files (None removes one), commit and sync; gives the commit."""

    def act(prune: bool = False, **files: str | None) -> str:
        for name, text in files.items():
            if text is None:
                (tree / f"a/{name}.txt").unlink()
            else:
                write(tree, {f"a/{name}.txt": text})
        commit = commit_all(git)
        sync(prune=prune, max_prune=100)
        return commit

    return act


def held(service: PromptService, prompt: str, commits: list[str]) -> list[str | None]:
    """The text of a prompt in each commit; None where it is not found."""
    found: list[str | None] = []
    for commit in commits:
        try:
            found.append(service.get(f"{prompt}:git:{commit}").render_text())
        except VersionNotFound as error:
            found.append(
                None if "there was no valid file in that commit" in str(error.hint) else f"{error}: {error.hint}"
            )
    return found


@pytest.mark.parametrize("prune", [False, True], ids=["without pruning", "with pruning"])
def test_a_prompt_is_in_the_commits_that_have_its_file(
    service: PromptService, committed: Committed, prune: bool
) -> None:
    commits = [
        committed(one="1", two="x"),
        committed(prune, one=None),
        committed(prune, two="y"),
        committed(prune, one="1"),
        committed(prune, one="2"),
        committed(prune, one=None),
    ]
    assert held(service, "a/one", commits) == ["1", None, None, "1", "2", None]
    assert held(service, "a/two", commits) == ["x", "x", "y", "y", "y", "y"]
    assert held(service, "a/one", ["main"]) == [None]


def test_an_absence_is_one_row_from_its_first_run_to_the_return(service: PromptService, committed: Committed) -> None:
    committed(one="1", two="x")
    committed(one=None)
    committed(two="y")
    committed(one="1")
    first, second, _, fourth = [row["id"] for row in rows(service.engine, "sync_runs")]
    [absence] = rows(service.engine, "prompt_absences")
    assert first < second
    assert (absence["from_run_id"], absence["until_run_id"]) == (second, fourth)


def test_a_file_that_is_gone_without_a_commit_is_no_absence(
    git: Git, tree: Path, service: PromptService, committed: Committed, sync: Sync
) -> None:
    commit = committed(one="1", two="x")
    (tree / ONE).unlink()
    write(tree, {TWO: "edited"})
    sync()
    assert held(service, "a/one", [commit]) == ["1"]
    assert rows(service.engine, "prompt_absences") == []


def test_a_renamed_prompt_was_never_absent(git: Git, tree: Path, service: PromptService, committed: Committed) -> None:
    early = committed(one="1", two="x")
    (tree / ONE).unlink()
    write(tree, {"b/new.md": "---\nrenamed_from: [a/one]\n---\n1"})
    late = committed(two="y")
    assert held(service, "b/new", [early, late]) == ["1", "1"]
    assert held(service, "a/one", [early, late]) == ["1", "1"]


def test_a_prompt_that_was_registered_without_a_file_is_not_absent(
    service: PromptService, committed: Committed
) -> None:
    service.register_text("a/other", "registered")
    committed(one="1")
    assert rows(service.engine, "prompt_absences") == []


def test_a_branch_without_the_file_says_nothing_of_another_branch(
    git: Git, service: PromptService, committed: Committed
) -> None:
    committed(one="1", two="x")
    git("checkout", "-q", "-b", "feature")
    committed(one=None)
    assert held(service, "a/one", ["main", "feature"]) == ["1", None]
    git("checkout", "-q", "main")
    committed(two="y")
    assert held(service, "a/one", ["main", "feature"]) == ["1", None]
