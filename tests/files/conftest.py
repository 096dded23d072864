"""Prompt files as they lie on disk: write some, then read one the way a sync does."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from promptdb.domain.file_rules import TextDefaults
from promptdb.domain.layout import PLAIN
from promptdb.domain.spec import TemplateFormat
from promptdb.files.reading.parse import ParseResult, parse_file
from promptdb.files.tree import MAX_TEXT_BYTES, WorkTree
from promptdb.problems import Problem

Put = Callable[[str, str | bytes], Path]
Parse = Callable[..., ParseResult]
Places = list[tuple[str, int, int]]


@pytest.fixture
def put(tree: Path) -> Put:
    """Write a file below the prompts root."""

    def write(path: str, content: str | bytes) -> Path:
        file = tree / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    return write


@pytest.fixture
def parse(tree: Path, put: Put) -> Parse:
    """Write a prompt file, and others that it names, and parse it."""

    def write_and_parse(
        path: str,
        content: str | bytes,
        others: Mapping[str, str | bytes] | None = None,
        text_format: TemplateFormat = "f-string",
        defaults: TextDefaults | None = None,
    ) -> ParseResult:
        for name, text in (others or {}).items():
            put(name, text)
        put(path, content)
        work_tree = WorkTree(tree)
        found = defaults or TextDefaults(text_format)
        return parse_file(path, work_tree.read(path, MAX_TEXT_BYTES), work_tree, found, PLAIN.prompt(path))

    return write_and_parse


@pytest.fixture
def one_problem(parse: Parse) -> Callable[..., Problem]:
    """The same for a file that has exactly one problem."""

    def write_and_parse(path: str, content: str | bytes, others: Mapping[str, str | bytes] | None = None) -> Problem:
        [problem] = parse(path, content, others).problems
        return problem

    return write_and_parse
