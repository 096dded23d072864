"""`.promptdbignore`: gitignore syntax."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from promptdb.errors import ConfigError
from promptdb.files.ignore import IGNORE_FILE, ignore_file, ignore_rule

Put = Callable[[str, str | bytes], Path]


def rule(tree: Path) -> Callable[[str], bool]:
    return ignore_rule(ignore_file(tree), str(tree / IGNORE_FILE))


def test_the_name_of_the_file():
    assert IGNORE_FILE == ".promptdbignore"


def test_without_the_file_nothing_is_ignored(tree: Path):
    assert rule(tree)("a/b.yaml") is False


@pytest.mark.parametrize(
    ("patterns", "path", "ignored"),
    [
        pytest.param("drafts/\n", "drafts/", True, id="a folder"),
        pytest.param("drafts/\n", "a/drafts/", True, id="a folder at any depth"),
        pytest.param("drafts/\n", "drafts.yaml", False, id="a pattern for a folder is none for a file"),
        pytest.param("/drafts/\n", "a/drafts/", False, id="anchored"),
        pytest.param("*.txt\n", "a/b.txt", True, id="a suffix"),
        pytest.param("*.txt\n!keep.txt\n", "a/keep.txt", False, id="an exception"),
        pytest.param("# *.txt\n", "b.txt", False, id="a comment"),
        pytest.param("\n\n", "b.txt", False, id="empty lines"),
        pytest.param("a/**/z.md\n", "a/b/c/z.md", True, id="two stars"),
        pytest.param("a/*.md\n", "a/b/z.md", False, id="one star stays in its folder"),
        pytest.param("caf\u00e9.md\n", "caf\u00e9.md", True, id="UTF-8"),
        pytest.param("\\#x.md\n", "#x.md", True, id="an escaped hash"),
        pytest.param("a.txt\r\nb.txt\r\n", "a.txt", True, id="CRLF"),
        pytest.param("\ufeffa.txt\n", "a.txt", True, id="a byte order mark"),
        pytest.param("a?.txt\n", "ab.txt", True, id="a question mark"),
    ],
)
def test_patterns(tree: Path, put: Put, patterns: str, path: str, ignored: bool):
    put(IGNORE_FILE, patterns)
    assert rule(tree)(path) is ignored


@pytest.mark.parametrize("content", [b"!\n"], ids=["an exclamation mark alone"])
def test_a_file_that_cannot_be_used_is_a_config_error(tree: Path, put: Put, content: bytes):
    put(IGNORE_FILE, content)
    with pytest.raises(ConfigError, match="cannot be used") as caught:
        rule(tree)
    assert IGNORE_FILE in caught.value.message
    assert caught.value.hint == "write one pattern in gitignore syntax on each line"


def test_names_need_not_be_utf_8(tree: Path, put: Put):
    put(IGNORE_FILE, b"a\xff.txt\n")
    assert rule(tree)(os.fsdecode(b"a\xff.txt"))
