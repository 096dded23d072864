"""`promptdb check`."""

import os
import re
from pathlib import Path

import pytest
from clitools import Ran, Run, process
from registries import write
from repositories import Git

HINT_BRACES = "write {{ and }} for literal braces, or set 'template_format: plain' if the text has no variables"
BROKEN = {
    "prompts/greet.txt": "Hello {name\n",
    "prompts/support/old.yaml": "template: x\ntemplat: y\n",
}


def test_a_tree_without_problems_is_counted(run: Run, project: Path) -> None:
    assert run("check") == (0, "2 prompts and 1 test: no problems\n", "")


def test_a_tree_without_prompts_is_never_all_fine(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"prompts/README.md": "no prompt", "prompts/.promptdbignore": "*\n", "prompts/a.md": "x"})
    monkeypatch.chdir(tmp_path)
    code, out, _ = run("check")
    assert (code, out.splitlines()[-1]) == (0, "1 warning in 1 file")
    assert out.startswith("prompts/.:1:1: warning [PDB505] there are no prompt files\n    hint: see prompts_root, ")
    assert run("sync").err.startswith("1 warning in 1 file")


def test_each_problem_has_its_line_and_its_hint_below(run: Run, project: Path) -> None:
    write(project, BROKEN)
    assert run("check") == (
        4,
        "prompts/greet.txt:1:7: error [PDB301] a single '{' that is not part of a variable\n"
        f"    hint: {HINT_BRACES}\n"
        "prompts/support/old.yaml:2:1: error [PDB201] unknown field 'templat'\n"
        "    hint: did you mean 'template'?\n"
        "2 errors in 2 files\n",
        "",
    )


def test_warnings_alone_are_told_and_leave_with_0(run: Run, project: Path) -> None:
    write(project, {"prompts/warn.yaml": "template: x\nvariables: {a: {}}\n"})
    assert run("check") == (
        0,
        "prompts/warn.yaml:2:13: warning [PDB303] the variable 'a' is declared but not used\n"
        "    hint: use it or remove it\n"
        "1 warning in 1 file\n",
        "",
    )


def test_errors_and_warnings_are_counted_apart(run: Run, project: Path) -> None:
    write(
        project,
        {"prompts/warn.yaml": "template: x\nvariables: {a: {}}\n", "prompts/bad.txt": "{", "prompts/b2.txt": "{"},
    )
    assert run("check").out.splitlines()[-1] == "2 errors and 1 warning in 3 files"


@pytest.mark.parametrize(
    ("variables", "place", "code"), [("{name: Bo}", "5:22", "PDB601"), ("{}", "3:5", "PDB602")], ids=["fails", "broken"]
)
def test_a_golden_test_that_fails_is_an_error_at_its_place(
    run: Run, project: Path, variables: str, place: str, code: str
) -> None:
    text = f'template: "Hi {{name}}"\ntests:\n  - name: greets\n    variables: {variables}\n    expect: {{equals: Hello Bo}}\n'
    write(project, {"prompts/g.yaml": text})
    ran = run("check")
    assert ran.code == 4
    assert ran.out.startswith(f"prompts/g.yaml:{place}: error [{code}] test 'greets'")


GOLDEN = """\
template: |-
  Hi {name},
  how are you?
tests:
  - name: greets
    variables: {name: Bo}
    expect:
      equals: |-
        Hi Bo,
        how is it?
"""
DIFF = ["@@ -1,2 +1,2 @@", " Hi Bo,", "-how is it?", "+how are you?"]


def test_the_diff_of_a_golden_test_stands_below_its_message(run: Run, project: Path) -> None:
    write(project, {"prompts/g.yaml": GOLDEN})
    assert run("check") == (
        4,
        "prompts/g.yaml:8:15: error [PDB601] test 'greets': line 2, column 5: expected 'is it?', got 'are you?'\n"
        + "".join(f"    | {line}\n" for line in DIFF)
        + "1 error in 1 file\n",
        "",
    )


def test_json_and_github_get_the_diff_too(run: Run, project: Path) -> None:
    write(project, {"prompts/g.yaml": GOLDEN})
    [problem] = run("check", "--json").json["problems"]
    assert problem["detail"].split("\n") == DIFF
    [annotation] = annotations(run("check", "--format", "github"))
    assert annotation == (
        "::error file=prompts/g.yaml,line=8,col=15,title=PDB601::"
        "test 'greets': line 2, column 5: expected 'is it?', got 'are you?'%0A" + "%0A".join(DIFF)
    )


@pytest.mark.parametrize("command", ["plan", "sync"])
def test_golden_tests_are_of_check_alone(run: Run, project: Path, command: str) -> None:
    write(project, {"prompts/g.yaml": "template: Hi\ntests: [{name: greets, expect: {equals: Ho}}]\n"})
    assert run(command).code == 0


def test_a_file_checked_before_is_checked_again(run: Run, project: Path) -> None:
    """The cache of `plan` and `sync` is not trusted: golden tests run each time."""
    assert run("check").out == run("check").out == "2 prompts and 1 test: no problems\n"


def test_nothing_is_written(run: Run, project: Path) -> None:
    before = sorted(project.rglob("*"))
    assert run("check").code == 0
    assert sorted(project.rglob("*")) == before


def test_paths_can_be_followed_from_the_current_folder(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project, {**BROKEN, "promptdb.toml": ""})
    monkeypatch.chdir(project / "prompts/support")
    first = run("check").out.splitlines()[0].split(":")[0]
    assert first == "../greet.txt"
    assert Path(first).is_file()


def test_a_prompts_root_by_another_name_is_read(run: Run, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "prompts").rename(project / "texts")
    monkeypatch.setenv("PROMPTDB_PROMPTS_ROOT", "texts")
    write(project, {"texts/bad.txt": "{"})
    assert run("check").out.startswith("texts/bad.txt:1:1: error ")


# JSON


def test_json_has_the_counts_and_each_problem(run: Run, project: Path) -> None:
    write(project, {"prompts/greet.txt": "Hello {name\n"})
    ran = run("check", "--json")
    assert (ran.code, ran.err) == (4, "")
    assert ran.json == {
        "prompts": 1,
        "tests": 1,
        "problems": [
            {
                "path": "greet.txt",
                "line": 1,
                "column": 7,
                "code": "PDB301",
                "message": "a single '{' that is not part of a variable",
                "hint": HINT_BRACES,
                "detail": None,
                "severity": "error",
            }
        ],
        "blank_chats": 0,
    }


def test_json_without_problems_is_an_empty_list(run: Run, project: Path) -> None:
    ran = run("check", "--json")
    assert (ran.code, ran.json) == (0, {"prompts": 2, "tests": 1, "problems": [], "blank_chats": 0})


# GitHub


def annotations(ran: Ran) -> list[str]:
    return [line for line in ran.out.splitlines() if line.startswith("::")]


def test_github_gets_one_annotation_for_each_problem(run: Run, project: Path) -> None:
    write(project, {"prompts/greet.txt": "Hello {name\n", "prompts/warn.yaml": "template: x\nvariables: {a: {}}\n"})
    ran = run("check", "--format", "github")
    assert (ran.code, ran.err) == (4, "")
    assert ran.out == (
        "::error file=prompts/greet.txt,line=1,col=7,title=PDB301::"
        f"a single '{{' that is not part of a variable%0A{HINT_BRACES}\n"
        "::warning file=prompts/warn.yaml,line=2,col=13,title=PDB303::"
        "the variable 'a' is declared but not used%0Ause it or remove it\n"
        "1 error and 1 warning in 2 files\n"
    )


def test_github_gets_no_annotation_where_all_is_fine(run: Run, project: Path) -> None:
    ran = run("check", "--format", "github")
    assert (ran.code, annotations(ran)) == (0, [])
    assert "2 prompts" in ran.out


def test_github_is_told_paths_from_the_top_of_the_repository(
    run: Run, git: Git, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GitHub finds the file from there, wherever the step runs."""
    write(project, BROKEN)
    expected = run("check", "--format", "github").out
    monkeypatch.chdir(project / "prompts/support")
    assert run("check", "--format", "github").out == expected


@pytest.mark.parametrize(
    ("name", "escaped"),
    [
        ("a,b.txt", "a%2Cb.txt"),
        ("a:b.txt", "a%3Ab.txt"),
        ("50%.txt", "50%25.txt"),
        ("a\nb.txt", "a%0Ab.txt"),
        ("a\rb.txt", "a%0Db.txt"),
    ],
)
def test_github_s_special_characters_in_a_name_are_escaped(run: Run, project: Path, name: str, escaped: str) -> None:
    write(project, {f"prompts/{name}": "x"})
    (annotation,) = annotations(run("check", "--format", "github"))
    assert annotation.startswith(f"::error file=prompts/{escaped},line=1,col=1,title=PDB501::")


COMMAND = "::add-mask::everything"
ATTACKS = {
    "a template": {"prompts/x.txt": f"Hi {{a b\n{COMMAND}\r\n{COMMAND}}} %0A{COMMAND}"},
    "a key": {"prompts/x.yaml": f'template: x\n"k\\n{COMMAND}": 1\n'},
    "a value": {"prompts/x.yaml": f'template: x\nkind: "\\n{COMMAND}"\n'},
    "a carriage return": {"prompts/x.yaml": f'template: x\n"k\\r{COMMAND}": 1\n'},
    "a variable": {"prompts/x.yaml": f'template: x\nvariables: {{"a\\n{COMMAND}": {{}}}}\n'},
    "a golden test": {
        "prompts/x.yaml": f'template: x\ntests: [{{name: "t\\n{COMMAND}", expect: {{equals: "\\n{COMMAND}"}}}}]\n'
    },
    "a diff": {
        "prompts/x.md": f'---\ntests: [{{name: t, expect: {{equals: "{COMMAND}\\nx\\n{COMMAND}\\r{COMMAND}"}}}}]\n---\n{COMMAND}\ny'
    },
    "an include": {"prompts/x.jinja": f'{{% include "a\\n{COMMAND}" %}}\n'},
    "an asset": {"prompts/x.yaml": f'template: x\nassets: [{{path: "a\\n{COMMAND}"}}]\n'},
    "a renamed prompt": {"prompts/x.yaml": f'template: x\nrenamed_from: ["a\\n{COMMAND}"]\n'},
    "a file name": {f"prompts/x\n{COMMAND}.yaml": "template: x\n"},
    "a folder name": {f"prompts/x\n{COMMAND}/y.yaml": "template: x\n"},
    "two names": {f"prompts/x\n{COMMAND}.yaml": "template: x\n", f"prompts/x\n{COMMAND}.md": "x"},
    "a unicode line break": {"prompts/x.yaml": f'template: x\n"k\\u2028{COMMAND}\\u0085{COMMAND}": 1\n'},
}


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize(
    "arguments",
    [["check", "--format", "github"], ["check"], ["check", "--json"], ["plan"], ["sync"]],
    ids=" ".join,
)
def test_nothing_in_a_prompt_begins_a_workflow_command(
    run: Run, project: Path, attack: str, arguments: list[str]
) -> None:
    """GitHub reads commands from the whole log of a step, both streams."""
    write(project, ATTACKS[attack])
    ran = run(*arguments)
    lines = re.split(r"[\r\n]", ran.out + ran.err)
    assert [line for line in lines if line.lstrip().startswith(COMMAND)] == []


@pytest.mark.parametrize("form", ["--format=text", "--json", "--format=github"])
@pytest.mark.slow
def test_a_name_that_is_not_utf8_is_a_problem_and_no_traceback(project: Path, form: str) -> None:
    write(project, {os.fsdecode(b"prompts/caf\xe9.txt"): "x"})
    ran = process("check", form, PYTHONIOENCODING="utf-8:strict")  # as in most locales
    assert (ran.code, ran.err) == (4, "")
    assert "PDB501" in ran.out
