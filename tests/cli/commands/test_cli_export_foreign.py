"""`promptdb export --to`: files of other tools, with every loss on standard error."""

import json
from pathlib import Path

import pytest
from clitools import Run
from registries import write

from promptdb.neighbours.foreign import FORMATS
from promptdb.neighbours.outgoing.targets import OUTGOING

LOOP = "template_format: jinja2\ntemplate: '{% for x in xs %}{{ x }}{% endfor %}'\n"
LOST = """\
lost metadata.title: the format has no place for it
lost template_format: the templates became mustache
"""


@pytest.fixture
def prompts(project: Path, run: Run) -> Path:
    write(
        project, {"prompts/a.yaml": "template: Hi {x}\nmetadata: {title: A}\n", "prompts/team/b.yaml": "template: b\n"}
    )
    assert run("sync").code == 0
    return project


def test_help_names_each_format() -> None:
    assert tuple(sorted(OUTGOING)) == FORMATS


def test_a_version_is_printed_or_written_and_its_losses_are_on_standard_error(prompts: Path, run: Run) -> None:
    code, out, err = run("export", "--to", "langfuse", "a")
    assert (code, err) == (0, LOST)
    assert json.loads(out)[0]["prompt"] == "Hi {{x}}"
    assert run("export", "--to", "langfuse", "a", "out/a.json").code == 0
    assert (prompts / "out" / "a.json").read_text() == out
    (prompts / "out" / "a.json").write_text("other")
    refused = run("export", "--to", "langfuse", "a", "out/a.json")
    assert (refused.code, refused.err.splitlines()[-1]) == (1, "hint: pass --force to replace it")
    assert run("export", "--to", "langfuse", "a", "out/a.json", "--force").code == 0
    assert json.loads(run("export", "--to", "langfuse", "a", "out/a.json", "--json").out) == {
        "format": "langfuse",
        "written": True,
        "exported": [
            {
                "ref": "a",
                "file": "out/a.json",
                "losses": [
                    {"place": "metadata.title", "reason": "the format has no place for it"},
                    {"place": "template_format", "reason": "the templates became mustache"},
                ],
            }
        ],
        "refused": [],
    }


def test_all_prompts_go_into_one_file_or_one_folder(prompts: Path, run: Run) -> None:
    assert run("export", "--to", "langfuse", "--all", "all.json").code == 0
    assert [item["name"] for item in json.loads((prompts / "all.json").read_text())] == [
        *("a", "greet", "support/triage", "team/b")
    ]
    assert run("alias", "set", "team/b", "stable").code == 0
    assert run("export", "--to", "langchain", "--all", "out", "--alias", "stable").out == (
        "team/b:stable -> out/team/b.json\nwrote 1 prompt; 0 parts lost\n"
    )
    assert [file.name for file in (prompts / "out").rglob("*.json")] == ["b.json"]


def test_a_prompt_that_a_format_cannot_hold_stops_the_export(prompts: Path, run: Run) -> None:
    write(prompts, {"prompts/loop.yaml": LOOP})
    assert run("sync").code == 0
    place = "template, line 1: there is no form for the jinja2 statement 'for'"
    one = run("export", "--to", "langchain", "loop", "loop.json")
    assert (one.code, one.err.splitlines()[0]) == (1, f"error: loop cannot be written for langchain: {place}")
    everything = run("export", "--to", "langchain", "--all", "out")
    assert (everything.code, everything.err.splitlines()[-2]) == (4, f"error: default/loop:latest: {place}")
    assert not (prompts / "out").exists()
    assert run("export", "--to", "langchain", "--all", "out", "--keep-going").code == 4
    assert sorted(file.name for file in (prompts / "out").rglob("*.json")) == [
        "a.json",
        "b.json",
        "greet.json",
        "triage.json",
    ]


@pytest.mark.parametrize("other", ["mlflow", "langsmith"])
def test_two_prompts_with_one_name_there_are_refused(prompts: Path, run: Run, other: str) -> None:
    separator = "." if other == "mlflow" else "-"
    write(prompts, {f"prompts/team{separator}b.yaml": "template: other\n"})
    assert run("sync").code == 0
    refused = run("export", "--to", other, "--all", "out")
    assert refused.code == 4
    assert f"its name there is 'team{separator}b', as that of" in refused.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--alias", "x", "a", "-"], "--alias needs --to and --all"),
        (["--to", "langfuse", "a", "--json"], "--json lists written files: give a FILE"),
        (["--to", "langfuse", "--all", "-"], "name a file or a folder"),
        (["--to", "langfuse", "--all", "out", "more"], "--all cannot be combined with REF"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    prompts: Path, run: Run, arguments: list[str], message: str
) -> None:
    assert message in run("export", *arguments).err
