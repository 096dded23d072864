"""Settings: where they come from, which wins, what a wrong one says, and that no message ever shows a value."""

import logging
import os
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
from pydantic import SecretStr
from registries import write

from promptdb.domain.refs import parse_alias
from promptdb.errors import ConfigError, InvalidRef
from promptdb.service import PromptService
from promptdb.settings import AppSettings, load_settings

SECRET = "hunter2"
URL = f"postgresql://user:{SECRET}@127.0.0.1:1/registry"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The root of a repository, above which nothing is searched."""
    folder = tmp_path / "project"
    (folder / ".git").mkdir(parents=True)
    return folder


def test_without_a_file_the_defaults_are_in_force(project: Path) -> None:
    settings = load_settings(project)
    assert settings.prompts_path == project / "prompts"
    assert settings.blob_path == project / ".blobs"
    assert settings.database_url.get_secret_value() == "sqlite:///./promptdb.sqlite3"
    assert (settings.text_format, settings.storage_backend, settings.lock_timeout) == ("f-string", "local", 30.0)
    assert settings.actor is None


OWN = {"promptdb.toml": 'actor = "own file"\n'}
TABLE = {"pyproject.toml": '[tool.promptdb]\nactor = "project file"\n'}


@pytest.mark.parametrize(
    ("files", "environment", "actor"),
    [
        ({}, None, None),
        (TABLE, None, "project file"),
        (OWN, None, "own file"),
        ({**OWN, **TABLE}, None, "own file"),
        ({**OWN, **TABLE}, "environment", "environment"),
        (TABLE, "environment", "environment"),
        ({}, "environment", "environment"),
        ({"pyproject.toml": '[project]\nname = "x"\n'}, None, None),
        ({"promptdb.toml": ""}, None, None),
        ({"promptdb.toml": "", **TABLE}, None, None),
    ],
)
def test_the_environment_wins_over_the_own_file_and_that_over_the_project_file(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: dict[str, str | bytes],
    environment: str | None,
    actor: str | None,
) -> None:
    write(project, files)
    if environment is not None:
        monkeypatch.setenv("PROMPTDB_ACTOR", environment)
    assert load_settings(project).actor == actor


def test_the_environment_replaces_single_settings_of_the_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(project, {"promptdb.toml": 'actor = "file"\nlock_timeout = 5\n'})
    monkeypatch.setenv("PROMPTDB_LOCK_TIMEOUT", "7.5")
    settings = load_settings(project)
    assert (settings.actor, settings.lock_timeout) == ("file", 7.5)


@pytest.mark.parametrize(
    ("name", "value", "attribute", "expected"),
    [
        ("PROMPTDB_PROMPTS_ROOT", "my prompts", "prompts_root", ("my prompts",)),
        ("PROMPTDB_PROMPTS_ROOT", ' ["app/*/prompts", "lib"]', "prompts_root", ("app/*/prompts", "lib")),
        ("PROMPTDB_CHAT_FOLDERS", "true", "chat_folders", True),
        ("PROMPTDB_NAMES", '{"A b.md": "x"}', "names", {"A b.md": "default/x"}),
        ("PROMPTDB_FORMER_ROOTS", '["old/"]', "former_roots", ["old"]),
        ("PROMPTDB_FORMER_FIELDS", '["_type"]', "former_fields", ["_type"]),
        ("PROMPTDB_TEXT_FORMAT", "jinja2", "text_format", "jinja2"),
        ("PROMPTDB_BLOB_ROOT", "/srv/blobs", "blob_root", Path("/srv/blobs")),
        ("PROMPTDB_LOCK_TIMEOUT", "0.5", "lock_timeout", 0.5),
        ("PROMPTDB_SOURCE", "http, snapshot", "source", ("http", "snapshot")),
        ("PROMPTDB_SOURCE", "files", "source", ("files",)),
        ("PROMPTDB_URL", "https://prompts.example.com/base/", "url", "https://prompts.example.com/base"),
        ("PROMPTDB_URL", "http://127.0.0.1:8000", "url", "http://127.0.0.1:8000"),
        ("PROMPTDB_TOKEN", "pdb_1", "token", SecretStr("pdb_1")),
        ("PROMPTDB_CORS_ORIGINS", '["https://a.example:8"]', "cors_origins", ["https://a.example:8"]),
        ("PROMPTDB_API_PREFIX", "/prompts/v1.0", "api_prefix", "/prompts/v1.0"),
        ("PROMPTDB_STORAGE_BACKEND", "local", "storage_backend", "local"),
        ("PROMPTDB_REFS", '{"main": ["staging"]}', "refs", {"main": ["staging"]}),
        ("PROMPTDB_MAIN_REF", "refs/heads/trunk", "main_ref", "trunk"),
    ],
)
def test_every_setting_can_come_from_the_environment(
    project: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, attribute: str, expected: object
) -> None:
    monkeypatch.setenv(name, value)
    assert getattr(load_settings(project), attribute) == expected


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("SOURCE", "htpp", "expected 'database', 'files', 'http' or 'snapshot'"),
        ("SOURCE", "http,http", "it names a source twice"),
        ("SOURCE", "", "expected 'database'"),
        ("SOURCE", "snapshot,http", "'http' or 'database' with 'snapshot' after it, such as http,snapshot"),
        ("SOURCE", "files,snapshot", "it is one source, or"),
        ("SOURCE", "http,database", "it is one source, or"),
        ("URL", "prompts.example.com", "an address begins with https://"),
        ("URL", "ftp://prompts.example.com", "an address begins with https://"),
        ("URL", "http://prompts.example.com", "needs https://, except on this machine"),
        ("URL", "https://me:secret@prompts.example.com", "has a user or a password; set PROMPTDB_TOKEN instead"),
        ("URL", "https://prompts.example.com/?secret", "has no query and no fragment"),
        ("URL", "https:///x", "has no host"),
        ("URL", "https://x:secret", "the address is malformed"),
        ("URL", "https://x/\nsecret", "characters that addresses cannot have"),
        ("SNAPSHOT", "", "it is empty"),
        ("TOKEN", "", "it is empty, or has characters that no token has"),
        ("TOKEN", "secret\r\nHost: x", "it is empty, or has characters that no token has"),
    ],
)
def test_a_wrong_setting_of_a_client_is_named_with_its_remedy(
    project: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(f"PROMPTDB_{name}", value)
    with pytest.raises(ConfigError) as caught:
        load_settings(project)
    assert caught.value.message.startswith(f"environment variable PROMPTDB_{name}: ")
    assert message in caught.value.message
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("written", ['"http,snapshot"', '["http", "snapshot"]'])
def test_sources_in_a_file_are_a_word_or_a_list(project: Path, written: str) -> None:
    write(project, {"promptdb.toml": f"source = {written}\n"})
    assert load_settings(project).source == ("http", "snapshot")


# Where the file is searched, and what paths are relative to


def test_the_file_is_searched_upwards_and_the_nearest_one_counts(project: Path) -> None:
    write(project, {"promptdb.toml": 'actor = "top"\n', "a/pyproject.toml": '[tool.promptdb]\nactor = "middle"\n'})
    (project / "a/b/c").mkdir(parents=True)
    (project / "x/y").mkdir(parents=True)
    assert load_settings(project / "a/b/c").actor == "middle"
    assert load_settings(project / "x/y").actor == "top"


def test_a_project_file_without_our_table_is_passed_by(project: Path) -> None:
    write(project, {**OWN, "a/pyproject.toml": "[tool.other]\nx = 1\n"})
    assert load_settings(project / "a").actor == "own file"


@pytest.mark.parametrize("marker", ["folder", "file"])
def test_the_search_ends_at_the_root_of_the_repository(tmp_path: Path, marker: str) -> None:
    """In a work tree or submodule `.git` is a file."""
    write(tmp_path, {**OWN, "repository/a/x.txt": ""})
    if marker == "folder":
        (tmp_path / "repository/.git").mkdir()
    else:
        write(tmp_path, {"repository/.git": "gitdir: elsewhere\n"})
    settings = load_settings(tmp_path / "repository/a")
    assert settings.actor is None
    assert settings.prompts_path == tmp_path / "repository/prompts"


def test_a_file_in_the_root_of_the_repository_counts(project: Path) -> None:
    write(project, {**OWN, "a/x.txt": ""})
    assert load_settings(project / "a").actor == "own file"


def test_relative_paths_are_taken_from_the_folder_of_the_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(
        project,
        {
            "conf/promptdb.toml": (
                'prompts_root = "texts"\nblob_root = "../blobs"\ndatabase_url = "sqlite:///data/registry.sqlite3"\n'
            ),
            "conf/deep/x.txt": "",
            "conf/data/x.txt": "",
        },
    )
    monkeypatch.chdir(project / "conf/deep")
    settings = load_settings()
    assert settings.prompts_path == project / "conf/texts"
    assert settings.blob_path.resolve() == project / "blobs"
    service = PromptService(settings)
    service.register_text("a/one", "text")
    service.close()
    assert (project / "conf/data/registry.sqlite3").is_file()


def test_relative_paths_of_the_environment_are_taken_from_there_too(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project, {**OWN, "deep/x.txt": ""})
    monkeypatch.setenv("PROMPTDB_PROMPTS_ROOT", "texts")
    assert load_settings(project / "deep").prompts_path == project / "texts"


def test_absolute_paths_stay(project: Path) -> None:
    write(project, {"promptdb.toml": 'prompts_root = "/srv/prompts"\n'})
    assert load_settings(project).prompts_path == Path("/srv/prompts")


@pytest.mark.parametrize("variable", ["PROMPTDB_BASE", "promptdb_base"])
def test_the_base_folder_is_no_setting(project: Path, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """It is where the file was found."""
    monkeypatch.setenv(variable, "/somewhere/else")
    assert load_settings(project).base == project


# Wrong settings


def test_the_table_of_another_file_gets_the_right_name_in_the_hint(project: Path) -> None:
    (project / "promptdb.toml").write_text("[tool.promptdb.refs]\nmain = ['staging']\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(project)
    assert caught.value.hint.startswith("in promptdb.toml write [refs], without tool.promptdb")


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("promptdb.toml", "databse_url = 'x'\n", "unknown setting 'databse_url'"),
        ("promptdb.toml", "base = '/'\n", "unknown setting 'base'"),
        ("promptdb.toml", "DATABASE_URL = 'x'\n", "unknown setting 'DATABASE_URL'"),
        ("promptdb.toml", "[tool.promptdb]\nactor = 'x'\n", "unknown setting 'tool'"),
        ("pyproject.toml", "[tool.promptdb]\nnope = 1\n", "unknown setting 'nope'"),
        ("promptdb.toml", "text_format = 'erb'\n", "text_format: expected 'f-string', 'jinja2', 'mustache' or 'plain'"),
        ("promptdb.toml", "lock_timeout = 0\n", "lock_timeout: expected greater than 0"),
        ("promptdb.toml", "lock_timeout = -1\n", "lock_timeout: "),
        ("promptdb.toml", "cors_origins = ['*']\n", "cors_origins: an origin is https://HOST"),
        ("promptdb.toml", "cors_origins = ['https://a.example/']\n", "cors_origins: an origin is https://HOST"),
        ("promptdb.toml", "api_prefix = ''\n", "api_prefix: a prefix is a path such as /api/v1"),
        ("promptdb.toml", "api_prefix = '/api/'\n", "api_prefix: a prefix is a path such as /api/v1"),
        ("promptdb.toml", "api_prefix = '/api/../v1'\n", "api_prefix: a prefix is a path such as /api/v1"),
        ("promptdb.toml", "api_prefix = '/{x}'\n", "api_prefix: a prefix is a path such as /api/v1"),
        ("promptdb.toml", "lock_timeout = nan\n", "lock_timeout: "),
        ("promptdb.toml", "lock_timeout = 'soon'\n", "lock_timeout: "),
        ("promptdb.toml", "actor = ''\n", "actor: "),
        ("promptdb.toml", f"actor = '{'x' * 256}'\n", "actor: "),
        ("promptdb.toml", "storage_backend = 'tape'\n", "storage_backend: expected 'local'"),
        ("promptdb.toml", "database_url = 3\n", "database_url: "),
        ("promptdb.toml", "cache_ttl = 'x'\n", "cache_ttl: expected a number"),
        ("promptdb.toml", "prompts_root = []\n", "prompts_root: it is empty"),
        ("promptdb.toml", "prompts_root = ['a', ' ']\n", "prompts_root: it is empty"),
        ("promptdb.toml", "prompts_root = ['a', 1]\n", "prompts_root: "),
        ("promptdb.toml", "prompts_root = {a = 1}\n", "prompts_root: "),
        ("promptdb.toml", "prompts_root = '[a'\n", "prompts_root: a list is JSON"),
        ("promptdb.toml", "prompts_root = ['a/**']\n", "prompts_root: ** stands for whole folders"),
        ("promptdb.toml", "prompts_root = ['a', '/b']\n", "prompts_root: the roots have no folder in common"),
        ("promptdb.toml", "[names]\n'A b.md' = 'A b'\n", "names.A b.md: it is not the name of a prompt"),
        ("promptdb.toml", "[names]\n'A b.md' = 'a:1'\n", "names.A b.md: it is not the name of a prompt"),
        ("promptdb.toml", "former_roots = ['a/*']\n", "former_roots: expected a folder of the repository"),
        ("promptdb.toml", "former_roots = ['../a']\n", "former_roots: expected a folder of the repository"),
        ("promptdb.toml", "[refs]\nmain = ['canary', 'Staging']\n", "refs.main.1: an alias is made of a-z"),
        ("pyproject.toml", "[tool.promptdb.refs]\nmain = 'staging'\n", "refs.main: expected a valid list"),
        ("promptdb.toml", "actor = \n", "is not valid TOML"),
        ("promptdb.toml", b"actor = '\xff'\n", "is not valid TOML"),
        ("pyproject.toml", "[tool\n", "is not valid TOML"),
        ("pyproject.toml", "tool = 1\n", None),
    ],
)
def test_a_wrong_setting_is_told_with_the_file_it_stands_in(
    project: Path, file: str, text: str | bytes, message: str | None
) -> None:
    write(project, {file: text})
    if message is None:
        assert load_settings(project).actor is None
        return
    with pytest.raises(ConfigError) as caught:
        load_settings(project)
    assert str(project / file) in caught.value.message
    assert message in caught.value.message


def test_the_hint_for_an_unknown_setting_lists_the_settings(project: Path) -> None:
    write(project, {"promptdb.toml": "nope = 1\n"})
    with pytest.raises(ConfigError) as caught:
        load_settings(project)
    assert str(caught.value.hint).startswith("settings are actor, api_prefix, blob_root, cache_ttl, chat_folders")
    assert "base" not in str(caught.value.hint).split(", ")


def test_every_wrong_setting_is_told_at_once(project: Path) -> None:
    write(project, {"promptdb.toml": "text_format = 'erb'\nlock_timeout = 0\n"})
    with pytest.raises(ConfigError) as caught:
        load_settings(project)
    assert "text_format" in caught.value.message
    assert "lock_timeout" in caught.value.message


@pytest.mark.parametrize("variable", ["PROMPTDB_TEXT_FORMAT", "PROMPTDB_LOCK_TIMEOUT", "PROMPTDB_STORAGE_BACKEND"])
def test_a_wrong_value_in_the_environment_is_told_with_its_variable(
    project: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    write(project, OWN)
    monkeypatch.setenv(variable, "nonsense")
    with pytest.raises(ConfigError) as caught:
        load_settings(project)
    assert f"environment variable {variable}: " in caught.value.message
    assert "promptdb.toml" not in caught.value.message


@pytest.mark.parametrize("variable", ["promptdb_text_format", "Promptdb_Text_Format"])
def test_a_variable_in_other_letters_is_either_no_setting_or_told_by_its_name(
    project: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "nonsense")
    try:
        load_settings(project)
    except ConfigError as error:
        assert variable.upper() in error.message.upper()  # noqa: PT017
        assert "None" not in error.message  # noqa: PT017


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("PROMPTDB_DATABSE_URL", "PROMPTDB_DATABASE_URL"),
        ("PROMPTDB_DB_URL", None),
        ("promptdb_blob_roots", "PROMPTDB_BLOB_ROOT"),
        ("PROMPTDB_COLORS", None),
        ("DATABASE_URL", None),
    ],
)
def test_a_variable_that_is_nearly_a_setting_is_told(
    project: Path, monkeypatch: pytest.MonkeyPatch, variable: str, meant: str | None
) -> None:
    monkeypatch.setenv(variable, "x")
    if meant is None:
        assert load_settings(project)
        return
    with pytest.raises(ConfigError) as caught:
        load_settings(project)
    assert (caught.value.message, caught.value.hint) == (
        f"environment variable {variable} is not a setting",
        f"did you mean {meant}?",
    )


@pytest.mark.parametrize(
    "name",
    ["a", "a.b_c-1", "latest", "A", "1a", "", "a" * 128, "a" * 129, "a b", "ä", "abcdef01-0000-4000-8000-000000000000"],
)
def test_the_aliases_of_refs_are_those_that_there_can_be(name: str, tmp_path: Path) -> None:
    try:
        parse_alias(name)
    except InvalidRef:
        with pytest.raises(ValueError, match="an alias is made of"):
            AppSettings(base=tmp_path, refs={"main": [name]})
    else:
        assert AppSettings(base=tmp_path, refs={"main": [name]}).refs == {"main": [name]}


# Values stay out of sight


WRONG = {
    "a password as a number of seconds": {"promptdb.toml": f"lock_timeout = '{SECRET}'\n"},
    "a url as a format": {"promptdb.toml": f"text_format = '{URL}'\n"},
    "a url in a list": {"promptdb.toml": f"database_url = ['{URL}']\n"},
    "a url in a table": {"promptdb.toml": f"[database_url]\nurl = '{URL}'\n"},
    "a url under a wrong name": {"promptdb.toml": f"databse_url = '{URL}'\n"},
    "a url beside another mistake": {"promptdb.toml": f"database_url = '{URL}'\nlock_timeout = 0\n"},
    "a url beside broken TOML": {"promptdb.toml": f"database_url = '{URL}\n"},
    "a url in the project file": {"pyproject.toml": f"[tool.promptdb]\ndatabase_url = ['{URL}']\n"},
}


@pytest.mark.parametrize("files", WRONG.values(), ids=WRONG.keys())
def test_no_message_shows_a_value_not_even_its_cause(project: Path, files: dict[str, str | bytes]) -> None:
    write(project, files)
    with pytest.raises(ConfigError) as caught:
        load_settings(project)
    shown = "".join(traceback.format_exception(caught.value)) + str(caught.value.hint) + repr(caught.value)
    assert SECRET not in shown


@pytest.mark.parametrize("variable", ["PROMPTDB_LOCK_TIMEOUT", "PROMPTDB_TEXT_FORMAT", "PROMPTDB_STORAGE_BACKEND"])
def test_no_message_shows_a_value_of_the_environment(
    project: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, URL)
    with pytest.raises(ConfigError) as caught:
        load_settings(project)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.slow
def test_settings_and_services_print_stars(
    project: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PROMPTDB_DATABASE_URL", URL)
    caplog.set_level(logging.DEBUG)
    settings = load_settings(project)
    service = PromptService(settings)
    shown = [str(settings), repr(settings), settings.model_dump_json(), str(settings.model_dump())]
    shown += [str(service.engine), repr(service.engine), str(service.engine.url), repr(service.__dict__)]
    with pytest.raises(Exception, match="failed") as caught:
        service.list_prompts()
    shown += traceback.format_exception(caught.value)
    shown += [record.getMessage() for record in caplog.records]
    service.close()
    assert [text for text in shown if SECRET in text] == []
    assert settings.database_url.get_secret_value() == URL


def test_a_wrong_database_url_is_told_without_the_url(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for url in (f"postgresq://user:{SECRET}@host/registry", f"{SECRET}", f"postgresql://user:{SECRET}@host:port/x"):
        monkeypatch.setenv("PROMPTDB_DATABASE_URL", url)
        with pytest.raises(ConfigError) as caught:
            PromptService(load_settings(project))
        assert SECRET not in "".join(traceback.format_exception(caught.value)) + str(caught.value.hint), url


@pytest.mark.slow
def test_the_command_line_shows_no_password_either(project: Path) -> None:
    environment = {**os.environ, "PROMPTDB_DATABASE_URL": URL}
    for arguments in (["list"], ["db", "current"]):
        done = subprocess.run(
            [sys.executable, "-m", "promptdb", *arguments],
            cwd=project, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 1
        assert "127.0.0.1:1/registry" in done.stderr
        assert SECRET not in done.stdout + done.stderr


def test_settings_cannot_be_changed(project: Path) -> None:
    settings = load_settings(project)
    with pytest.raises(ValueError, match="frozen"):
        settings.actor = "somebody else"  # type: ignore[misc]


def test_settings_given_in_code_may_hold_a_plain_url(tmp_path: Path) -> None:
    settings = AppSettings(base=tmp_path, database_url="sqlite:///x.sqlite3")
    assert settings.database_url.get_secret_value() == "sqlite:///x.sqlite3"


def test_a_table_in_the_environment_replaces_that_of_the_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(project, {"promptdb.toml": '[refs]\nmain = ["staging"]\n"tags/v*" = ["production"]\n'})
    monkeypatch.setenv("PROMPTDB_REFS", '{"nope": ["q"]}')
    assert load_settings(project).refs == {"nope": ["q"]}
    monkeypatch.setenv("PROMPTDB_REFS", "{}")
    assert load_settings(project).refs == {}


def test_refs_are_known_by_their_long_names_too(project: Path) -> None:
    write(project, {"promptdb.toml": '[refs]\n"refs/heads/main" = ["a"]\n"refs/tags/v*" = ["b"]\n'})
    assert load_settings(project).refs == {"main": ["a"], "tags/v*": ["b"]}


@pytest.mark.parametrize("pattern", ["", "refs/heads/", "with space", "a\\n"])
def test_what_can_be_no_ref_is_told(project: Path, pattern: str) -> None:
    write(project, {"promptdb.toml": f'[refs]\n"{pattern}" = ["a"]\n'})
    with pytest.raises(ConfigError, match="refs"):
        load_settings(project)


@pytest.mark.parametrize("name", ["PROMPTDB_BLOB_ROOT", "PROMPTDB_PROMPTS_ROOT"])
def test_an_empty_path_is_no_folder(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "")
    with pytest.raises(ConfigError, match=f"{name}: it is empty"):
        load_settings()
