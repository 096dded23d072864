"""`promptdb fmt`."""

from pathlib import Path

import pytest
from clitools import Run
from registries import write

UGLY = "template:   'Hi'\nkind: string\n"
SUMMARY = "1 file formatted, 2 unchanged\n"


@pytest.fixture
def ugly(project: Path) -> Path:
    write(project, {"prompts/ugly.yaml": UGLY})
    return project / "prompts/ugly.yaml"


def test_files_are_written_and_named(run: Run, ugly: Path) -> None:
    assert run("fmt", "--check") == (
        3,
        "would format prompts/ugly.yaml\n" + SUMMARY.replace("form", "would be form"),
        "",
    )
    assert ugly.read_text() == UGLY
    assert run("fmt") == (0, f"formatted prompts/ugly.yaml\n{SUMMARY}", "")
    assert run("fmt", "--check") == (0, "0 files would be formatted, 3 unchanged\n", "")


def test_a_diff_shows_what_would_change(run: Run, ugly: Path) -> None:
    diff = (
        "--- prompts/ugly.yaml\n+++ prompts/ugly.yaml, formatted\n@@ -1,3 +1,3 @@\n-template:   'Hi'\n kind: string\n"
        "+template: Hi\n \n"
    )
    assert run("fmt", "--diff") == (0, diff, "")
    assert run("fmt", "--diff", "--check").code == 3
    assert run("fmt", "--diff", "--json").json["changed"][0]["diff"] == diff.split("\n")[:-1]
    assert ugly.read_text() == UGLY


def test_errors_are_reported_as_check_reports_them(run: Run, ugly: Path) -> None:
    write(ugly.parent, {"anchor.yaml": "template:  &a x\n", "wrong.yaml": "tempate: x\ntemplate: y\n"})
    write(ugly.parents[1], {"setup.cfg": ""})
    ran = run("fmt", ".", "setup.cfg")
    assert (ran.code, ran.out) == (
        4,
        "formatted prompts/ugly.yaml\n1 file formatted, 2 unchanged, 1 left as it is\n",
    )
    assert ran.err == (
        "note: prompts/anchor.yaml stays as it is: it has anchors, aliases or tags\n"
        "note: 1 path passed over: not prompt files\n"
        "prompts/wrong.yaml:1:1: error [PDB201] unknown field 'tempate'\n"
        "    hint: did you mean 'template'?\n"
        "1 error in 1 file\n"
    )
    assert run("fmt", "anchor").code == 0
    assert run("fmt", "nothing").code == 1


def test_a_file_that_cannot_be_written_is_a_failure(run: Run, ugly: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("promptdb.files.tree.os.access", lambda *_: False)
    error = "error: prompts/ugly.yaml is not formatted: it cannot be written: it is read-only\n"
    assert run("fmt", "ugly") == (1, "0 files formatted, 0 unchanged\n", error)


def test_what_json_has(run: Run, ugly: Path) -> None:
    write(ugly.parent, {"anchor.yaml": "template:  &a x\n"})
    assert run("fmt", "--json").json == {
        "files": 4,
        "changed": [{"path": "ugly.yaml", "diff": None}],
        "left": [{"path": "anchor.yaml", "reason": "it has anchors, aliases or tags"}],
        "failed": [],
        "passed_over": [],
        "problems": [],
        "written": True,
    }
