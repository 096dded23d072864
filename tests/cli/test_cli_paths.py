"""Commands take the paths of prompt files and folders where they take names."""

from pathlib import Path

import pytest
from clitools import Run, failure
from registries import write
from repositories import Git

from promptdb.project.placing import Wanted
from promptdb.settings import AppSettings

WARNING = "template: x\nvariables: {a: {}}\n"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("prompts/greet.txt", "greet"),
        ("./prompts/../prompts/support/triage.yaml", "support/triage"),
        ("prompts/support/triage.yaml:rev:1", "support/triage:rev:1"),
    ],
)
def test_a_path_stands_for_the_name(run: Run, synced: Path, path: str, name: str) -> None:
    for command in ("show", "diff", "log"):
        if command != "log" or ":" not in name:
            given, named = run(command, path), run(command, name)
            assert given.code == 0
            assert given == named
    assert run("show", synced / path).out == run("show", name).out


def test_the_path_of_a_chat_folder_stands_for_the_chat(run: Run, project: Path) -> None:
    write(
        project,
        {
            "promptdb.toml": "chat_folders = true\n",
            "prompts/chats/support/system.md": "Be kind.",
            "prompts/chats/support/user.md": "{question}",
        },
    )
    assert run("sync").code == 0
    for command in ("show", "diff", "log"):
        for path in ("prompts/chats/support", "prompts/chats/support/"):
            given = run(command, path)
            assert given.code == 0
            assert given == run(command, "chats/support")
    assert run("show", "prompts/chats/support:rev:1").out == run("show", "chats/support").out
    # A folder of prompts is not a prompt.
    assert run("show", "prompts/chats").code != 0


def test_moves_of_aliases_and_exports_take_paths(run: Run, synced: Path) -> None:
    assert run("promote", "prompts/greet.txt", "staging").code == 0
    assert run("alias", "set", "prompts/greet.txt:rev:1", "production").code == 0
    assert run("alias", "list", "prompts/greet.txt").out == run("alias", "list", "greet").out
    assert run("alias", "log", "prompts/greet.txt").out == run("alias", "log", "greet").out
    assert run("export", "prompts/greet.txt", "-") == run("export", "greet", "-")
    assert "has no target before" in run("rollback", "prompts/greet.txt", "staging").err
    assert run("alias", "delete", "prompts/greet.txt", "staging").code == 0


def test_a_path_from_a_subfolder_and_of_a_file_that_is_gone(
    run: Run, synced: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(synced, {"promptdb.toml": ""})
    shown = run("show", "greet").out
    (synced / "prompts/greet.txt").unlink()
    monkeypatch.chdir(synced / "prompts/support")
    assert run("show", "../greet.txt").out == shown
    assert run("show", "triage.yaml").out == run("show", "support/triage").out


def test_render_of_a_path_renders_the_file_and_with_a_selector_the_version(run: Run, synced: Path) -> None:
    values = ("-v", "name=Ada", "-v", "place=Rome")
    write(synced, {"prompts/greet.txt": "Hi {name} in {place}!", "elsewhere.txt": "{name} {place}"})
    assert run("render", "prompts/greet.txt", *values).out == "Hi Ada in Rome!\n"
    assert run("render", "elsewhere.txt", *values).out == "Ada Rome\n"
    assert run("render", "prompts/greet.txt:latest", *values).out == run("render", "greet", *values).out
    assert run("render", "prompts/greet.txt:latest", *values).out == "Hello Ada, welcome to Rome!\n"


@pytest.mark.parametrize(
    ("words", "checked"),
    [
        ("prompts/greet.txt", 1),
        ("prompts/greet.txt prompts/support/triage.yaml", 2),
        ("prompts/support", 1),
        ("prompts", 2),
        ("support", 1),
        ("support/triage greet", 2),
        ("prompts/greet.txt support", 2),
    ],
)
def test_check_takes_paths_names_and_folders(run: Run, project: Path, words: str, checked: int) -> None:
    assert run("check", *words.split(), "--json").json["prompts"] == checked
    write(project, {"prompts/other/bad.txt": "{", "prompts/_aliases.yaml": "production: {}\nlatest: {}\n"})
    assert run("check", "other", "--json").code == 4
    ran = run("check", *words.split())
    assert (ran.code, ran.err) == (4 if words == "prompts" else 0, "")


@pytest.mark.parametrize("options", [[], ["--json"], ["--format", "github"]], ids=" ".join)
def test_check_of_a_file_prints_what_a_check_of_the_tree_does(run: Run, project: Path, options: list[str]) -> None:
    write(project, {"prompts/a/bad.yaml": "tmplate: x\n", "prompts/a/warn.yaml": WARNING})
    for name, count in {"bad": 4, "warn": 0}.items():
        ran = run("check", f"prompts/a/{name}.yaml", *options)
        assert (ran.code, ran.err) == (count, "")
        whole = run("check", f"a/{name}", *options)
        assert ran == whole


def test_check_of_files_outside_of_the_tree(run: Run, project: Path) -> None:
    write(project, {"drafts/warn.yaml": WARNING})
    assert run("check", "drafts/warn.yaml").out.startswith("drafts/warn.yaml:2:13: warning [PDB303] ")


def test_check_of_a_commit_takes_paths(run: Run, project: Path, git: Git) -> None:
    git("add", ".")
    write(project, {"prompts/greet.txt": "{"})
    assert run("check", "--staged", "prompts/greet.txt").code == 0
    assert run("check", "prompts/greet.txt").code == 4


UNKNOWN = {
    "check nothing": failure("the work tree has no prompt file for nothing", "'promptdb check' reads all prompt files"),
    "plan nothing": failure("there is no prompt nothing", "'promptdb plan' without a name shows all changes"),
    "check prompts/_shared/tone.md": failure(
        "prompts/_shared/tone.md is not a prompt: a part of its path begins with '.' or '_'",
        "'promptdb check' checks the prompts that use it",
    ),
    "show prompts/zzz/gone.txt": failure("there is no prompt zzz/gone", "'promptdb list' shows all prompts"),
}


@pytest.mark.parametrize("words", UNKNOWN)
def test_what_is_not_there_is_told(run: Run, synced: Path, words: str) -> None:
    write(synced, {"prompts/_shared/tone.md": "x"})
    assert run(*words.split()) == (1, "", UNKNOWN[words])


@pytest.mark.parametrize("words", ["prompts/greet.txt", "greet", "default/greet"])
def test_plan_shows_the_part_that_is_asked_for(run: Run, synced: Path, words: str) -> None:
    write(synced, {"prompts/greet.txt": "Hi!", "prompts/new.txt": "x", "prompts/support/triage.yaml": "template: x\n"})
    lines = run("plan", words).out.splitlines()
    assert [line.split()[2] for line in lines if line.startswith(("new version", "create"))] == ["default/greet"]
    assert "1 new version, 0 unchanged" in lines
    assert [change["prompt"] for change in run("plan", words, "support", "--json").json["changes"]] == [
        "default/greet",
        "support/triage",
    ]
    assert run("plan", "support", "--exit-code").code == 3


def test_plan_of_a_prompt_without_its_file_and_without_a_change(run: Run, synced: Path) -> None:
    (synced / "prompts/greet.txt").unlink()
    assert run("plan", "support").out == "1 unchanged\n"
    assert run("plan", "support", "--exit-code").code == 0
    assert "default/greet" in run("plan", "greet").err
    assert "archive" in run("plan", "prompts/greet.txt", "--prune", "--max-prune", "100").out


@pytest.mark.parametrize(
    ("text", "has"), [("support", "support/eu/a"), ("a", "default/a"), ("a", "a/b"), ("a/b", "a/b/c")]
)
def test_a_name_is_also_a_namespace(text: str, has: str, tmp_path: Path) -> None:
    from promptdb.domain.prompt_id import PromptId

    wanted = Wanted.of(text, AppSettings(base=tmp_path))
    assert wanted.has(PromptId.parse(has))
    assert not wanted.has(PromptId.parse("other/x"))
