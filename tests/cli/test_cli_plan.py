"""`promptdb plan`."""

from pathlib import Path

import pytest
from clitools import TRIAGE, Run, failure, steady
from registries import write

CREATE = """\
CHANGE  PROMPT          REVISION  DIGEST               WHAT
create  default/greet   1         sha256:000000000000
create  support/triage  1         sha256:000000000000
2 create, 0 unchanged
"""


def test_new_files_are_to_be_created(run: Run, project: Path) -> None:
    ran = run("plan")
    assert (ran.code, steady(ran.out), ran.err) == (0, CREATE, "")


def test_what_is_synced_is_unchanged(run: Run, synced: Path) -> None:
    assert run("plan") == (0, "2 unchanged\n", "")


PARTS = [
    ("template", TRIAGE.replace("Triage the", "Sort the")),
    ("variables", TRIAGE.replace("default: 1", "default: 2")),
    ("config", "model: {name: small}\n" + TRIAGE),
    ("metadata", "metadata: {title: Triage}\n" + TRIAGE),
    ("template, metadata", "metadata: {title: Triage}\n" + TRIAGE.replace("Triage the", "Sort the")),
    ("assets", "assets: [{path: ../_data.csv}]\n" + TRIAGE),
]


@pytest.mark.parametrize(("parts", "text"), PARTS, ids=[parts for parts, _ in PARTS])
def test_a_changed_file_tells_which_parts_change(run: Run, synced: Path, parts: str, text: str) -> None:
    write(synced, {"prompts/support/triage.yaml": text, "prompts/_data.csv": "a,b\n"})
    assert steady(run("plan").out) == (
        "CHANGE       PROMPT          REVISION  DIGEST               WHAT\n"
        f"new version  support/triage  1 -> 2    sha256:000000000000  {parts}\n"
        "1 new version, 1 unchanged\n"
    )


@pytest.mark.parametrize("text", ["# a comment\n" + TRIAGE, TRIAGE.replace("tests:", "tests: []\nx:").split("x:")[0]])
def test_a_change_that_makes_no_version_is_unchanged(run: Run, synced: Path, text: str) -> None:
    write(synced, {"prompts/support/triage.yaml": text})
    assert run("plan").out == "2 unchanged\n"


def test_a_renamed_file_is_told_with_its_old_name(run: Run, synced: Path) -> None:
    (synced / "prompts/support/triage.yaml").unlink()
    write(synced, {"prompts/help/triage.yaml": "renamed_from: [support/triage]\n" + TRIAGE})
    assert run("plan") == (
        0,
        "CHANGE  PROMPT       REVISION  DIGEST  WHAT\n"
        "rename  help/triage                    was support/triage\n"
        "1 rename, 1 unchanged\n",
        "",
    )


def test_a_file_that_is_gone_is_told_and_stays(run: Run, synced: Path) -> None:
    (synced / "prompts/greet.txt").unlink()
    assert run("plan") == (
        0,
        "1 unchanged\n",
        "1 prompt without a file stays: default/greet; --prune archives it\n",
    )


def test_many_files_that_are_gone_are_told_by_the_first_three(run: Run, synced: Path) -> None:
    names = [f"n{number}" for number in range(4)]
    write(synced, {f"prompts/{name}.txt": "x" for name in names})
    assert run("sync").code == 0
    for name in names:
        (synced / f"prompts/{name}.txt").unlink()
    told = "4 prompts without a file stay: default/n0, default/n1, default/n2, ...; --prune archives them\n"
    assert run("plan").err == told


def test_a_file_that_is_gone_is_to_be_archived_with_prune(run: Run, synced: Path) -> None:
    (synced / "prompts/greet.txt").unlink()
    assert run("plan", "--prune", "--max-prune", 50) == (
        0,
        "CHANGE   PROMPT         REVISION  DIGEST  WHAT\narchive  default/greet\n1 archive, 1 unchanged\n",
        "",
    )


def test_a_file_that_returns_is_to_be_revived(run: Run, synced: Path) -> None:
    text = (synced / "prompts/greet.txt").read_text()
    (synced / "prompts/greet.txt").unlink()
    assert run("sync", "--prune", "--max-prune", 50).code == 0
    write(synced, {"prompts/greet.txt": text})
    assert run("plan").out == (
        "CHANGE  PROMPT         REVISION  DIGEST  WHAT\nrevive  default/greet\n1 revive, 1 unchanged\n"
    )


def test_more_than_a_fifth_gone_is_shown_and_refused(run: Run, synced: Path) -> None:
    (synced / "prompts/greet.txt").unlink()
    ran = run("plan", "--prune")
    assert ran.code == 5
    assert ran.out.endswith("1 archive, 1 unchanged\n")
    assert ran.err == failure(
        "--prune would archive 1 of 2 prompts, more than 20 percent",
        "if these files are meant to be gone, allow it with --max-prune PERCENT",
    )


def test_a_user_version_that_names_other_content_is_refused(run: Run, project: Path) -> None:
    write(project, {"prompts/greet.txt": "---\nmetadata: {user_version: v1}\n---\nHello"})
    assert run("sync").code == 0
    write(project, {"prompts/greet.txt": "---\nmetadata: {user_version: v1}\n---\nGoodbye"})
    ran = run("plan")
    assert ran.code == 5
    message = "default/greet: user_version 'v1' already names revision 1, which differs"
    assert ran.err == failure(message, "give the new content a user_version of its own")


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_an_invalid_file_is_told_in_place_of_a_plan(run: Run, project: Path, form: str) -> None:
    write(project, {"prompts/bad.txt": "{"})
    ran = run("plan", "--format", form)
    assert ran.code == 4
    assert [problem["path"] for problem in ran.json["problems"]] == ["bad.txt"] if form == "json" else ran.out == ""
    assert ran.err.startswith("prompts/bad.txt:1:1: error [PDB301] ")
    assert ran.err.endswith("1 error in 1 file\n")


@pytest.mark.parametrize(("changed", "code"), [(False, 0), (True, 3)])
def test_exit_code_3_says_that_there_is_something_to_sync(run: Run, synced: Path, changed: bool, code: int) -> None:
    if changed:
        write(synced, {"prompts/greet.txt": "Hi!"})
    assert run("plan", "--exit-code").code == code
    assert run("plan").code == 0


def test_a_plan_writes_nothing(run: Run, synced: Path) -> None:
    write(synced, {"prompts/greet.txt": "Hi!"})
    first = run("plan")
    assert run("plan") == first
    assert run("log", "greet").out.count("\n") == 2
    assert len(list((synced / ".blobs").rglob("*"))) == len(list((synced / ".blobs").rglob("*")))


def test_a_long_plan_is_cut_and_counted(run: Run, project: Path) -> None:
    write(project, {f"prompts/many/n{number:04}.txt": "x" for number in range(1234)})
    out = run("plan").out.splitlines()
    assert len(out) == 1 + 50 + 2
    assert out[-2:] == ["... and 1,186 more", "1,236 create, 0 unchanged"]


def test_json_is_the_whole_plan(run: Run, project: Path) -> None:
    (project / "prompts/support/triage.yaml").unlink()
    digest = run("plan", "--format", "json").json["changes"][0].pop("digest")
    assert run("plan", "--format", "json").json == {
        "changes": [
            {
                "action": "create",
                "prompt": "default/greet",
                "path": "greet.txt",
                "revision": 1,
                "digest": digest,
                "old_revision": None,
                "old_digest": None,
                "renamed_from": None,
                "parts": [],
            }
        ],
        "unchanged": 0,
        "missing": [],
        "unconfirmed": [],
        "label_conflicts": [],
        "tracked": 0,
    }


def test_json_is_not_cut(run: Run, project: Path) -> None:
    write(project, {f"prompts/many/n{number}.txt": "x" for number in range(60)})
    assert len(run("plan", "--format", "json").json["changes"]) == 62


def test_json_comes_alone_although_the_plan_is_refused(run: Run, synced: Path) -> None:
    (synced / "prompts/greet.txt").unlink()
    ran = run("plan", "--prune", "--format", "json")
    assert (ran.code, ran.json["changes"][0]["action"]) == (5, "archive")


def test_markdown_is_a_table_for_a_pull_request(run: Run, synced: Path) -> None:
    write(synced, {"prompts/greet.txt": "Hi {name}!"})
    ran = run("plan", "--format", "markdown")
    assert (ran.code, ran.err) == (0, "")
    assert steady(ran.out) == (
        "### promptdb plan\n"
        "\n"
        "1 new version, 1 unchanged\n"
        "\n"
        "| change | prompt | revision | digest | what |\n"
        "|---|---|---|---|---|\n"
        "| new version | default/greet | 1 -> 2 | sha256:000000000000 | template |\n"
    )


def test_markdown_without_changes_has_no_table(run: Run, synced: Path) -> None:
    assert run("plan", "--format", "markdown").out == "### promptdb plan\n\n2 unchanged\n\n"


def test_markdown_tells_of_files_that_are_gone(run: Run, synced: Path) -> None:
    """A comment on a pull request has no standard error."""
    (synced / "prompts/greet.txt").unlink()
    assert "default/greet" in run("plan", "--format", "markdown").out
