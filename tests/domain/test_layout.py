"""The layout of a tree: which folders are roots, and what the prompts in them are named."""

import pytest

from promptdb.domain.layout import Layout, Root, based
from promptdb.domain.prompt_id import PromptId
from promptdb.errors import InvalidRef


def layout(*patterns: str, chat_folders: bool = False) -> Layout:
    return Layout(based(patterns)[1], chat_folders)


@pytest.mark.parametrize(
    ("patterns", "base", "roots"),
    [
        (["prompts"], "prompts", ["."]),
        (["./a//prompts/"], "a/prompts", ["."]),
        (["."], ".", ["."]),
        (["/srv/prompts"], "/srv/prompts", ["."]),
        (["../prompts"], "../prompts", ["."]),
        (["app/*/prompts"], "app", ["*/prompts"]),
        (["*"], ".", ["*"]),
        (["app/prompts", "app/lib/prompts"], "app", ["prompts", "lib/prompts"]),
        (["app/*/prompts", "lib/prompts"], ".", ["app/*/prompts", "lib/prompts"]),
        (["app", "app/extra"], "app", [".", "extra"]),
        (["app", "app"], "app", ["."]),
        (["/srv/a", "/srv/b"], "/srv", ["a", "b"]),
        (["../x/a", "../x/b"], "../x", ["a", "b"]),
        (["app/[slug]/prompts"], "app/[slug]/prompts", ["."]),
    ],
)
def test_the_base_is_the_deepest_folder_around_all_roots(patterns: list[str], base: str, roots: list[str]) -> None:
    assert (based(patterns)[0], list(map(str, based(patterns)[1]))) == (base, roots)


@pytest.mark.parametrize(
    "patterns", [["/a", "b"], ["a", "../b"], ["a/*/../b"], ["a/**"], ["**"], ["a**/b"], ["a/**/b/**/c"]]
)
def test_roots_that_cannot_be_used(patterns: list[str]) -> None:
    with pytest.raises(ValueError, match=r"in common|stands for whole folders"):
        based(patterns)


@pytest.mark.parametrize(
    ("patterns", "path", "prompt"),
    [
        (["prompts"], "support/triage.md", "support/triage"),
        (["app/*/prompts"], "billing/prompts/reply.j2", "billing/reply"),
        (["app/*/prompts"], "billing/prompts/a/b/reply.j2", "billing/a/b/reply"),
        (["app/*/prompts"], "billing/texts/reply.j2", None),
        (["app/*/prompts"], "billing/reply.j2", None),
        (["app/*/prompts"], "reply.j2", None),
        (["app/*/prompts"], "_old/prompts/reply.j2", None),
        (["app/*/prompts"], ".old/prompts/reply.j2", None),
        (["app/_*/prompts"], "_old/prompts/reply.j2", "_old/reply"),
        (["app/*-v?/prompts/*"], "billing-v2/prompts/eu/reply.j2", "billing-v2/eu/reply"),
        (["app/*-v?/prompts/*"], "billing-v2/prompts/reply.j2", None),
        (["app/**/prompts"], "prompts/reply.j2", "default/reply"),
        (["app/**/prompts"], "a/b/prompts/reply.j2", "a/b/reply"),
        (["app/**/prompts"], "a/prompts/b/prompts/reply.j2", "a/b/prompts/reply"),
        (["app/**/prompts"], "a/.b/prompts/reply.j2", None),
        (["app/*/**/p/*"], "a/b/c/p/d/reply.j2", "a/b/c/d/reply"),
        (["app/[a]/*"], "b/reply.j2", "b/reply"),
        (["lib/prompts", "app/*/prompts"], "lib/prompts/a/b.md", "a/b"),
        (["lib/prompts", "app/*/prompts"], "app/c/prompts/a/b.md", "c/a/b"),
        (["lib/prompts", "app/*/prompts"], "lib/other/a.md", None),
        (["app/b/prompts", "app/*/prompts"], "b/prompts/a.md", "default/a"),
        (["app/*/prompts", "app/b/prompts"], "b/prompts/a.md", "b/a"),
        (["a", "a/b"], "b/c.md", "b/c"),
        (["a/b", "a"], "b/c.md", "default/c"),
    ],
)
def test_the_prompt_of_a_path(patterns: list[str], path: str, prompt: str | None) -> None:
    found = layout(*patterns)
    assert found.has(path) is (prompt is not None)
    if prompt is not None and not prompt.startswith("_"):
        assert str(found.prompt(path)) == prompt


def test_a_folder_that_a_wildcard_stands_for_must_be_a_name() -> None:
    with pytest.raises(InvalidRef):
        layout("app/*/prompts").prompt("My App/prompts/a.md")


@pytest.mark.parametrize(
    ("patterns", "folder", "leads"),
    [
        (["p"], "any/folder", True),
        (["app/*/prompts", "lib"], "app", True),
        (["app/*/prompts", "lib"], "app/a", True),
        (["app/*/prompts", "lib"], "app/a/src", False),
        (["app/*/prompts", "lib"], "app/a/prompts/deep", True),
        (["app/*/prompts", "lib"], "docs", False),
        (["app/*/prompts", "lib"], "app/_a", False),
        (["app/*/prompts", ".github/p"], ".github", True),
        (["app/*/prompts", ".github/p"], ".git", False),
        (["a/**/prompts", "lib"], "a/b/c", True),
        (["a/**/prompts", "lib"], "b", False),
    ],
)
def test_a_walk_enters_only_folders_that_lead_to_a_root(patterns: list[str], folder: str, leads: bool) -> None:
    assert layout(*patterns).leads(folder) is leads


@pytest.mark.parametrize(
    ("patterns", "prompt", "near", "path"),
    [
        (["p"], "support/b", "a.md", "support/b.md"),
        (["p"], "b", "support/a.md", "b.md"),
        (["app/*/prompts"], "billing/x/b", "billing/prompts/a.md", "billing/prompts/x/b.md"),
        (["app/*/prompts"], "sales/b", "billing/prompts/a.md", "sales/prompts/b.md"),
        (["app/*/prompts"], "b", "billing/prompts/a.md", None),
        (["app/*-v2/prompts"], "sales/b", "billing-v2/prompts/a.md", None),
        (["app/**/prompts"], "a/b/c", "a/b/prompts/x.md", "a/b/prompts/c.md"),
        (["app/*/prompts", "lib"], "b", "app/billing/prompts/a.md", "lib/b.md"),
        (["lib", "app/*/prompts"], "billing/b", "app/billing/prompts/a.md", "app/billing/prompts/b.md"),
    ],
)
def test_the_path_for_a_name_is_in_the_same_root_if_possible(
    patterns: list[str], prompt: str, near: str, path: str | None
) -> None:
    assert layout(*patterns).path(PromptId.parse(prompt), ".md", near) == path


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("x/system.md", "system"),
        ("x/SYSTEM.TXT", "system"),
        ("x/y/user.j2", "user"),
        ("x/assistant.prompt", "assistant"),
        ("x/system.yaml", None),
        ("x/system", None),
        ("x/human.md", None),
        ("x/system.v2.md", None),
        ("system.md", None),
    ],
)
def test_the_files_of_a_chat_folder(path: str, role: str | None) -> None:
    assert layout("p", chat_folders=True).chat_role(path) == role
    assert layout("p").chat_role(path) is None


def test_a_root_itself_is_not_a_chat_folder() -> None:
    found = layout("app/*/prompts", chat_folders=True)
    assert (found.chat_role("a/prompts/user.md"), found.chat_role("a/prompts/x/user.md")) == (None, "user")
    assert str(found.prompt("a/prompts/x/")) == "a/x"


def test_names_of_the_settings_come_first() -> None:
    names = {"My Prompt.md": PromptId("default", "my-prompt"), "a/Über": PromptId("a", "ueber")}
    found = Layout((Root(),), True, names)
    assert str(found.prompt("My Prompt.md")) == "default/my-prompt"
    # Decomposed, as the file systems of macOS have it.
    assert str(found.prompt("a/U\u0308ber/")) == "a/ueber"
