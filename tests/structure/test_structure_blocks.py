"""The code blocks of the pages: data parses, Python imports names that exist, and commands have their options."""

import ast
import json
import re
import tomllib
from importlib import import_module

import click
import pytest
import yaml
from command_tree import EVERY, options
from pages import PAGES

PARSERS = {"json": json.loads, "python": ast.parse, "toml": tomllib.loads, "yaml": yaml.safe_load}
BLOCKS = [
    (f"{file.stem} {text.count(chr(10), 0, block.start()) + 1}", block[1], block[2])
    for file in PAGES
    for text in [file.read_text(encoding="utf-8")]
    for block in re.finditer(r"^```(\w+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
]
GLOBAL = {"-C", "-q", "--quiet", "--color", "--version", "-h", "--help"}


@pytest.mark.parametrize("language", PARSERS)
def test_a_block_parses(language: str) -> None:
    found = [(where, text) for where, name, text in BLOCKS if name == language]
    assert found
    for where, text in found:
        try:
            PARSERS[language](text)
        except (ValueError, SyntaxError, yaml.YAMLError) as error:
            pytest.fail(f"{where}: {error}")


def test_a_block_imports_what_exists() -> None:
    imports = [
        (node.module, name.name)
        for _, language, text in BLOCKS
        if language == "python"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "promptdb"
        for name in node.names
    ]
    assert len(imports) > 5
    assert [(module, name) for module, name in imports if not hasattr(import_module(module or ""), name)] == []


def test_a_block_runs_commands_with_options_that_they_have() -> None:
    ran = [
        (where, line)
        for where, language, text in BLOCKS
        if language in ("console", "sh", "bash")
        for prompt in [r"\$ " if language == "console" else ""]
        for line in re.findall(rf"^{prompt}(?:\w+=\S+ )*promptdb ([^\n#|;&]+)", text, re.MULTILINE)
    ]
    assert len(ran) > 50
    assert [(where, line) for where, line in ran if not known(line.split())] == []


def known(words: list[str]) -> bool:
    """Report if a command exists with the options in a line, up to a quoted text."""
    names = [" ".join(words[:2]), words[0]]
    command = next((name for name in names if name in EVERY), None)
    if command is None:
        return words[0] in GLOBAL
    allowed = {name for option in options(command) for name in (*option.opts, *option.secondary_opts)} | GLOBAL
    given = {word.partition("=")[0] for word in words if re.fullmatch(r"--[a-z][a-z-]*(=.*)?", word)}
    return isinstance(EVERY[command], click.Group) or given <= allowed
