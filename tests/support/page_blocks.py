"""The code blocks of the pages, each with what the comments above it say about running it.

A comment has the form `<!-- WORD: TEXT -->`, where the word is one of `WORDS`. It concerns the next block; one of `FOR_PAGES`
stands below the title and concerns the page.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

WORDS = {
    "not run": "the reason why no test can run it",
    "run by": "the test that runs it",
    "first": "shell commands that run before it",
    "given": "Python that runs before it, with the names of the blocks of the page",
    "file": "the file of the project in which its text belongs",
    "exit": "the exit code of its last command",
    "output of": "where the block is the output of the code before it",
}
FOR_PAGES = {
    "project": "the project in which the blocks run, one of `pages_run.PROJECTS`",
    "blocks run by": "the test that runs all blocks",
}
_COMMENT = re.compile(r"<!-- ([a-z ]+): (.*?) -->", re.DOTALL)
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A code block: the line of its fence, its language or an empty text, and what the comments above it say."""

    page: str
    line: int
    language: str
    text: str
    said: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def said_of(file: Path) -> dict[str, str]:
    """Return the comments about a page."""
    found = dict(_COMMENT.findall(file.read_text(encoding="utf-8")))
    return {word: text for word, text in found.items() if word in FOR_PAGES}


def blocks(file: Path) -> Iterator[Block]:
    """List the blocks of a page."""
    text = file.read_text(encoding="utf-8")
    end = 0
    for fence in _FENCE.finditer(text):
        above = text[end : fence.start()]
        # The comments directly above, with nothing but white space between them.
        near = re.search(r"(?:<!--(?:(?!-->).)*-->\s*)*\Z", above, re.DOTALL)
        said = {word: " ".join(found.split()) for word, found in _COMMENT.findall(near[0] if near else "")}
        line = text.count("\n", 0, fence.start()) + 1
        said = {word: found for word, found in said.items() if word not in FOR_PAGES}
        yield Block(file.name, line, fence[1], fence[2], said)
        end = fence.end()
