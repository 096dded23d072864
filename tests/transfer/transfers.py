"""A registry with everything in it that can be transferred."""

from collections.abc import Callable
from pathlib import Path

import pytest
from registries import Fill, write
from repositories import commit_all, git_in

from promptdb.domain.plan import Policy
from promptdb.project.load import load_tree
from promptdb.service import PromptService
from promptdb.sync.sync_tree import sync_tree

RICH = "template: hi\nmetadata: {user_version: '1.0'}\nassets: [{path: _data.csv, kind: example_dataset}]\n"


@pytest.fixture
def filled(recorded: Callable[[Fill], PromptService]) -> PromptService:
    """A registry with rows in every table, whose files are gone."""
    return recorded(fill)


@pytest.fixture
def filled_tree(service: PromptService, tree: Path) -> PromptService:
    """The same with its files, for further syncs."""
    assert tree == service.settings.prompts_path
    fill(service)
    return service


def fill(service: PromptService) -> None:
    """Two commits, a rename, an absence, an archived prompt, aliases that moved, were deleted or are held, and an asset."""
    tree, git = service.settings.prompts_path, git_in(service.settings.base)
    git("init", "--quiet", "--initial-branch=main")
    (service.settings.base / ".git/info/exclude").write_text("*.sqlite3*\n.blobs/\n")
    files = {"a/one.txt": "one", "a/two.txt": "two {x}", "gone.txt": "gone", "rich.yaml": RICH, "_data.csv": "a,b\r\n"}
    write(tree, {**files, "_aliases.yaml": "declared: {a/one: rev:1}\n"})
    commit_all(git)
    _sync(service)
    service.promote("a/one", "production")
    service.promote("a/two", "canary")
    write(tree, {"a/one.txt": "one, again", "b/renamed.yaml": "template: two {x}\nrenamed_from: [a/two]\n"})
    (tree / "a/two.txt").unlink()
    (tree / "gone.txt").unlink()
    commit_all(git)
    _sync(service, prune=True, max_prune=100)
    service.promote("a/one", "production", reason="it is better")
    service.promote("a/one", "declared")
    service.delete_alias("b/renamed", "canary")
    service.register_text("by/hand", "no file")


def _sync(service: PromptService, **policy: object) -> None:
    sync_tree(service.registry, load_tree(service.settings), Policy(**policy))  # type: ignore[arg-type]
