"""`promptdb diff`."""

from pathlib import Path

import pytest
from clitools import TRIAGE, Run
from registries import write
from repositories import Git

FIRST_TO_SECOND = """\
--- default/greet:rev:1
+++ default/greet:rev:2
@@ -1 +1 @@ template
-Hello {name}, welcome to {place}!
+Hi {name}, welcome to {place}!
"""


@pytest.mark.parametrize(
    ("ref", "other"),
    [
        ("greet:rev:1", "greet:rev:2"),
        ("greet:production", "greet:staging"),
        ("greet:production", "greet"),
        ("default/greet:rev:1", ":rev:2"),
        ("greet:rev:1", ":staging"),
        ("greet:rev:1", ":latest"),
    ],
)
def test_two_versions_are_compared_in_the_order_given(run: Run, two_versions: Path, ref: str, other: str) -> None:
    assert run("diff", ref, other) == (0, FIRST_TO_SECOND, "")


def test_two_prompts_can_be_compared(run: Run, synced: Path) -> None:
    lines = run("diff", "greet", "support/triage").out.splitlines()
    assert lines[:2] == ["--- default/greet:rev:1", "+++ support/triage:rev:1"]


def test_one_version_is_compared_with_its_file(run: Run, synced: Path) -> None:
    write(synced, {"prompts/greet.txt": "Hi {name}, welcome to {place}!"})
    expected = FIRST_TO_SECOND.replace("+++ default/greet:rev:2", "+++ greet.txt")
    assert run("diff", "greet") == (0, expected, "")


def test_equal_versions_print_nothing(run: Run, two_versions: Path) -> None:
    assert run("diff", "greet:staging", "greet:latest") == (0, "", "")
    assert run("diff", "greet") == (0, "", "")


@pytest.mark.parametrize(("other", "code"), [(":rev:1", 0), (":rev:2", 3)])
def test_exit_code_3_says_that_they_differ(run: Run, two_versions: Path, other: str, code: int) -> None:
    assert run("diff", "greet:rev:1", other, "--exit-code").code == code


@pytest.mark.parametrize(("text", "code"), [("Hi {name}, welcome to {place}!", 0), ("Ho {name} of {place}!", 3)])
def test_exit_code_3_says_that_the_file_differs(run: Run, two_versions: Path, text: str, code: int) -> None:
    write(two_versions, {"prompts/greet.txt": text})
    assert run("diff", "greet", "--exit-code").code == code
    assert run("diff", "greet", "--exit-code", "--json").code == code


def test_a_change_the_text_does_not_show_is_told(run: Run, project: Path) -> None:
    write(project, {"prompts/a.yaml": "template: x\nassets: [{path: _data.csv}]\n", "prompts/_data.csv": "a"})
    assert run("sync").code == 0
    write(project, {"prompts/_data.csv": "b"})
    assert run("diff", "a", "--exit-code") == (3, "the texts are equal; these differ: assets\n", "")


def test_a_changed_fragment_is_shown(run: Run, project: Path) -> None:
    write(project, {"prompts/a.jinja": '{% include "_tone.md" %}', "prompts/_tone.md": "Be kind."})
    assert run("sync").code == 0
    write(project, {"prompts/_tone.md": "Be brief."})
    out = run("diff", "a").out
    assert "-Be kind." in out
    assert "+Be brief." in out


LONG = [f"Line {number} \twith blanks in it. " for number in range(1, 41)]
NOTE = "note: · marks a space at the end of a line, and → a tab\n"


def test_one_edited_line_is_one_line_of_the_diff(run: Run, project: Path) -> None:
    """A space at the end of a line, or a tab, once made an escaped string of 40 lines of a text of 40."""
    chat = "messages:\n- role: human\n  template: Hi\n- role: system\n  template: |\n"
    write(project, {"prompts/a.yaml": chat + "".join(f"    {line}\n" for line in LONG)})
    assert run("sync").code == 0
    edited = [*LONG[:19], "Another line.\t ", *LONG[20:]]
    write(project, {"prompts/a.yaml": chat + "".join(f"    {line}\n" for line in edited)})
    around = [f" {line}".replace("\t", "→\t")[:-1] + "·" for line in LONG]
    assert run("diff", "a") == (
        0,
        "\n".join(
            [
                "--- default/a:rev:1",
                "+++ a.yaml",
                "@@ -17,7 +17,7 @@ messages[1] system",
                *around[16:19],
                "-Line 20 →\twith blanks in it.·",
                "+Another line.→\t·",
                *around[20:23],
                "",
            ]
        ),
        NOTE,
    )
    assert [line for line in run("diff", "a", "--json").json["diff"] if line[0] in "-+"][2:] == [
        "-Line 20 \twith blanks in it. ",
        "+Another line.\t ",
    ]


def test_lines_that_look_the_same_show_why_they_differ(run: Run, project: Path) -> None:
    write(project, {"prompts/a.md": "a\u200b b\nc\xa0d\n\te"})
    assert run("sync").code == 0
    write(project, {"prompts/a.md": "a b\nc d\n    e"})
    assert run("diff", "a").out.splitlines()[3:] == ["-a\\u200b b", "-c\\xa0d", "-→\te", "+a b", "+c d", "+    e"]


def test_json_has_both_names_the_parts_and_the_lines(run: Run, two_versions: Path) -> None:
    ran = run("diff", "greet:rev:1", ":rev:2", "--json")
    assert ran.code == 0
    assert ran.json == {
        "from": "default/greet:rev:1",
        "to": "default/greet:rev:2",
        "parts": ["template"],
        "diff": FIRST_TO_SECOND.splitlines(),
        "contract": [],
    }


def test_json_of_equal_versions_is_empty(run: Run, synced: Path) -> None:
    assert run("diff", "greet", ":rev:1", "--json").json["diff"] == []


def test_a_prompt_without_a_file_needs_a_second_reference(run: Run, synced: Path) -> None:
    (synced / "prompts/greet.txt").unlink()
    ran = run("diff", "greet")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("error: default/greet has no file\nhint: pass a second reference")


def test_an_invalid_file_is_exit_code_4_with_its_problems(run: Run, synced: Path) -> None:
    write(synced, {"prompts/greet.txt": "{"})
    ran = run("diff", "greet")
    assert (ran.code, ran.out) == (4, "")
    assert ran.err.startswith("prompts/greet.txt:1:1: error [PDB301] ")


def test_the_file_of_a_renamed_prompt_is_found_by_its_old_name(run: Run, synced: Path) -> None:
    (synced / "prompts/support/triage.yaml").unlink()
    write(synced, {"prompts/help/desk.yaml": "renamed_from: [support/triage]\n" + TRIAGE})
    assert run("sync").code == 0
    assert run("diff", "support/triage") == (0, "", "note: support/triage is now help/desk\n")


def test_from_a_chosen_version_to_the_file(run: Run, two_versions: Path) -> None:
    assert run("diff", "greet:production").out == FIRST_TO_SECOND.replace("+++ default/greet:rev:2", "+++ greet.txt")


def test_a_file_that_git_ignores_is_not_the_one_to_compare_with(run: Run, synced: Path, git: Git) -> None:
    write(synced, {".gitignore": "greet.md\n", "prompts/greet.md": "another"})
    assert run("diff", "greet") == (0, "", "")


def test_a_file_that_is_too_large_is_exit_code_4(run: Run, synced: Path) -> None:
    write(synced, {"prompts/greet.txt": "x" * (1024 * 1024 + 1)})
    ran = run("diff", "greet")
    assert (ran.code, ran.out) == (4, "")
    assert ran.err.startswith("prompts/greet.txt:1:1: error [PDB103] larger than 1,024 KiB\n")


def test_changes_of_the_contract_follow_the_texts(run: Run, synced: Path) -> None:
    write(synced, {"prompts/greet.txt": "---\nvariables: {name: {default: you}}\n---\nHi {name}!"})
    assert run("diff", "greet").out.splitlines()[-2:] == [
        "breaking: variable 'place' removed",
        "contract: variable 'name' is optional now",
    ]
    assert [change["kind"] for change in run("diff", "greet", "--json").json["contract"]] == [
        "variable_removed",
        "variable_optional",
    ]


def test_a_name_in_a_change_of_the_contract_begins_no_line(run: Run, project: Path) -> None:
    write(project, {"prompts/a.yaml": 'template: x\nvariables: {"b\\nbreaking: \\e[31mc": {}}\n'})
    assert run("sync").code == 0
    write(project, {"prompts/a.yaml": "template: x\n"})
    assert run("diff", "a").out.splitlines()[-1].startswith("breaking: variable 'b")
