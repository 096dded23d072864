"""Another name for a prompt in a file of declared aliases."""

import pytest

from promptdb.domain.prompt_id import PromptId
from promptdb.files.editing.rename_key import with_prompt_renamed
from promptdb.files.findings import NoPlace, Unreadable

OLD, NEW = PromptId("a", "b"), PromptId("n", "c")


@pytest.mark.parametrize(
    ("before", "after", "aliases"),
    [
        pytest.param("production: {a/b: rev:1}  # x\n", "production: {n/c: rev:1}  # x\n", ["production"], id="flow"),
        pytest.param(
            "# top\nproduction:\n  # pinned\n  a/b: rev:1  # until May\n  a/bb: rev:2\n",
            "# top\nproduction:\n  # pinned\n  n/c: rev:1  # until May\n  a/bb: rev:2\n",
            ["production"],
            id="block with comments",
        ),
        pytest.param(
            "p: {'a/b': latest}\nq: {\"a/b\": latest}\n",
            "p: {n/c: latest}\nq: {n/c: latest}\n",
            ["p", "q"],
            id="quoted",
        ),
        pytest.param("p: {x/y: 1, a/b: 2, z/a/b: 3}\r\n", "p: {x/y: 1, n/c: 2, z/a/b: 3}\r\n", ["p"], id="CRLF"),
        pytest.param("\ufeffp: {a/b: 2}\n", "\ufeffp: {n/c: 2}\n", ["p"], id="byte order mark"),
        pytest.param("p: {x/y: a/b}\n", "p: {x/y: a/b}\n", [], id="not a key"),
        pytest.param("a/b: {x/y: latest}\n", "a/b: {x/y: latest}\n", [], id="not a prompt"),
        pytest.param("p: &x {a/b: 1}\nq: *x\n", "p: &x {n/c: 1}\nq: *x\n", ["p", "q"], id="an anchor"),
        pytest.param("", "", [], id="empty"),
        pytest.param("- a/b\n", "- a/b\n", [], id="a list"),
        pytest.param("p: {? a/b : é, 'ö:': 1}\n", "p: {? n/c : é, 'ö:': 1}\n", ["p"], id="an explicit key"),
    ],
)
def test_only_the_key_changes(before: str, after: str, aliases: list[str]) -> None:
    assert with_prompt_renamed(before.encode(), OLD, NEW) == (after.encode(), tuple(aliases))


def test_a_name_without_a_namespace_is_one_in_default() -> None:
    assert with_prompt_renamed(b"p: {greet: latest}\n", PromptId("default", "greet"), NEW) == (
        b"p: {n/c: latest}\n",
        ("p",),
    )


def test_an_alias_that_names_both_prompts_is_refused() -> None:
    with pytest.raises(NoPlace, match=r"^p already names n/c$"):
        with_prompt_renamed(b"p: {a/b: rev:1, n/c: rev:2}\n", OLD, NEW)


@pytest.mark.parametrize("data", [b"p: [\n", b"\xff", b"p: {a/b: 1, a/b: 2}\n"])
def test_what_cannot_be_read_is_refused(data: bytes) -> None:
    with pytest.raises(Unreadable):
        with_prompt_renamed(data, OLD, NEW)
