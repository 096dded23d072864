"""`promptdb import --from`: new files below the prompts root, all or none, and nothing outside of it."""

import json
from pathlib import Path

import pytest

from promptdb.cli.app import run
from promptdb.neighbours.foreign import FORMATS
from promptdb.neighbours.formats import INCOMING

Lines = pytest.CaptureFixture[str]

GREET = "name: Greet\nmessages:\n- {role: user, content: 'Hi {{name}}'}\ntestData:\n- {name: Ada, b: 2, expected: x}\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "prompts").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def written(project: Path) -> dict[str, str]:
    root = project / "prompts"
    return {file.relative_to(root).as_posix(): file.read_text() for file in root.rglob("*") if file.is_file()}


def test_help_names_each_format() -> None:
    assert tuple(sorted(INCOMING)) == FORMATS


def test_a_folder_becomes_prompt_files_that_pass_a_check(project: Path, capsys: Lines) -> None:
    write(project / "old", **{"greet.prompt.yml": GREET, "team/My prompt!.prompt.yaml": GREET, "other.yaml": "x"})
    assert run(["import", "--from", "github-models", "old", "--dry-run"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "greet.prompt.yml -> prompts/greet.yaml",
        "  lost testData[0].expected: it is an answer of the model, and golden tests compare renders",
        "  lost test data 1, b: no template uses it",
        "team/My prompt!.prompt.yaml -> prompts/team/My-prompt.yaml",
        "  lost testData[0].expected: it is an answer of the model, and golden tests compare renders",
        "  lost test data 1, b: no template uses it",
        "would write 2 prompts; 4 parts lost, listed above",
    ]
    assert written(project) == {}
    assert run(["import", "--from", "github-models", "old", "--namespace", "a/b"]) == 0
    assert written(project).keys() == {"a/b/greet.yaml", "a/b/team/My-prompt.yaml"}
    assert "          content: Hi Ada\n" in written(project)["a/b/greet.yaml"]
    assert run(["fmt", "--check"]) == 0
    capsys.readouterr()
    assert run(["check"]) == 0
    assert capsys.readouterr().out == "2 prompts and 2 tests: no problems\n"


def test_names_that_meet_get_numbers(project: Path, capsys: Lines) -> None:
    rows = [{"name": name, "prompt": "x"} for name in ("a b", "a-b", "A_b", "ü", "a/b/c", "..", "a/../../c")]
    write(project, **{"all.json": json.dumps(rows)})
    assert run(["import", "--from", "langfuse", "all.json", "--keep-going", "--json"]) == 4
    found = json.loads(capsys.readouterr().out)
    names = [one["prompt"] for one in found["imported"]]
    assert names == ["default/a-b", "default/a-b-2", "default/A_b", "default/u", "a/b/c", "a/c"]
    assert found["refused"] == [
        {"source": "all.json, prompt 6 '..'", "reason": "'..' has no character that a name may have"}
    ]
    assert set(written(project)) == {"a-b.yaml", "a-b-2.yaml", "A_b.yaml", "u.yaml", "a/b/c.yaml", "a/c.yaml"}


def test_nothing_is_written_if_one_prompt_cannot_be(project: Path, capsys: Lines) -> None:
    write(
        project / "old",
        **{
            "good.prompt": "Hi {{name}}",
            "_part.prompt": "x",
            "bad.prompt": "{{helper x}}",
            "worse.prompt": "{{#if a}}{{b}",
        },
    )
    assert run(["import", "--from", "dotprompt", "old"]) == 4
    assert written(project) == {}
    out = capsys.readouterr()
    assert "error: bad.prompt: promptdb has no form for {{helper x}}" in out.err
    assert "pass --keep-going" in out.err
    assert "note: _part.prompt is passed over: its name starts with _" in out.err
    assert run(["import", "--from", "dotprompt", "old", "--keep-going"]) == 4
    assert set(written(project)) == {"good.yaml"}


def test_one_prompt_of_a_file_does_not_stop_the_others(project: Path, capsys: Lines) -> None:
    rows = [{"name": "a", "prompt": "x {{y}}"}, {"name": "b", "prompt": "{{! note }}"}, {"name": "c", "prompt": "z"}]
    write(project, **{"all.json": json.dumps(rows)})
    assert run(["import", "--from", "langfuse", "all.json"]) == 4
    refusal = "error: all.json, prompt 2 'b': prompt: '{{!' is text there"
    shown = capsys.readouterr().err
    assert shown.startswith(refusal)
    assert shown.endswith("hint: repair these files, or pass --keep-going to import the others\n")
    assert run(["import", "--from", "langfuse", "all.json", "--keep-going", "--dry-run"]) == 4
    shown = capsys.readouterr().err
    assert shown.startswith(refusal)
    assert "hint" not in shown
    assert run(["import", "--from", "langfuse", "all.json", "--keep-going"]) == 4
    assert set(written(project)) == {"a.yaml", "c.yaml"}


def test_a_variable_that_is_used_and_not_declared_is_declared(project: Path, capsys: Lines) -> None:
    write(project, **{"a.prompt": "---\ninput: {schema: {x: string}}\n---\n{{x}} {{y}} {{#if z}}!{{/if}}"})
    assert run(["import", "--from", "dotprompt", "a.prompt"]) == 0
    assert "  lost variables.y: the template uses it and the file does not declare it" in capsys.readouterr().out
    assert "  y: {}\n" in written(project)["a.yaml"]
    assert run(["check"]) == 0


def test_a_file_that_differs_is_replaced_only_by_force(project: Path, capsys: Lines) -> None:
    write(project, **{"one.prompt": "Hi", "two.prompt": "Bye", "prompts/two.yaml": "template: mine\n"})
    before = written(project)
    assert run(["import", "--from", "dotprompt", "one.prompt", "two.prompt"]) == 4
    assert "prompts/two.yaml exists and differs; pass --force to replace it" in capsys.readouterr().err
    assert written(project) == before
    assert run(["import", "--from", "dotprompt", "one.prompt", "two.prompt", "--force"]) == 0
    assert "Bye" in written(project)["two.yaml"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["all.json"], "does not read"),
        (["--dry-run", "all.json"], "--dry-run needs --from"),
        (["all.json", "all.json"], "one file of 'export'"),
        (["prompts"], "is a folder"),
        (["--from", "csv", "prompts"], "has no files of CSV"),
        (["--from", "csv", "--namespace", "a b", "all.json"], "is not a valid name segment"),
        (["--from", "other", "all.json"], "is not one of"),
    ],
)
def test_wrong_calls_are_explained(project: Path, capsys: Lines, arguments: list[str], message: str) -> None:
    write(project, **{"all.json": "[]"})
    assert run(["import", *arguments]) != 0
    if message != "does not read":
        assert message in capsys.readouterr().err


def test_links_are_not_followed(project: Path, tmp_path: Path, capsys: Lines) -> None:
    outside = tmp_path / "outside"
    write(outside, **{"secret.prompt": "secret"})
    write(project / "old", **{"one.prompt": "Hi"})
    (project / "old" / "folder").symlink_to(outside)
    (project / "old" / "file.prompt").symlink_to(outside / "secret.prompt")
    assert run(["import", "--from", "dotprompt", "old"]) == 0
    assert set(written(project)) == {"one.yaml"}
    notes = capsys.readouterr().err.splitlines()
    assert notes == [
        "note: file.prompt is passed over: it is a link",
        "note: folder is passed over: it is a link to a folder",
    ]
    assert run(["import", "--from", "dotprompt", "old/file.prompt"]) == 1
    assert "name a file, not a link" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("README", "prompts/README.yaml would not be a prompt"),
        ("drafts/x", "prompts/drafts/x.yaml would not be a prompt"),
        ("n", "prompts/N.md is the prompt default/n already"),
        ("linked/x", "prompts/linked is a link, and what it leads to is never written"),
        ("dangling", "prompts/dangling.yaml is a link, and what it leads to is never written"),
        ("big", "prompts/big.yaml would be larger than 1,024 KiB"),
    ],
)
def test_a_place_that_cannot_take_the_prompt_is_refused(
    project: Path, tmp_path: Path, capsys: Lines, name: str, reason: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    write(project, **{"prompts/N.md": "There.", "prompts/.promptdbignore": "drafts/\n"})
    (project / "prompts" / "linked").symlink_to(outside)
    (project / "prompts" / "dangling.yaml").symlink_to(outside / "new.yaml")
    text = "x" * 1_100_000 if name == "big" else "x"
    write(project, **{"all.json": json.dumps([{"name": name, "prompt": text}, {"name": "good", "prompt": "y"}])})
    for options in (["--force", "--dry-run"], ["--force"]):
        assert run(["import", "--from", "langfuse", "all.json", *options]) == 4
        shown = capsys.readouterr()
        assert reason in shown.err
        assert ("wrote nothing: 1 prompt refused, 1 can be written" in shown.out) == ("--dry-run" not in options)
    assert run(["import", "--from", "langfuse", "all.json", "--force", "--keep-going"]) == 4
    assert (project / "prompts" / "good.yaml").is_file()
    assert list(outside.iterdir()) == []
