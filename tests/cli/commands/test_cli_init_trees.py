"""Repositories in the shapes that were met: `init`, then the first render, without an edit of a prompt or of the settings."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from registries import write

from promptdb.cli.app import run

Out = pytest.CaptureFixture[str]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def done(capsys: Out, *arguments: str) -> str:
    capsys.readouterr()
    assert run(list(arguments)) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def patterns(number: int) -> dict[str, str]:
    """Folders with system.md: some with user.md, most of these empty, some full of braces, some with blanks at line ends."""
    files = {"README.md": "About.", "docs/prompts.md": "How to write prompts.", "cmd/main.go": "package main\n"}
    for index in range(number):
        braces = 'Answer as {"a": {b}}.\n' if index % 13 == 0 else ""
        files[f"data/patterns/p{index:03}/system.md"] = f"# IDENTITY\nYou are expert {index}.  \n{braces}"
        files |= {f"data/patterns/p{index:03}/README.md": "About it."} if index % 9 == 0 else {}
        if index % 6 == 0:
            files[f"data/patterns/p{index:03}/user.md"] = "" if index % 12 else "INPUT: {{input}}\n"
    return files


@pytest.mark.slow
def test_a_collection_of_folders_with_system_and_user_texts(repository: Path, capsys: Out):
    write(repository, patterns(276))
    out = done(capsys, "init")
    assert "322 files below data/patterns: 276 prompts with 46 more files of chat folders\n" in out
    assert '23 of 276 texts have {{name}}: text_format = "mustache"\n' in out
    assert "run: promptdb render p000 --worktree -v input=..., then promptdb sync\n" in out
    assert "INPUT: Hello" in done(capsys, "render", "p000", "--worktree", "-v", "input=Hello")
    assert "276 prompts and 0 tests: no problems" in done(capsys, "check")
    request = json.loads(done(capsys, "render", "p001", "--worktree", "--as", "openai"))
    assert request["messages"] == [{"role": "system", "content": "# IDENTITY\nYou are expert 1.  "}]


def agents(suffix: str = "j2") -> dict[str, str]:
    """jinja2 files in six folders of an application, which include files beside them."""
    files = {"README.md": "About.", "app/main.py": "x = 1\n", "tests/prompts/x.j2": "{{ t }}", "notes.md": "Notes."}
    for name in ("code", "browse", "locate", "read", "view", "plan"):
        folder = f"app/agents/{name}/prompts"
        files[f"{folder}/system.{suffix}"] = (
            '{% include "safety.j2" %}You are {{ who }}.{% if repo.url %} See {{ repo.url }}.{% endif %}'
        )
        files[f"{folder}/safety.j2"] = "Be safe. "
        files |= {f"app/agents/{name}/agent.py": "x = 1\n", f"app/agents/{name}/tools.json": '{"tools": []}'}
    return files


def test_templates_in_six_folders_of_an_application(repository: Path, capsys: Out):
    write(repository, agents("task.j2"))
    assert "12 files below app/agents/*/prompts: 12 prompts\n" in done(capsys, "init")
    assert (repository / "promptdb.toml").read_text() == (
        'prompts_root = "app/agents/*/prompts"\nundefined = "lenient"\n'
    )
    rendered = done(capsys, "render", "code/system.task", "--worktree", "-v", "who=Ann")
    assert rendered == "Be safe. You are Ann.\n"


def test_an_ignore_file_that_is_there_names_the_root(repository: Path, capsys: Out):
    write(repository, {**agents("task.j2"), ".promptdbignore": "*\n!*/\n!*.j2\ntests/\n"})
    assert "12 files in the repository: 12 prompts\n" in done(capsys, "init")
    assert "12 prompts and 0 tests: no problems" in done(capsys, "check")
    name = "app/agents/code/prompts/system.task"
    assert done(capsys, "render", name, "--worktree", "-v", "who=Ann") == "Be safe. You are Ann.\n"


def test_texts_whose_names_have_spaces(repository: Path, capsys: Out):
    files = {"README.md": "About.", "LICENSE.md": "Free."}
    for maker in ("Cursor Prompts", "Devin AI", "Same.dev"):
        files[f"{maker}/Agent Prompt v1.2.txt"] = 'Answer with JSON: {"a": 1}.  \n\tIndented.\n'
        files[f"{maker}/Tools.json"] = '[{"name": "x"}]'
    write(repository, files)
    out = done(capsys, "init")
    assert "7 files in the repository: 3 prompts, 4 left out\n  3 files: expected fields, found list\n" in out
    assert (
        '"Devin AI/Agent Prompt v1.2.txt" = "Devin-AI/Agent-Prompt-v1.2"\n'
        in (repository / "promptdb.toml").read_text()
    )
    assert "3 prompts and 0 tests: no problems" in done(capsys, "check")
    assert done(capsys, "render", "Devin-AI/Agent-Prompt-v1.2", "--worktree").startswith("Answer with JSON")


def test_files_of_langchain(repository: Path, capsys: Out):
    head = "_type: prompt\ninput_variables: [question]\noutput_parser: null\ntemplate_format: f-string\n"
    files = {f"prompts/qa{n}/prompt.yaml": head + "template: 'Answer {question}'\n" for n in range(21)}
    files |= {"prompts/few/prompt.json": '{"_type": "few_shot", "prefix": "a"}', "prompts/qa1/README.md": "About."}
    write(repository, files)
    out = done(capsys, "init")
    assert "22 files below prompts: 21 prompts, 1 left out\n  1 file: not a prompt: it has none of " in out
    assert "next: LangChain, 1 file (prompts/few/prompt.json): " in out
    ignored = (repository / "prompts/.promptdbignore").read_text()
    assert "# 1 file: not a prompt: it has none of " in ignored
    assert ignored.endswith("\n/few/prompt.json\n")
    assert done(capsys, "render", "qa3/prompt", "--worktree", "-v", "question=why") == "Answer why\n"


def test_a_collection_of_system_prompts(repository: Path, capsys: Out):
    write(repository, {f"{name}/system-prompt.md": f"You are {name}." for name in ("a", "b", "c")})
    assert 'texts are read as system messages: text_role = "system"' in done(capsys, "init")
    request = json.loads(done(capsys, "render", "b/system-prompt", "--worktree", "--as", "openai"))
    assert request["messages"] == [{"role": "system", "content": "You are b."}]


def test_the_place_with_the_most_prompts_wins_and_the_others_are_listed(repository: Path, capsys: Out):
    files = {f"lib/agents/a{n}.j2": "Hi {{ x }}" for n in range(5)} | {"old-prompts/a.yaml": "name: x\nprompt: y\n"}
    write(repository, {**files, "my_prompts/a.md": "Hi", "my_prompts/b.md": "Hi", "lib/x.py": "", "lib/y.py": ""})
    out = done(capsys, "init")
    assert out.startswith("2 places with prompts:\n* lib/agents: 5 prompts\n  my_prompts: 2 prompts\n")
    assert "promptdb init --root FOLDER" in out


def test_roots_can_be_chosen(repository: Path, capsys: Out):
    write(repository, {"one/a.md": "Hi", "two/b.md": "Hi", "three/c.md": "Hi", "x.py": ""})
    done(capsys, "init", "--root", "one", "--root", "t*o")
    assert (repository / "promptdb.toml").read_text().startswith('prompts_root = ["one", "t*o"]\n')
    assert "2 prompts and 0 tests: no problems" in done(capsys, "check")


@pytest.mark.parametrize("root", ["missing", "none/*/prompts"])
def test_a_root_that_does_not_exist_is_not_made(repository: Path, capsys: Out, root: str):
    write(repository, {"prompts/a.md": "Hi"})
    assert run(["init", "--root", root]) == 1
    assert f"there is no folder {root} in {repository}\nhint: there are prompts in prompts\n" in capsys.readouterr().err
    assert sorted(path.name for path in repository.iterdir()) == [".git", "prompts"]


def test_every_file_that_is_left_out_has_its_reason(repository: Path, capsys: Out):
    write(
        repository,
        {
            "prompts/a.md": "Hi",
            "prompts/A.txt": "Hi",
            "prompts/b.yaml": "name: x\nprompt: y\n",
            "prompts/c.yaml": "name: z\nprompt: y\n",
            "prompts/d.j2": "{% if %}",
            "prompts/e.md": "\n",
            "prompts/提示.md": "Hi",
            "prompts/LICENSE.txt": "Free.",
        },
    )
    out = done(capsys, "init")
    assert "8 files below prompts: 1 prompt, 7 left out\n  2 files: unknown field 'name'\n" in out
    ignored = (repository / "prompts/.promptdbignore").read_text()
    for reason in (
        "another file has its name",
        "about the repository",
        "the template is empty",
        "its name cannot be that",
    ):
        assert f"# 1 file: {reason}" in ignored
    assert "1 prompt and 0 tests: no problems" in done(capsys, "check")


def test_files_of_another_schema_are_explained(repository: Path, capsys: Out):
    write(repository, {f"src/prompts/{n}.yaml": "name: x\nprompt: y\n" for n in range(21)} | {"src/x.py": ""})
    out = done(capsys, "init")
    assert out.startswith("21 files below src/prompts: 0 prompts, 21 left out\n  21 files: unknown field 'name'\n")
    assert "no prompts found in this repository: prompts/examples/answer.yaml is a new example to start from\n" in out
    assert (repository / "promptdb.toml").read_text() == 'prompts_root = "prompts"\n'


def test_many_files_of_other_kinds_make_an_allow_list(repository: Path, capsys: Out):
    write(repository, {"prompts/a.j2": "Hi"} | {f"prompts/data/{n}.json": "[]" for n in range(30)})
    done(capsys, "init")
    assert (repository / "prompts/.promptdbignore").read_text().endswith("\n*\n!*/\n!*.j2\n")
    assert "1 prompt and 0 tests: no problems" in done(capsys, "check")


@pytest.mark.parametrize("name", ["prompts/log.txt", "notes.md", "sheet.csv"])
def test_a_pipe_is_never_opened(repository: Path, capsys: Out, name: str):
    write(repository, {"prompts/a.md": "Hi", "x.py": ""})
    os.mkfifo(repository / name)
    assert "1 prompt ready" in done(capsys, "init")


def test_a_readme_does_not_make_a_place(repository: Path, capsys: Out):
    readmes = {f"prompts/{name}": "About." for name in ("README.md", "Readme de.md", "readme.prompt", "README.j2")}
    write(repository, {**readmes, "lib/prompt_texts/a.md": "Hi", "x.py": ""})
    out = done(capsys, "init")
    assert "no prompts found" not in out
    assert (repository / "promptdb.toml").read_text() == 'prompts_root = "lib/prompt_texts"\n'


def test_a_place_without_valid_prompts_is_passed_over(repository: Path, capsys: Out):
    write(repository, {"prompts/提示.md": "Hi", "my_prompts/a.md": "Hi", "x.py": "", "y.py": ""})
    out = done(capsys, "init")
    assert "* my_prompts: 1 prompt\n  prompts: 1 prompt\n" in out
    assert "1 prompt ready" in out


def test_hidden_places_are_named_and_can_be_chosen(repository: Path, capsys: Out):
    write(
        repository, {"prompts/a.md": "Hi", ".github/prompts/b.prompt.md": "Hi", ".claude/commands/README.md": "About"}
    )
    out = done(capsys, "init", "--dry-run")
    assert "next: init searches hidden folders only if you name them: promptdb init --root .github/prompts\n" in out
    done(capsys, "init", "--root", ".github/prompts")
    assert "1 prompt and 0 tests: no problems" in done(capsys, "check")


def test_what_check_refuses_is_left_out_with_its_reason(repository: Path, capsys: Out):
    failing = "template: Hi\ntests:\n- name: t\n  expect: {contains: Bye}\n"
    write(repository, {"prompts/a.md": "Hi", "prompts/f.yaml": failing, "other.md": "Hi", "x.py": "", "y.py": ""})
    (repository / "prompts/out.md").symlink_to("../other.md")
    (repository / "prompts/none.md").symlink_to("missing.md")
    out = done(capsys, "init")
    assert "  1 file: a symbolic link to nothing\n" in out
    assert "1 prompt ready" in out
    assert "1 prompt and 0 tests: no problems" in done(capsys, "check")
    done(capsys, "sync")


def test_the_file_that_parses_keeps_the_name(repository: Path, capsys: Out):
    write(repository, {"prompts/a.json": '{"x": 1}', "prompts/a.md": "Hi", "prompts/a.yaml": "template: Hi\n"})
    done(capsys, "init")
    assert (
        (repository / "prompts/.promptdbignore")
        .read_text()
        .endswith("# 2 files: another file has its name\n/a.json\n/a.yaml\n")
    )
    assert "1 prompt and 0 tests: no problems" in done(capsys, "check")


def test_one_text_with_other_braces_does_not_take_the_variables_of_the_others(repository: Path, capsys: Out):
    write(repository, {f"prompts/{n}.md": "Hi {name}" for n in "abc"} | {"prompts/json.md": 'Reply as {"a": 1}.'})
    out = done(capsys, "init")
    assert "1 of 4 texts have braces that are not f-string variables, and 3 have {name}: text_format stays" in out
    assert "next: texts left out for their braces: 1. To read one as it is, set template_format: plain in front" in out
    assert "3 prompts ready; run: promptdb render a --worktree -v name=..., then promptdb sync\n" in out
    assert done(capsys, "render", "a", "--worktree", "-v", "name=Ann") == "Hi Ann\n"
    assert "3 prompts and 0 tests: no problems" in done(capsys, "check")


def test_names_that_plain_texts_do_not_fill_in_are_shown(repository: Path, capsys: Out):
    write(repository, {"prompts/a.md": "Hi {name}", "prompts/json.md": 'Reply as {"a": 1}.'})
    out = done(capsys, "init")
    assert 'text_format = "plain"' in out
    assert (
        "next: {name} is literal text in 1 plain file (a.md): to make it a variable, set template_format: f-string"
        in out
    )


def test_names_in_other_braces_are_shown(repository: Path, capsys: Out):
    write(repository, {"prompts/a.md": "Hi {name}", "prompts/b.md": "Hi {{name}}"})
    assert "next: {{name}} is literal text in 1 f-string file (b.md): " in done(capsys, "init")


def test_names_and_fields_that_promptdb_does_not_accept_have_a_next_step(repository: Path, capsys: Out):
    front = "---\ntitle: A\nauthor: B\n---\nHi\n"
    write(repository, {"prompts/a.md": "Hi", "prompts/提示.md": "Hi", "prompts/b.md": front})
    out = done(capsys, "init")
    assert "next: no name follows from 1 file (提示.md): give it one in [names], and remove " in out
    assert (
        "next: front matter of 1 file (b.md) has unknown fields (author, title): put them below 'metadata', or " in out
    )


def test_a_root_that_was_asked_for_is_marked(repository: Path, capsys: Out):
    write(repository, {"app/prompts/a.md": "Hi", "app/b.md": "Hi", "x.py": "", "y.py": "", "z.py": ""})
    out = done(capsys, "init", "--root", "app")
    assert out.startswith("1 place with prompts:\n* app: 2 prompts\n  app/prompts: 1 prompt\n")


def test_the_rarer_reasons_are_named(repository: Path, capsys: Out):
    write(repository, {f"prompts/{n}.md": f"---\nfield{n}: x\n---\nHi" for n in range(10)} | {"prompts/a.md": "Hi"})
    assert "  2 files: unknown field 'field8'; unknown field 'field9'\n" in done(capsys, "init")


def test_two_files_for_one_message_of_a_chat_in_any_folder(repository: Path, capsys: Out):
    files = {f"prompts/{folder}/{role}.md": "Hi" for folder in ("my chat", "b", "c") for role in ("system", "user")}
    write(repository, {**files, "prompts/my chat/system.txt": "Hi"})
    assert "3 prompts ready" in done(capsys, "init")
    assert "3 prompts and 0 tests: no problems" in done(capsys, "check")
