"""`promptdb mv`, and what other commands say of renames."""

import shlex
import subprocess
from pathlib import Path

import pytest
from clitools import TRIAGE, Run, failure
from registries import write
from repositories import Git, commit_all

MOVED = """\
moved prompts/support/triage.yaml to prompts/help/desk.yaml
    renamed_from: [support/triage]
next: commit it, then run promptdb sync
undo: git restore --staged --worktree -- prompts/support/triage.yaml prompts/help/desk.yaml
"""


@pytest.fixture
def committed(git: Git, project: Path) -> Path:
    commit_all(git)
    return project


def test_a_move_tells_what_was_done_and_what_comes_next(run: Run, committed: Path) -> None:
    assert run("mv", "support/triage", "help/desk") == (0, MOVED, "")
    assert not (committed / "prompts/support/triage.yaml").exists()
    assert (committed / "prompts/help/desk.yaml").read_text() == f"{TRIAGE}renamed_from:\n  - support/triage\n"


def test_the_undo_that_is_told_undoes(run: Run, git: Git, committed: Path) -> None:
    write(committed, {"prompts/_aliases.yaml": "p: {greet: latest}\n"})
    commit_all(git)
    undo = run("mv", "greet", "support/hello", "--json").json["undo"]
    assert git("status", "--porcelain") != ""
    subprocess.run(shlex.split(undo), check=True)
    assert git("status", "--porcelain") == ""


def test_a_dry_run_checks_everything_and_writes_nothing(run: Run, git: Git, committed: Path) -> None:
    ran = run("mv", "support/triage", "help/desk", "--dry-run")
    assert ran == (0, MOVED.replace("moved", "would move").partition("next")[0], "")
    assert run("mv", "support/triage", "greet", "--dry-run").code == 5
    assert git("status", "--porcelain") == ""


def test_without_git_the_way_back_is_another_move(run: Run, project: Path) -> None:
    assert run("mv", "greet", "hello").out == (
        "moved prompts/greet.txt to prompts/hello.txt\n"
        "    renamed_from: [default/greet]\n"
        "next: add and commit it, then run promptdb sync\n"
        "undo: promptdb mv default/hello default/greet\n"
    )


def test_paths_are_told_from_the_current_folder(run: Run, committed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(committed / "prompts/support")
    ran = run("mv", "triage.yaml", "eu/")
    assert ran.out.startswith("moved ../support/triage.yaml to ../support/eu/triage.yaml\n")
    undo = ran.out.rpartition("undo: ")[2]
    subprocess.run(shlex.split(undo), check=True)
    assert (committed / "prompts/support/triage.yaml").read_text() == TRIAGE


def test_paths_that_were_mended_and_notes_are_told(run: Run, project: Path) -> None:
    write(
        project,
        {
            "prompts/a.yaml": "template: x\nassets: [{path: _d.csv}]\nrenamed_from: [z]\n",
            "prompts/_d.csv": "1",
            "prompts/b.txt": "---\nrenamed_from: [n/a]\n---\nx",
            "prompts/_aliases.yaml": "production: {a: latest}\n",
        },
    )
    ran = run("mv", "a", "n/a")
    assert ran.out.splitlines()[1:4] == [
        "    renamed_from: [z, default/a]",
        "    assets[0].path: ../_d.csv, was _d.csv",
        "    prompts/_aliases.yaml: production names n/a",
    ]
    assert ran.err == (
        "note: a version contains the paths of its assets, so the next sync makes a new one\n"
        "note: prompts/b.txt has n/a in renamed_from, which has no effect while a file has that name: if that rename is not "
        "synced yet, undo this one and sync first\n"
    )


def test_an_invalid_file_is_moved_with_a_note(run: Run, project: Path) -> None:
    write(project, {"prompts/a.yaml": "template: '{'\n"})
    assert run("mv", "a", "b").err == "note: the file has errors; 'promptdb check' shows them\n"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("greett", "x"), 1, failure("there is no file for a prompt default/greett", "did you mean greet?")),
        (
            ("support", "x"),
            1,
            failure("support is a folder", "move its prompts one by one"),
        ),
        (
            ("greet", "support/triage"),
            5,
            failure("there is a prompt support/triage already", "choose another name, or move that prompt first"),
        ),
        (("greet",), 2, None),
    ],
)
def test_failures(run: Run, project: Path, arguments: tuple[str, ...], code: int, told: str | None) -> None:
    ran = run("mv", *arguments)
    assert (ran.code, ran.out) == (code, "")
    assert told in (None, ran.err)


@pytest.mark.parametrize(
    "command",
    [
        "show greet",
        "log greet",
        "render greet -v name=Bo -v place=Oz",
        "diff greet",
        "diff greet:rev:1 :latest",
        "promote greet canary",
        "rollback greet production",
        "alias list greet",
        "alias set greet canary",
        "alias delete greet staging",
        "alias log greet",
        "export greet -",
    ],
)
def test_every_command_says_that_a_name_is_an_earlier_one(run: Run, two_versions: Path, command: str) -> None:
    assert run("promote", "greet", "production").code == 0
    assert run("mv", "greet", "support/hello").code == 0
    assert run("sync").code == 0
    ran = run(*command.split())
    assert (ran.code, ran.err) == (0, "note: default/greet is now support/hello\n")
    assert "note" not in run(*command.replace("greet", "support/hello").split()).err


def test_a_rename_that_may_be_meant_is_proposed(run: Run, synced: Path) -> None:
    (synced / "prompts/greet.txt").rename(synced / "prompts/hello.txt")
    proposal = (
        "default/hello has the content of default/greet, whose file is gone: 'renamed_from: [default/greet]' keeps its "
        "history and aliases"
    )
    assert run("plan").err.splitlines()[1:] == [proposal]
    assert f"\n- `{proposal}`\n" in run("plan", "--format", "markdown").out
    assert run("plan", "--json").json["proposed_renames"] == [["default/greet", "default/hello"]]
    assert run("status").out.endswith(f"{'':<10}{proposal}\n")
    assert run("sync").err.endswith("whose file is gone: it is a new prompt now, without that history\n")
    assert run("plan").err == "1 prompt without a file stays: default/greet; --prune archives it\n"


def test_a_rename_that_comes_too_late_is_told(run: Run, synced: Path) -> None:
    (synced / "prompts/greet.txt").rename(synced / "prompts/hello.txt")
    assert run("sync").code == 0
    write(synced, {"prompts/hello.txt": "---\nrenamed_from: [greet]\n---\nHi {name}!"})
    told = "default/hello: renamed_from default/greet has no effect, since default/hello has versions of its own\n"
    assert run("plan").err.endswith(told)
    assert run("sync", "--prune", "--max-prune", 100).code == 0
    assert run("plan").err == ""


def test_a_rename_from_a_name_that_has_a_file_is_told(run: Run, synced: Path) -> None:
    write(synced, {"prompts/hello.txt": "---\nrenamed_from: [greet]\n---\nHi {name}!"})
    told = "default/hello: renamed_from default/greet has no effect, since default/greet has a file, or went to another prompt"
    assert run("plan").err == f"{told}\n"


def test_an_earlier_name_is_told_with_the_name_of_today(run: Run, project: Path) -> None:
    assert run("mv", "greet", "hello").code == 0
    ran = run("mv", "greet", "other")
    assert (ran.code, "hint: its name is default/hello now" in ran.err) == (1, True)
