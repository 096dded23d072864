"""`promptdb check --update-tests`."""

import difflib
import shutil
from pathlib import Path

import pytest
from clitools import Run, as_seen, terminal
from registries import write

PROMPTS = Path(__file__).parents[3] / "prompts"
FILES = {
    "prompts/support/hi.yaml": "template: Hi\n# why\ntests:\n  - name: greets by name  # what\n    expect: {equals: Ho}\n",
    "prompts/count.md": "---\ntests:\n- name: counts\n  expect:\n    contains: two\n    equals: |\n      x\n---\none\n\ntwo\n",
}


def changed_lines(before: str, after: str) -> list[str]:
    lines = difflib.ndiff(before.splitlines(keepends=True), after.splitlines(keepends=True))
    return [line.rstrip("\n") for line in lines if line[0] in "+-"]


def test_each_updated_test_has_a_line(run: Run, project: Path) -> None:
    write(project, FILES)
    assert run("check", "--update-tests") == (
        0,
        "updated prompts/count.md: test 'counts' (equals)\n"
        "updated prompts/support/hi.yaml: test 'greets by name' (equals)\n"
        "4 prompts and 3 tests: no problems\n",
        "",
    )
    assert (project / "prompts/support/hi.yaml").read_text() == FILES["prompts/support/hi.yaml"].replace("Ho", "Hi")
    assert (project / "prompts/count.md").read_text() == FILES["prompts/count.md"].replace(
        "|\n      x\n", "|-\n      one\n\n      two\n"
    )
    assert run("check", "--update-tests").out == run("check").out == "4 prompts and 3 tests: no problems\n"


def test_errors_that_remain_are_reported_and_leave_with_4(run: Run, project: Path) -> None:
    write(
        project,
        {**FILES, "prompts/bad.txt": "{", "prompts/c.yaml": "template: a\ntests: [{name: c, expect: {contains: b}}]\n"},
    )
    ran = run("check", "--update-tests")
    assert (ran.code, ran.out.splitlines()[2:]) == (
        4,
        [
            "prompts/bad.txt:1:1: error [PDB301] a single '{' that is not part of a variable",
            "    hint: write {{ and }} for literal braces, or set 'template_format: plain' if the text has no variables",
            "prompts/c.yaml:2:38: error [PDB601] test 'c': 'b' is not in 'a'",
            "    hint: not updated: 'contains' does not follow from the output",
            "2 errors in 2 files",
        ],
    )  # fmt: skip


def test_json_lists_the_updates(run: Run, project: Path) -> None:
    write(project, FILES)
    assert run("check", "--update-tests", "--json").json == {
        "prompts": 4,
        "tests": 3,
        "problems": [],
        "blank_chats": 0,
        "updated": [
            {"path": "count.md", "test": "counts", "fields": ["equals"]},
            {"path": "support/hi.yaml", "test": "greets by name", "fields": ["equals"]},
        ],
    }
    assert run("check", "--update-tests", "--json").json["updated"] == []


def test_without_the_option_nothing_is_written(run: Run, project: Path) -> None:
    write(project, FILES)
    assert run("check").code == 4
    assert (project / "prompts/support/hi.yaml").read_text() == FILES["prompts/support/hi.yaml"]


@pytest.mark.slow
def test_it_looks_the_same_on_a_terminal(run: Run, project: Path) -> None:
    write(project, FILES)
    assert as_seen(terminal("check", "--update-tests", columns=160).out) == (
        "updated prompts/count.md: test 'counts' (equals)\n"
        "updated prompts/support/hi.yaml: test 'greets by name' (equals)\n"
        "4 prompts and 3 tests: no problems\n"
    )


def test_an_update_makes_no_new_version(run: Run, project: Path) -> None:
    write(project, FILES)
    assert run("sync").code == 0
    run("check", "--update-tests")
    assert run("plan", "--exit-code").code == 0


def test_of_the_example_prompts_only_the_lines_that_differ_change(run: Run, project: Path) -> None:
    shutil.copytree(PROMPTS, project / "prompts", dirs_exist_ok=True)
    for name, old, new in (
        ("translate.prompt", "- Address the reader", "- Greet the reader"),
        ("support/subject-line.yaml", "No quotation marks", "No quotes"),
    ):
        file = project / "prompts" / name
        text = file.read_text()
        place = text.rindex(old) if name.endswith("prompt") else text.index(old)
        file.write_text(text[:place] + new + text[place + len(old) :])
    before = {
        name: (project / "prompts" / name).read_text() for name in ("translate.prompt", "support/subject-line.yaml")
    }
    assert run("check", "--update-tests").code == 0
    changes = {name: changed_lines(text, (project / "prompts" / name).read_text()) for name, text in before.items()}
    assert changes == {
        "translate.prompt": [
            "-         - Address the reader as the product usually does in that language; if you cannot tell, politely.",
            "+         - Greet the reader as the product usually does in that language; if you cannot tell, politely.",
        ],
        "support/subject-line.yaml": [
            "-             No quotation marks, no names of people, no final period. If the message has no recognizable request, write: "
            "Unclear request",
            "+             No quotes, no names of people, no final period. If the message has no recognizable request, write: "
            "Unclear request",
        ],
    }


COMMAND = "::add-mask::everything"


@pytest.mark.parametrize("form", [["--format", "text"], ["--json"], ["--format", "github"]], ids=" ".join)
def test_the_name_of_a_test_begins_no_line(run: Run, project: Path, form: list[str]) -> None:
    write(project, {"prompts/x.yaml": f'template: x\ntests: [{{name: "t\\n{COMMAND}", expect: {{equals: y}}}}]\n'})
    ran = run("check", "--update-tests", *form)
    assert ran.code == 0
    assert "updated" in ran.out
    assert [line for line in ran.out.splitlines() if line.lstrip().startswith(COMMAND)] == []
