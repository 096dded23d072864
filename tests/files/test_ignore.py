"""`.promptdbignore`: gitignore syntax."""

import os
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from repositories import Git

from promptdb.errors import ConfigError
from promptdb.files.ignore import IGNORE_FILE, ignore_file, ignore_rule
from promptdb.files.scan import is_below

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


@pytest.mark.parametrize(
    "pattern", ["!", "[9-0]", "[a", "a[[:nope:]]", "a\\\\\\", "/", "//", " ", "a" * 200_000, "a/" * 50_000]
)
def test_a_pattern_that_can_match_nothing_is_no_error(tree: Path, put: Put, pattern: str):
    put(IGNORE_FILE, f"{pattern}\nb.txt\n")
    assert [rule(tree)(path) for path in ("a.txt", "b.txt")] == [False, True]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"x\n" + b"*a\n" * 40_000, r":32770: patterns with wildcards have more than 65,536 bytes together"),
        (b"[" * 70_000, r":1: patterns with wildcards have"),
        (b"x\n" * 600_000, " is larger than 1,024 KiB"),
    ],
    ids=["many", "long", "large"],
)
def test_an_ignore_file_that_asks_for_too_much_is_a_config_error(tree: Path, put: Put, content: bytes, message: str):
    put(IGNORE_FILE, content)
    with pytest.raises(ConfigError, match=message) as caught:
        rule(tree)
    assert IGNORE_FILE in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "content",
    [
        b"*a*a*a*a*a*a*a*a*b\n",
        b"**/a/**/a/**/a/**/b\n",
        b"**/" * 20_000 + b"b",
        b"*" * 60_000 + b"b",
        b"?*" * 30_000 + b"b",
        b"[ -~]*" * 10_000 + b"b",
        b"*[a]\n" * 10_000 + b"*b",
    ],
    ids=lambda content: content[:12].decode(),
)
def test_no_pattern_keeps_a_scan_busy(content: bytes):
    # As regular expressions, these take minutes.
    is_ignored = ignore_rule(content, IGNORE_FILE)
    assert not any(is_ignored(f"{'a/' * 500}{'a' * 250}{number}.txt") for number in range(50))


PIECES = ["a", "b", "*", "**", "?", "/", "/**/", "**/", "[ab]", "[!a]", "[^b]", "[9-0]", "[]-a]", "[a-", "]", "[", "[:", "-", "[[:alpha:]]", "[a-\\b]", "foo**", "\\/", "!", "#", ".", "x", "\\", "\\ ", "\\*", " ", "\r", "\u00e9"]  # fmt: skip
NAMES = ["a", "b", "ab", "ba", "x", "a.x", "foo", "foob", "-", "[", "]", "*", "#a", "!a", "9", "\\", "a ", "\u00e9", "a\u00e9"]  # fmt: skip


def generated(random: Random, folder: Path) -> list[str]:
    """Write an ignore file and files that it may name. Return the paths of files and folders, which end with `/`."""
    lines = ["".join(random.choices(PIECES, k=random.randint(1, 6))) for _ in range(random.randint(1, 4))]
    lines = [random.choice(("", "", "!", "/")) + line + random.choice(("", "", "/")) for line in lines]
    folder.mkdir()
    (folder / ".gitignore").write_text("\n".join(lines), newline="")
    found = set()
    for _ in range(5):
        parts = random.choices(NAMES, k=random.randint(1, 4))
        with suppress(FileExistsError, NotADirectoryError):
            folder.joinpath(*parts[:-1]).mkdir(parents=True, exist_ok=True)
            folder.joinpath(*parts).touch()
            found |= {f"{'/'.join(parts[:end])}/" for end in range(1, len(parts))}
            found.add("/".join(parts) + "/" * folder.joinpath(*parts).is_dir())
    return sorted(found)


@pytest.mark.slow
def test_generated_patterns_mean_what_they_mean_to_git(git: Git, tmp_path: Path):
    random = Random(5)
    cases = {f"{number}": generated(random, tmp_path / f"{number}") for number in range(500)}
    asked = "\0".join(f"{case}/{path.removesuffix('/')}" for case, paths in cases.items() for path in paths)
    command = ["git", "check-ignore", "--no-index", "--stdin", "-z"]
    ignored = subprocess.run(command, input=asked.encode(), cwd=tmp_path, stdout=subprocess.PIPE, check=True).stdout
    by_git = set(ignored.decode().split("\0"))
    assert len(by_git) > 200
    for case, paths in cases.items():
        patterns = (tmp_path / case / ".gitignore").read_bytes()
        is_ignored = ignore_rule(patterns, IGNORE_FILE)
        for path in paths:
            expected = f"{case}/{path.removesuffix('/')}" in by_git
            assert is_below(path, is_ignored) is expected, (patterns, path)


def test_names_need_not_be_utf_8(tree: Path, put: Put):
    put(IGNORE_FILE, b"a\xff.txt\n")
    assert rule(tree)(os.fsdecode(b"a\xff.txt"))
