"""`promptdb log`."""

from pathlib import Path

import pytest
from clitools import Run, failure, steady
from registries import write
from repositories import Git, commit_all


def test_versions_are_listed_the_newest_first(run: Run, two_versions: Path) -> None:
    ran = run("log", "greet")
    assert (ran.code, ran.err) == (0, "")
    assert steady(ran.out) == (
        "REVISION  DIGEST           ALIASES     DATE              COMMIT  AUTHOR\n"
        "2         sha256:00000000  staging     2026-01-01 00:00          tester\n"
        "1         sha256:00000000  production  2026-01-01 00:00          tester\n"
    )


def test_git_tells_commit_and_author(run: Run, git: Git, project: Path) -> None:
    write(project, {"prompts/greet.txt": "---\nmetadata: {user_version: v1}\n---\nHello"})
    commit = commit_all(git)
    assert run("sync").code == 0
    write(project, {"prompts/greet.txt": "Hi!"})
    assert run("sync").code == 0
    assert steady(run("log", "greet").out) == (
        "REVISION  DIGEST           LABEL  ALIASES  DATE              COMMIT            AUTHOR\n"
        f"2         sha256:00000000                  2026-01-01 00:00  {commit[:8]} (dirty)  tester\n"
        f"1         sha256:00000000  v1              2026-01-01 00:00  {commit[:8]}          Ann Author\n"
    )


def test_limit_shows_so_many(run: Run, two_versions: Path) -> None:
    assert [entry["version"]["revision"] for entry in run("log", "greet", "-n", 1, "--json").json] == [2]
    assert run("log", "greet", "--limit", 1).out.count("\n") == 2


@pytest.mark.parametrize("limit", ["0", "-1", "many"])
def test_a_limit_that_is_none_is_a_usage_error(run: Run, synced: Path, limit: str) -> None:
    ran = run("log", "greet", "-n", limit)
    assert (ran.code, ran.out) == (2, "")
    assert "Invalid value for '-n' / '--limit'" in ran.err


@pytest.mark.parametrize("command", [["log"], ["alias", "log"], ["alias", "list"]], ids=" ".join)
def test_an_unknown_prompt_is_an_error(run: Run, synced: Path, command: list[str]) -> None:
    assert run(*command, "not/there") == (
        1,
        "",
        failure("there is no prompt not/there", "'promptdb list' shows all prompts"),
    )


def test_a_name_with_a_selector_is_an_error(run: Run, synced: Path) -> None:
    ran = run("log", "greet:rev:1")
    message = "'greet:rev:1' is a reference, but the name of a prompt is needed"
    assert ran == (1, "", failure(message, "omit :rev:1"))


def test_an_archived_prompt_still_has_its_log(run: Run, synced: Path) -> None:
    (synced / "prompts/greet.txt").unlink()
    assert run("sync", "--prune", "--max-prune", 50).code == 0
    assert run("log", "greet").out.count("\n") == 2


def test_a_renamed_prompt_has_one_log_under_both_names(run: Run, two_versions: Path) -> None:
    (two_versions / "prompts/greet.txt").rename(two_versions / "prompts/hello.txt")
    write(two_versions, {"prompts/hello.txt": "---\nrenamed_from: [greet]\n---\nHi {name}, welcome to {place}!"})
    assert run("sync").code == 0
    assert run("log", "greet") == run("log", "hello")._replace(err="note: default/greet is now default/hello\n")
    assert run("log", "hello").out.count("\n") == 3


def test_json_of_a_version_without_a_file_has_no_source(run: Run, project: Path) -> None:
    assert run("register-file", "prompts/greet.txt").code == 0
    (entry,) = run("log", "greet", "--json").json
    assert (entry["source"], entry["aliases"]) == (None, [])
