"""`promptdb register-file`."""

import re
from pathlib import Path

import pytest
from clitools import Run, failure
from registries import write

SUFFIXES = ".j2, .jinja, .jinja2, .json, .md, .mustache, .prompt, .txt, .yaml, .yml"


@pytest.fixture
def file(project: Path) -> Path:
    """A prompt outside of the tree."""
    write(project, {"elsewhere/hello.txt": "Hello {name}!"})
    return project / "elsewhere/hello.txt"


def test_a_file_becomes_the_first_version(run: Run, file: Path) -> None:
    ran = run("register-file", file, "--name", "team/hello")
    assert (ran.code, ran.err) == (0, "")
    assert re.fullmatch(r"registered: team/hello revision 1 sha256:[0-9a-f]{64}\n", ran.out)
    assert run("render", "team/hello", "-v", "name=Bo").out == "Hello Bo!\n"


def test_without_a_name_it_has_that_of_the_file(run: Run, file: Path) -> None:
    assert run("register-file", file).out.startswith("registered: default/hello revision 1 ")


def test_a_file_of_the_tree_has_its_name_there(run: Run, project: Path) -> None:
    assert run("register-file", "prompts/support/triage.yaml").out.startswith("registered: support/triage revision 1 ")
    assert run("register-file", "prompts/greet.txt").out.startswith("registered: default/greet revision 1 ")
    assert run("plan").out == "2 unchanged\n"


def test_a_draft_of_the_tree_in_a_registry_of_others_is_said(
    run: Run, project: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "../of_readers").mkdir()
    monkeypatch.setenv("PROMPTDB_DATABASE_URL", "sqlite:///../of_readers/data.sqlite3")
    told = r"note: everyone who reads 'latest' from sqlite:///.*/of_readers/data.sqlite3 gets this version of "
    ran = run("register-file", "prompts/greet.txt")
    assert ran.code == 0
    assert re.fullmatch(rf"{told}prompts/greet.txt, committed or not\n", ran.err)
    # Nothing was added, or the file is not of the tree.
    assert run("register-file", "prompts/greet.txt").err == ""
    assert run("register-file", file).err == ""


def test_json_has_the_alias_that_was_moved(run: Run, file: Path) -> None:
    assert run("register-file", file, "--json").json["alias"] is None
    assert run("register-file", file, "--json", "--alias", "production").json["alias"] == "production"


def test_the_same_content_again_is_unchanged(run: Run, file: Path) -> None:
    first = run("register-file", file).out
    assert run("register-file", file) == (0, first.replace("registered", "unchanged"), "")


def test_an_alias_points_at_the_version(run: Run, file: Path) -> None:
    ran = run("register-file", file, "--alias", "production", "-m", "first")
    assert ran.out.endswith("default/hello:production is at rev:1\n")
    file.write_text("Hi {name} of {place}!")
    refused = run("register-file", file, "--alias", "production")
    assert refused.code == 5
    assert "this would break callers of default/hello:production" in refused.err
    assert refused.err.endswith(
        "hint: if the callers are ready, pass --allow-breaking\n"
    )  # no revision to compare with
    assert run("register-file", file, "--alias", "production", "--allow-breaking").code == 0
    assert [event["to_revision"] for event in run("alias", "log", "hello", "--json").json] == [2, 1]


@pytest.mark.parametrize("option", [["-m", "why"], ["--allow-breaking"]])
def test_options_of_an_alias_need_one(run: Run, file: Path, option: list[str]) -> None:
    ran = run("register-file", file, *option)
    assert ran.code == 2
    assert "need --alias" in ran.err


def test_other_content_is_the_next_version(run: Run, file: Path) -> None:
    assert run("register-file", file).code == 0
    file.write_text("Hi {name}!")
    assert run("register-file", file).out.startswith("registered: default/hello revision 2 ")


def test_a_path_is_taken_from_the_current_folder(run: Run, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    monkeypatch.setenv("PROMPTDB_DATABASE_URL", "sqlite:///../promptdb.sqlite3")
    assert run("register-file", "hello.txt").code == 0


def test_what_was_registered_is_not_archived_by_a_sync(run: Run, file: Path) -> None:
    assert run("register-file", file).code == 0
    assert run("sync", "--prune").code == 0
    assert "default/hello" in run("list").out


def test_the_files_it_names_are_stored_with_it(run: Run, file: Path) -> None:
    write(file.parent, {"x.yaml": "template: x\nassets: [{path: data/a.csv}]\n", "data/a.csv": "a,b\n"})
    assert run("register-file", file.parent / "x.yaml").code == 0
    assert [asset["path"] for asset in run("show", "x", "--json").json["assets"]] == [None, "data/a.csv"]


def test_a_file_it_names_outside_of_its_folder_is_refused(run: Run, file: Path) -> None:
    write(file.parent, {"x.yaml": "template: x\nassets: [{path: ../secret.csv}]\n", "../secret.csv": "a"})
    ran = run("register-file", file.parent / "x.yaml")
    assert (ran.code, ran.out) == (4, "")
    assert "[PDB402]" in ran.err


def test_an_invalid_file_is_exit_code_4_with_a_place_to_follow(run: Run, file: Path) -> None:
    file.write_text("{")
    ran = run("register-file", "elsewhere/hello.txt")
    assert (ran.code, ran.out) == (4, "")
    assert ran.err.startswith("elsewhere/hello.txt:1:1: error [PDB301] ")


def test_a_user_version_of_other_content_is_exit_code_5(run: Run, file: Path) -> None:
    file.write_text("---\nmetadata: {user_version: v1}\n---\nHello")
    assert run("register-file", file).code == 0
    file.write_text("---\nmetadata: {user_version: v1}\n---\nGoodbye")
    message = "default/hello: user_version 'v1' already names revision 1, which differs"
    assert run("register-file", file) == (5, "", failure(message, "give the new content a user_version of its own"))


FAILURES = [
    (["gone.txt"], "cannot read gone.txt: No such file or directory", None),
    (["elsewhere"], "elsewhere does not have the suffix of a prompt file", f"use one of {SUFFIXES}"),
    (["promptdb.toml"], "promptdb.toml does not have the suffix of a prompt file", f"use one of {SUFFIXES}"),
    (
        ["elsewhere/hello.txt", "--name", "Bad name"],
        "'Bad name' is not a valid name segment",
        "use letters, digits, '.', '_' and '-', starting with a letter or digit, at most 128 characters",
    ),
]


@pytest.mark.parametrize(("arguments", "message", "hint"), FAILURES, ids=["missing", "folder", "suffix", "name"])
def test_a_file_that_cannot_be_registered_is_one_error(
    run: Run, file: Path, arguments: list[str], message: str, hint: str | None
) -> None:
    assert run("register-file", *arguments) == (1, "", failure(message, hint))


def test_a_folder_with_a_suffix_is_one_error(run: Run, file: Path) -> None:
    (file.parent / "x.txt").mkdir()
    assert run("register-file", "elsewhere/x.txt") == (1, "", failure("cannot read elsewhere/x.txt: Is a directory"))


def test_json_has_the_version_and_whether_it_is_new(run: Run, file: Path) -> None:
    first, second = run("register-file", file, "--json").json, run("register-file", file, "--json").json
    assert (first["created"], second["created"]) == (True, False)
    assert first["version"] == second["version"]
    assert (first["version"]["prompt"], first["version"]["created_by"]) == ("default/hello", "tester")


def test_an_archived_prompt_is_revived(run: Run, synced: Path) -> None:
    (synced / "prompts/greet.txt").rename(synced / "greet.txt")
    assert run("sync", "--prune", "--max-prune", 50).code == 0
    assert run("register-file", "greet.txt").out.startswith("unchanged, no longer archived: default/greet revision 1 ")


def test_an_empty_name_is_no_name(run: Run, file: Path) -> None:
    assert run("register-file", file, "--name", "").code == 1
