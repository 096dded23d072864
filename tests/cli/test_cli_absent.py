"""Commands that read, where there is no database yet: they create nothing, and say which one they looked for."""

from collections.abc import Callable
from pathlib import Path

import pytest
from clitools import Run
from registries import write
from repositories import Git
from steered import until

from promptdb import PromptClient
from promptdb.domain.delivery import Reason
from promptdb.errors import ConfigError
from promptdb.service import PromptService
from promptdb.settings import load_settings
from promptdb.workspace import Workspace

READS = {
    "list": ["list"],
    "show": ["show", "greet"],
    "log": ["log", "greet"],
    "render": ["render", "greet:latest", "-v", "name=x"],
    "diff": ["diff", "greet:rev:1", "greet:rev:2"],
    "alias list": ["alias", "list"],
    "alias log": ["alias", "log", "greet"],
    "promote": ["promote", "greet", "production"],
    "rollback": ["rollback", "greet", "production"],
    "export": ["export", "greet", "-"],
    "export --all": ["export", "--all", "all.zip"],
    "verify": ["verify"],
    "gc": ["gc"],
    "db check": ["db", "check"],
}
DEFAULT = "it is the default, because no settings file was found for {folder}"
SETTINGS: dict[str, tuple[dict[str, str], str, str]] = {
    "nothing": ({}, "promptdb.sqlite3", DEFAULT),
    "a file without a database": (
        {"promptdb.toml": "text_format = 'plain'"},
        "promptdb.sqlite3",
        "it is the default, because {folder}/promptdb.toml does not name a database",
    ),
    "a file": (
        {"pyproject.toml": "[tool.promptdb]\ndatabase_url = 'sqlite:///./mine.sqlite3'"},
        "mine.sqlite3",
        "{folder}/pyproject.toml names it",
    ),
}


def nothing_was_created(project: Path) -> bool:
    return not [*project.rglob("*.sqlite3*"), *project.rglob(".blobs")]


@pytest.mark.parametrize("command", READS)
def test_a_read_creates_no_database_and_names_it(run: Run, project: Path, command: str) -> None:
    ran = run(*READS[command])
    assert (ran.code, ran.out) == (1, "")
    message = f"error: there is no database sqlite:///{project}/promptdb.sqlite3; {DEFAULT.format(folder=project)}\n"
    assert ran.err.startswith(message)
    assert nothing_was_created(project)


@pytest.mark.parametrize("kind", SETTINGS)
def test_the_message_says_which_settings_chose_the_database(run: Run, project: Path, kind: str) -> None:
    files, name, chosen = SETTINGS[kind]
    write(project, files)
    told = f"there is no database sqlite:///{project}/{name}; {chosen.format(folder=project)}"
    assert told in run("list").err
    assert f"note: {told}; 'promptdb sync' creates it\n" in run("status").err


def test_a_variable_that_names_the_database_is_named(run: Run, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMPTDB_DATABASE_URL", "sqlite:///./other.sqlite3")
    assert "/other.sqlite3; PROMPTDB_DATABASE_URL names it\n" in run("list").err


def test_an_empty_file_counts_as_none(run: Run, project: Path) -> None:
    (project / "promptdb.sqlite3").touch()
    assert "there is no database" in run("list").err
    assert (project / "promptdb.sqlite3").stat().st_size == 0


@pytest.mark.parametrize("command", ["plan", "status"])
def test_plan_and_status_compare_with_nothing_and_note_it(run: Run, git: Git, project: Path, command: str) -> None:
    ran = run(command)
    assert (ran.code, "2 to create, 0 unchanged" in ran.out) == (0, True)
    assert ran.err.startswith(f"note: there is no database sqlite:///{project}/promptdb.sqlite3; it is the default")
    assert run(command, "--json").code == 0
    assert nothing_was_created(project)


CREATES = {
    "sync": ["sync"],
    "sync --hook": ["sync", "--hook"],
    "register-file": ["register-file", "prompts/greet.txt"],
    "db upgrade": ["db", "upgrade"],
    "import": ["import", "one.zip"],
}


@pytest.mark.parametrize("command", CREATES)
def test_commands_that_write_versions_create_the_database(
    run: Run, git: Git, project: Path, tmp_path_factory: pytest.TempPathFactory, command: str
) -> None:
    if command == "import":
        assert run("sync").code == 0
        assert run("export", "greet", "one.zip").code == 0
        (project / "promptdb.sqlite3").unlink()
    git("add", "--all")
    git("commit", "--quiet", "--message", "one")
    assert run(*CREATES[command]).code == 0
    assert (project / "promptdb.sqlite3").exists()
    assert run("list").code == 0


def lookup_of_a_client() -> None:
    with PromptClient.from_env() as client:
        client.get("greet")


LOOKUPS: dict[str, Callable[[], object]] = {
    "client": lookup_of_a_client,
    "service": lambda: PromptService().get("greet"),
    "list": lambda: PromptService().list_prompts(),
    "promote": lambda: PromptService().promote("greet", "production"),
}


@pytest.mark.parametrize("lookup", LOOKUPS)
def test_a_lookup_in_python_creates_nothing_either(project: Path, lookup: str) -> None:
    with pytest.raises(ConfigError) as failed:
        LOOKUPS[lookup]()
    assert failed.value.message.startswith(f"there is no database sqlite:///{project}/promptdb.sqlite3; it is the")
    assert nothing_was_created(project)


@pytest.mark.slow
def test_a_client_finds_the_database_that_is_created_later(run: Run, project: Path) -> None:
    with PromptClient.from_env() as client:
        with pytest.raises(ConfigError):
            client.get("greet")
        assert run("sync").code == 0
        until(lambda: client.get("greet", fallback="none").reason is not Reason.DEFAULT)
        assert client.get("greet").version.revision == 1


def test_a_workspace_plans_without_a_database(project: Path) -> None:
    workspace = Workspace(load_settings())
    assert len(workspace.plan().plan.changes) == 2
    assert workspace.status().schema is None
    assert nothing_was_created(project)
    workspace.close()
