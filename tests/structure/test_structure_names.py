"""The public names, and what importing them costs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import promptdb
from promptdb.cli.app import run
from promptdb.version import VERSION

PUBLIC = [
    "AppSettings",
    "AsyncPromptClient",
    "BlobStore",
    "LocalBlobStore",
    "MinioBlobStore",
    "PromptClient",
    "PromptDBError",
    "PromptRef",
    "PromptRenderResult",
    "PromptRepository",
    "PromptService",
    "PromptSpec",
    "PromptVersionView",
    "RenderablePrompt",
    "ResolvedPrompt",
    "Workspace",
    "create_app",
    "prompt_from_file",
    "prompt_from_spec",
]
"""Frozen: applications import these."""

HEAVY = {
    *(
        "sqlalchemy",
        "sqlmodel",
        "alembic",
        "langchain_core",
        "git",
        "minio",
        "urllib3",
        "fastapi",
        "streamlit",
        "rich",
        "watchdog",
    ),
    *("pydantic", "pydantic_settings", "yaml", "ruamel.yaml", "jinja2", "chevron", "click", "psycopg"),
}


def loaded_by(code: str, folder: Path) -> set[str]:
    """The heavy libraries that a fresh interpreter has loaded after running some code."""
    tell = f"import sys; sys.stdout.flush(); print('', *sorted({HEAVY!r} & sys.modules.keys()))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{tell}"], cwd=folder, check=True, capture_output=True, text=True
    )
    return set(done.stdout.splitlines()[-1].split())


def test_the_public_names_are_frozen() -> None:
    assert promptdb.__all__ == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_each_public_name_loads_and_is_what_it_says(name: str) -> None:
    found = getattr(promptdb, name)
    assert found.__name__ == name
    assert name in dir(promptdb)


def test_from_promptdb_import_star_gives_the_public_names_and_no_more() -> None:
    names: dict[str, object] = {}
    exec("from promptdb import *", names)
    assert sorted(names.keys() - {"__builtins__"}) == PUBLIC


def test_the_version_is_a_public_attribute() -> None:
    assert promptdb.__version__ == VERSION


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'promptdb' has no attribute 'PromptManager'"):
        promptdb.PromptManager  # noqa: B018


def test_the_type_checker_is_told_the_same_names() -> None:
    """What `if TYPE_CHECKING` imports, what is loaded on first use, and `__all__` are one list."""
    source = ast.parse(Path(promptdb.__file__).read_text(encoding="utf-8"))
    [block] = [node for node in source.body if isinstance(node, ast.If)]
    told = {alias.name: node.module for node in block.body for alias in node.names}
    assert ast.unparse(block.test) == "TYPE_CHECKING"
    assert told == promptdb._MODULES
    assert list(promptdb._MODULES) == PUBLIC


@pytest.mark.parametrize(
    ("code", "loaded"),
    [
        ("import promptdb", set()),
        ("import promptdb; dir(promptdb)", set()),
        ("from promptdb import PromptDBError", set()),
        ("from promptdb import PromptRef; PromptRef.parse('support/triage:production')", set()),
        ("from promptdb import PromptSpec", {"pydantic"}),
        ("from promptdb import PromptClient, AsyncPromptClient", set()),
        ("import promptdb.client.sources.database", {"pydantic", "sqlalchemy"}),
        ("import promptdb.cli", set()),
        ("from promptdb.cli.app import run; run(['--help'])", {"click"}),
        ("from promptdb.cli.app import run; run(['-h'])", {"click"}),
        ("from promptdb.cli.app import run; run(['--version'])", {"click"}),
        ("from promptdb.cli.app import run; run(['no-such-command'])", {"click"}),
    ],
)
@pytest.mark.slow
def test_importing_loads_no_more_than_is_needed(code: str, loaded: set[str], tmp_path: Path) -> None:
    assert loaded_by(code, tmp_path) == loaded


@pytest.mark.slow
def test_a_check_of_a_file_loads_no_more_than_its_parser(tmp_path: Path) -> None:
    """An editor calls it after each save."""
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts/hello.yaml").write_text('template: "Hello {name}"')
    code = "from promptdb.cli.app import run; assert run(['check', 'prompts/hello.yaml']) == 0"
    assert loaded_by(code, tmp_path) == {"click", "pydantic", "yaml"}
    for module in ("promptdb.git.repository", "promptdb.project.view", "promptdb.project.load", "promptdb.workspace"):
        loaded_by(f"{code}; import sys; assert {module!r} not in sys.modules", tmp_path)


@pytest.mark.parametrize("arguments", [["check"], ["sync"], ["render", "hello"]], ids=" ".join)
@pytest.mark.slow
def test_a_command_loads_no_engine_database_or_git_that_it_does_not_need(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts/hello.txt").write_text("Hello!")
    monkeypatch.chdir(tmp_path)
    assert run(["sync"]) == 0
    loaded = loaded_by(f"from promptdb.cli.app import run; assert run({arguments!r}) == 0", tmp_path)
    assert (
        loaded
        & {
            "alembic",
            "git",
            "rich",
            "minio",
            "urllib3",
            "psycopg",
            "jinja2",
            "chevron",
            "fastapi",
            "langchain_core",
            "ruamel.yaml",
        }
        == set()
    )
    assert ("sqlalchemy" in loaded) == (arguments != ["check"])
    assert ("yaml" in loaded) == (arguments == ["check"])
