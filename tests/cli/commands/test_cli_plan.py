"""`promptdb plan`."""

from collections.abc import Callable
from pathlib import Path

import pytest
from clitools import TRIAGE, Make, Run, commands, failure, steady
from registries import write

from promptdb.cli.present.text import count

CREATE = """\
CHANGE  PROMPT          REVISION  DIGEST           WHAT
create  default/greet   1         sha256:00000000
create  support/triage  1         sha256:00000000
2 to create, 0 unchanged
"""


def test_new_files_are_to_be_created(run: Run, project: Path) -> None:
    assert run("db", "upgrade").code == 0
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
        "CHANGE       PROMPT          REVISION  DIGEST           WHAT\n"
        f"new version  support/triage  1 -> 2    sha256:00000000  {parts}\n"
        "1 new version, 1 unchanged\n"
    )


SHARED = {
    "prompts/support/a.mustache": "{{> _shared/tone.md}} A",
    "prompts/support/b.j2": '{% include "_shared/tone.md" %} B',
    "prompts/support/c.mustache": "{{> _shared/rules.md}} C",
    "prompts/support/d.yaml": "template_file: _d.md\n",
    "prompts/support/e.yaml": "template: '{examples}'\nfew_shot: {string_template: '{q}', examples_file: _e.jsonl}\n",
    "prompts/support/_d.md": "D",
    "prompts/support/_e.jsonl": '{"q": 1}\n',
    "prompts/_shared/tone.md": "Be {{ tone }}.",
    "prompts/_shared/rules.md": "Rules: {{> ./_shared/tone.md}}",
    "prompts/_shared/more.md": "More.",
}


@pytest.fixture
def shared(copied: Callable[[Make], Path]) -> Path:
    """Prompts that share fragments, synced."""
    return copied(make_shared)


def make_shared(folder: Path) -> None:
    write(folder, SHARED)
    commands("sync")


@pytest.mark.parametrize(
    ("files", "told"),
    [
        pytest.param(
            {"prompts/_shared/rules.md": "Rules. {{> _shared/tone.md}}"},
            {"c": "template, via _shared/rules.md"},
            id="a fragment",
        ),
        pytest.param(
            {"prompts/support/c.mustache": "{{> _shared/tone.md}} {{> _shared/more.md}} C"},
            {"c": "template, with _shared/more.md, without _shared/rules.md"},
            id="another fragment",
        ),
        pytest.param(
            {
                "prompts/support/a.mustache": "---\nmodel: {name: x}\n---\n{{> _shared/tone.md}} {{> _shared/rules.md}} A"
            },
            {"a": "template, config, with _shared/rules.md"},
            id="one more fragment and another part",
        ),
        pytest.param({"prompts/support/_d.md": "d"}, {"d": "template, via support/_d.md"}, id="template_file"),
        pytest.param(
            {"prompts/support/_e.jsonl": '{"q": 2}\n'}, {"e": "template, via support/_e.jsonl"}, id="examples_file"
        ),
        pytest.param(
            {"prompts/support/d.yaml": "template_file: _d.md\nmodel: {name: x}\n"}, {"d": "config"}, id="no other file"
        ),
        pytest.param({"prompts/support/d.yaml": "template: D2\n"}, {"d": "template"}, id="its own text from now on"),
    ],
)
def test_a_new_version_is_told_with_the_other_files_that_cause_it(
    run: Run, shared: Path, files: dict[str, str], told: dict[str, str]
) -> None:
    write(shared, files)
    lines = [f"new version  support/{name}  1 -> 2    sha256:00000000  {what}" for name, what in told.items()]
    summary = f"{count(len(told), 'new version')}, {7 - len(told)} unchanged"
    assert steady(run("plan").out).splitlines()[1:] == [*lines, summary]


@pytest.mark.parametrize("command", ["plan", "sync"])
def test_a_fragment_of_several_prompts_is_told_with_its_new_versions(run: Run, shared: Path, command: str) -> None:
    write(shared, {"prompts/_shared/tone.md": "Stay {{ tone }}."})
    lines = run(command).out.splitlines()
    assert [line.split("  ")[-1] for line in lines[1:4]] == ["template, via _shared/tone.md"] * 3
    assert lines[4:] == ["3 new versions, 4 unchanged", "_shared/tone.md changed: 3 new versions"]


def test_files_that_cause_several_versions_come_by_their_number_and_are_cut(run: Run, project: Path) -> None:
    fragments = {f"prompts/_f{number:02}": "x" for number in range(12)}
    names = "".join(f"{{{{> _f{number:02}}}}}" for number in range(12))
    others = {"prompts/x.mustache": names, "prompts/y.mustache": names, "prompts/z.mustache": "{{> _f11}}"}
    write(project, fragments | others)
    assert run("sync").code == 0
    write(project, dict.fromkeys(fragments, "y"))
    lines = run("plan").out.splitlines()
    assert lines[1].endswith("template, via _f00, _f01, _f02 and 9 more")
    assert lines[4:7] == [
        "3 new versions, 2 unchanged",
        "_f11 changed: 3 new versions",
        "_f00 changed: 2 new versions",
    ]
    assert lines[-1] == "... and 2 more such files"
    assert len(lines) == 1 + 3 + 1 + 10 + 1


def test_json_names_every_file_that_causes_a_version(run: Run, shared: Path) -> None:
    write(shared, {"prompts/_shared/tone.md": "Stay {{ tone }}.", "prompts/support/a.mustache": "A"})
    changes = run("plan", "--json").json["changes"]
    assert {change["prompt"]: change["files"] for change in changes} == {
        "support/a": [{"path": "_shared/tone.md", "change": "removed"}],
        "support/b": [{"path": "_shared/tone.md", "change": "changed"}],
        "support/c": [{"path": "_shared/tone.md", "change": "changed"}],
    }


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
        "1 to rename, 1 unchanged\n",
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
        "CHANGE   PROMPT         REVISION  DIGEST  WHAT\narchive  default/greet\n1 to archive, 1 unchanged\n",
        "",
    )


def test_a_file_that_returns_is_to_be_revived(run: Run, synced: Path) -> None:
    text = (synced / "prompts/greet.txt").read_text()
    (synced / "prompts/greet.txt").unlink()
    assert run("sync", "--prune", "--max-prune", 50).code == 0
    write(synced, {"prompts/greet.txt": text})
    assert run("plan").out == (
        "CHANGE  PROMPT         REVISION  DIGEST  WHAT\nrevive  default/greet\n1 to revive, 1 unchanged\n"
    )


def test_more_than_a_fifth_gone_is_shown_and_refused(run: Run, synced: Path) -> None:
    (synced / "prompts/greet.txt").unlink()
    ran = run("plan", "--prune")
    assert ran.code == 5
    assert ran.out.endswith("1 to archive, 1 unchanged\n")
    assert ran.err == failure(
        "--prune would archive 1 of 2 prompts, more than 20 percent",
        "if you meant to remove these files, raise the limit with --max-prune PERCENT",
    )


def test_a_user_version_that_names_other_content_is_refused(run: Run, project: Path) -> None:
    write(project, {"prompts/greet.txt": "---\nmetadata: {user_version: v1}\n---\nHello"})
    assert run("sync").code == 0
    write(project, {"prompts/greet.txt": "---\nmetadata: {user_version: v1}\n---\nGoodbye"})
    ran = run("plan")
    assert ran.code == 5
    message = "default/greet: user_version 'v1' already names revision 1, which differs"
    assert ran.err == failure(message, "give the new content a user_version of its own")


@pytest.mark.parametrize("form", [[], ["--json"]], ids=" ".join)
def test_an_invalid_file_is_told_in_place_of_a_plan(run: Run, project: Path, form: list[str]) -> None:
    write(project, {"prompts/bad.txt": "{"})
    ran = run("plan", *form)
    assert ran.code == 4
    assert [problem["path"] for problem in ran.json["problems"]] == ["bad.txt"] if form else ran.out == ""
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


@pytest.mark.slow
def test_a_long_plan_is_cut_and_counted(run: Run, project: Path) -> None:
    write(project, {f"prompts/many/n{number:04}.txt": "x" for number in range(1234)})
    out = run("plan").out.splitlines()
    assert len(out) == 1 + 50 + 2
    assert out[-2:] == ["... and 1,186 more", "1,236 to create, 0 unchanged"]


def test_json_is_the_whole_plan(run: Run, project: Path) -> None:
    (project / "prompts/support/triage.yaml").unlink()
    digest = run("plan", "--json").json["changes"][0].pop("digest")
    assert run("plan", "--json").json == {
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
                "files": [],
                "contract": [],
            }
        ],
        "unchanged": 0,
        "missing": [],
        "unconfirmed": [],
        "label_conflicts": [],
        "tracked": 0,
        "order": None,
        "moves": [],
        "held": [],
        "ended_holds": [],
        "reused": [],
        "proposed_renames": [],
        "passed_renames": [],
    }


def test_json_is_not_cut(run: Run, project: Path) -> None:
    write(project, {f"prompts/many/n{number}.txt": "x" for number in range(60)})
    assert len(run("plan", "--json").json["changes"]) == 62


def test_json_comes_alone_although_the_plan_is_refused(run: Run, synced: Path) -> None:
    (synced / "prompts/greet.txt").unlink()
    ran = run("plan", "--prune", "--json")
    assert (ran.code, ran.json["changes"][0]["action"]) == (5, "archive")


def test_what_breaks_callers_is_told_below_the_table(run: Run, synced: Path) -> None:
    write(synced, {"prompts/greet.txt": "Hi {name} of {town}!"})
    assert run("plan").out.splitlines()[-3:] == [
        "1 new version, 1 unchanged",
        "breaking: default/greet: variable 'place' removed",
        "breaking: default/greet: new required variable 'town'",
    ]
    assert run("sync").out.splitlines()[-1] == "breaking: default/greet: new required variable 'town'"


def test_what_breaks_nobody_is_in_json_alone(run: Run, synced: Path) -> None:
    write(synced, {"prompts/support/triage.yaml": TRIAGE.replace("default: 1", "default: 2")})
    assert "tries" not in run("plan").out
    [change] = run("plan", "--json").json["changes"]
    assert change["contract"] == [
        {
            "kind": "variable_default",
            "name": "tries",
            "message": "default of 'tries' changed from 1 to 2",
            "is_breaking": False,
        }
    ]


def test_many_breaking_changes_are_cut_and_counted(run: Run, project: Path) -> None:
    write(project, {f"prompts/n{number:02}.txt": "{a}" for number in range(60)})
    assert run("sync").code == 0
    write(project, {f"prompts/n{number:02}.txt": "a" for number in range(60)})
    out = run("plan").out.splitlines()
    assert sum(line.startswith("breaking: ") for line in out) == 50
    assert out[-1] == "... and 10 more breaking changes"


def test_a_renamed_prompt_is_compared_with_itself(run: Run, synced: Path) -> None:
    (synced / "prompts/greet.txt").unlink()
    write(synced, {"prompts/hello.txt": "---\nrenamed_from: [greet]\n---\nHi {name}!"})
    assert run("plan").out.splitlines()[-1] == "breaking: default/hello: variable 'place' removed"
