"""`promptdb import`, and the files of `promptdb export` that are made for it."""

import re
from pathlib import Path

import pytest
from clitools import Run, failure

EXPORTS = {"all.zip": ["--all", "all.zip"], "greet.zip": ["greet:rev:1", "greet.zip"]}


@pytest.fixture
def elsewhere(two_versions: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder is another one, with nothing in it; the exports are in the one above."""
    for arguments in EXPORTS.values():
        assert run("export", *arguments).code == 0
    folder = two_versions / "elsewhere"
    folder.mkdir()
    (folder / "promptdb.toml").write_text("")
    monkeypatch.chdir(folder)
    return folder


def test_a_whole_registry_comes_back(run: Run, elsewhere: Path) -> None:
    assert run("import", "../all.zip") == (0, "wrote 2 prompts, 3 versions, 2 aliases and 3 blobs\n", "")
    assert run("import", "../all.zip") == (0, "nothing to do: everything is there already\n", "")
    assert run("show", "greet:production", "--json").json["revision"] == 1


def test_one_version_comes_back(run: Run, elsewhere: Path) -> None:
    assert run("import", "../greet.zip") == (0, "wrote 1 prompt, 1 version, 0 aliases and 1 blob\n", "")


def test_a_registry_that_went_on_is_exit_code_5(run: Run, elsewhere: Path) -> None:
    run("import", "../all.zip")
    run("promote", "greet:rev:2", "production")
    ran = run("import", "../all.zip")
    assert (ran.code, ran.out) == (5, "")
    message = (
        r"error: the registry sqlite:\S+ is ahead of \.\./all\.zip; what differs: promote of default/greet:production\n"
    )
    assert re.match(message, ran.err)
    assert ran.err.endswith("no row was written; to go back to what it holds, import it into an empty registry\n")


def test_another_history_is_exit_code_5(run: Run, elsewhere: Path) -> None:
    (elsewhere / "greet.txt").write_text("Another text")
    assert run("register-file", "greet.txt").code == 0
    ran = run("import", "../all.zip")
    assert (ran.code, ran.out) == (5, "")
    assert re.match(
        r"error: the registry \S+ is not behind \.\./all\.zip; what differs: "
        r"revision 1 of default/greet \(sha256:\w{12} here and sha256:\w{12} there\), ",
        ran.err,
    )


def test_a_damaged_file_is_exit_code_7(run: Run, elsewhere: Path) -> None:
    file = elsewhere.parent / "all.zip"
    file.write_bytes(file.read_bytes()[:-100])
    ran = run("import", file)
    assert (ran.code, ran.out) == (7, "")
    assert ran.err.startswith(f"error: {file} is damaged, or not a zip: ")
    assert ran.err.count("\n") == 2


def test_a_file_that_is_not_there_is_a_usage_error(run: Run, elsewhere: Path) -> None:
    ran = run("import", "none.zip")
    assert (ran.code, ran.out) == (2, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["greet"], "Missing argument 'FILE'"),
        (["--all"], "Missing argument 'REF'"),
        (["--all", "greet", "x.zip"], "--all cannot be combined with REF"),
        (["--all", "prompts"], "'prompts' is a directory"),
        (["--all", "-"], "--all writes a zip file: '-' does not end in .zip"),
        (["--all", "r.tar"], "--all writes a zip file: 'r.tar' does not end in .zip"),
    ],
)
def test_what_export_cannot_mean_is_a_usage_error(run: Run, synced: Path, arguments: list[str], message: str) -> None:
    ran = run("export", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err


def test_standard_input_is_a_usage_error(run: Run, elsewhere: Path) -> None:
    ran = run("import", "-")
    assert (ran.code, ran.out) == (2, "")
    assert "not standard input" in ran.err


def test_a_suffix_in_capitals_is_the_same(run: Run, elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("..")
    for arguments in (["greet", "GREET.BUNDLE.JSON"], ["greet", "GREET.Zip"], ["--all", "ALL.ZIP"]):
        assert run("export", *arguments).code == 0
        assert run("import", arguments[1]) == (0, "nothing to do: everything is there already\n", "")


def test_an_unchanged_registry_is_exported_again(run: Run, elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("..")
    for arguments in EXPORTS.values():
        assert run("export", *arguments).code == 0


@pytest.mark.slow
def test_an_export_that_is_in_the_way_is_not_replaced(run: Run, elsewhere: Path) -> None:
    assert run("db", "upgrade").code == 0
    (elsewhere / "x.zip").write_text("mine")
    told = failure("x.zip exists and differs", "pass --force to replace it")
    assert run("export", "--all", "x.zip") == (1, "", told)
    assert run("export", "--all", "x.zip", "--force").code == 0
