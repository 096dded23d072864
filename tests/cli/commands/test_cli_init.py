"""`promptdb init`: it finds what is there, proposes settings, and replaces nothing."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from promptdb.cli.app import run


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_an_empty_repository_gets_an_example_that_syncs(repository: Path):
    assert run(["init"]) == 0
    assert run(["check"]) == 0
    assert run(["sync"]) == 0
    assert (repository / ".gitignore").read_text() == "promptdb.sqlite3*\n.blobs/\n"


def test_texts_with_literal_braces_are_read_as_plain(repository: Path):
    write(repository, {"my-prompts/json.md": 'Reply as {"a": 1}.', "my-prompts/hello.txt": "Hello."})
    assert run(["init"]) == 0
    assert (repository / "promptdb.toml").read_text() == 'prompts_root = "my-prompts"\ntext_format = "plain"\n'
    assert run(["sync"]) == 0


def test_a_repository_of_texts_is_its_own_root_without_files_about_itself(repository: Path):
    write(repository, {"acme/one.md": "One.", "other/two.txt": "Two.", "LICENSE.txt": "x", "my file.txt": "Three."})
    assert run(["init"]) == 0
    assert (repository / "promptdb.toml").read_text().startswith('prompts_root = "."\n')
    ignored = (repository / ".promptdbignore").read_text()
    assert "/LICENSE.txt\n" in ignored
    assert '"my file.txt" = "my-file"\n' in (repository / "promptdb.toml").read_text()
    assert run(["sync"]) == 0


def test_a_dry_run_writes_nothing(repository: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["init", "--dry-run"]) == 0
    assert [path.name for path in repository.iterdir()] == [".git"]
    assert "would write promptdb.toml" in capsys.readouterr().out


def test_what_is_there_stays_as_it_is(repository: Path, capsys: pytest.CaptureFixture[str]):
    write(repository, {".gitignore": "*.log\n", "prompts/a.txt": "Hi {name}"})
    assert run(["init"]) == 0
    assert (repository / ".gitignore").read_text() == "*.log\n"
    assert (repository / "prompts/a.txt").read_text() == "Hi {name}"
    assert "add to .gitignore: promptdb.sqlite3* .blobs/" in capsys.readouterr().out


def test_a_second_init_is_refused(repository: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["init"]) == 0
    before = (repository / "promptdb.toml").read_text()
    assert run(["init"]) == 1
    assert (repository / "promptdb.toml").read_text() == before
    assert "sets promptdb up already" in capsys.readouterr().err


def test_settings_in_any_form_refuse_an_init(repository: Path, capsys: pytest.CaptureFixture[str]):
    write(repository, {"pyproject.toml": '[tool.promptdb.refs]\nmain = ["staging"]\n'})
    assert run(["init"]) == 1
    assert "pyproject.toml sets promptdb up already" in capsys.readouterr().err


@pytest.mark.parametrize("folder", ['my"prompts', "my\\prompts", "my prompts"])
def test_any_folder_can_be_the_root(repository: Path, folder: str, capsys: pytest.CaptureFixture[str]):
    write(repository, {f"{folder}/a.txt": "Hello"})
    assert run(["init"]) == 0
    assert run(["check"]) == 0
    assert capsys.readouterr().out.endswith("1 prompt and 0 tests: no problems\n")


def test_an_absolute_root_is_written_as_a_relative_one(repository: Path):
    write(repository, {"texts/a.txt": "Hello"})
    assert run(["init", "--root", str(repository / "texts")]) == 0
    assert (repository / "promptdb.toml").read_text() == 'prompts_root = "texts"\n'


def test_a_name_that_is_not_utf_8_is_left_out(repository: Path):
    write(repository, {"prompts/a.txt": "Hello"})
    (repository / os.fsdecode(b"prompts/b\xff.md")).write_text("x")
    assert run(["init"]) == 0
    assert run(["check"]) == 0


def test_an_editor_gets_the_schema_and_settings_that_use_it(repository: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["init", "--vscode"]) == 0
    example = (repository / "prompts/examples/answer.yaml").read_text().splitlines()[0]
    named = repository / "prompts/examples" / example.partition("$schema=")[2]
    settings = json.loads((repository / ".vscode/settings.json").read_text())
    [address] = settings["yaml.schemas"]
    assert named.resolve() == (repository / address).resolve()
    assert run(["check"]) == 0
    capsys.readouterr()
    assert run(["schema"]) == 0
    assert capsys.readouterr().out == named.read_text()
    assert run(["init", "--vscode"]) == 0
    assert capsys.readouterr().out == ".vscode/settings.json names the schema of prompt files already\n"


def test_settings_behind_a_link_are_not_written(
    repository: Path, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (repository / ".vscode").symlink_to(elsewhere)
    assert run(["init", "--vscode"]) == 0
    assert ".vscode is a link: write the output of promptdb schema" in capsys.readouterr().out
    assert list(elsewhere.iterdir()) == []


def test_settings_of_an_editor_keep_their_comments(repository: Path, capsys: pytest.CaptureFixture[str]):
    files = {
        "promptdb.toml": 'prompts_root = ["a/prompts", "."]\n',
        "a/prompts/one.txt": "x",
        ".vscode/settings.json": "{} // mine\n",
        ".vscode/promptdb.schema.json": "{}\n",
    }
    write(repository, files)
    assert run(["init", "--vscode"]) == 0
    out = capsys.readouterr().out
    assert "next: promptdb schema > .vscode/promptdb.schema.json updates the schema" in out
    assert '"yaml.schemas": {"./.vscode/promptdb.schema.json": ["a/prompts/**/*.yaml", "**/*.yaml", ' in out
    assert {name: (repository / name).read_text() for name in files} == files
