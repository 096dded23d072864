"""What the commonest mistakes are answered with: the place, the reason and the right form."""

from pathlib import Path

import pytest
from clitools import Run, failure
from registries import write

from promptdb.db.driver_errors import fault_in

FILES = {
    "braces without quotes": (
        "x.yaml",
        "template: {question}\n",
        "1:11: error [PDB203] 'template': expected text",
        'quote it: "{question}", since YAML reads braces as a mapping',
    ),
    "double braces without quotes": (
        "x.yaml",
        "template: {{ name }}\n",
        "1:12: error [PDB106] a key must be text",
        "quote a value that starts with {",
    ),
    "a list without quotes": (
        "x.yaml",
        "template: [INST] Hi\n",
        "1:18: error [PDB104] not valid YAML: did not find expected key, while parsing a block mapping",
        "check the indentation of this line and the one before",
    ),
    "variables as a list": (
        "x.yaml",
        'template: "{name}"\nvariables: [name]\n',
        "2:12: error [PDB203] 'variables': expected fields",
        "write 'variables: {name: {}}', or list the names in 'input_variables'",
    ),
    "a type as the variable": (
        "x.yaml",
        'template: "{name}"\nvariables:\n  name: str\n',
        "3:9: error [PDB203] 'variables.name': expected fields",
        "write 'name: {type: string}'",
    ),
    "a type of Python": (
        "x.yaml",
        'template: "{n}"\nvariables: {n: {type: int}}\n',
        "2:23: error [PDB203] 'variables.n.type': expected 'string', 'integer', 'number', 'boolean', 'array', 'object' or"
        " 'messages'",
        "did you mean 'integer'?",
    ),
    "a model by its name": (
        "x.yaml",
        "template: x\nmodel: gpt-4o\n",
        "2:8: error [PDB203] 'model': expected fields",
        "write 'model: {name: gpt-4o}'",
    ),
    "a name": (
        "x.yaml",
        "name: x\ntemplate: x\n",
        "1:1: error [PDB201] unknown field 'name'",
        "the path of the file is the name of the prompt; for people, write 'metadata: {title: ...}'",
    ),
    "a description": (
        "x.yaml",
        "description: greets\ntemplate: x\n",
        "1:1: error [PDB201] unknown field 'description'",
        "write 'metadata: {description: greets}'",
    ),
    "a temperature": (
        "x.yaml",
        "template: x\ntemperature: 0.2\n",
        "2:1: error [PDB201] unknown field 'temperature'",
        "write 'model: {temperature: 0.2}'",
    ),
    "a role beside the template": (
        "x.yaml",
        "role: system\ntemplate: x\n",
        "1:1: error [PDB201] unknown field 'role'",
        "a role belongs to each of the 'messages', or to the front matter of a text file",
    ),
    "a role as the key of a message": (
        "x.yaml",
        "messages:\n- system: Hi\n",
        "2:3: error [PDB201] unknown field 'messages[0].system'",
        "write 'role: system', and the text as 'template'",
    ),
    "one message without a list": (
        "x.yaml",
        "messages: {role: system, template: x}\n",
        "1:11: error [PDB203] 'messages': expected a list",
        "begin each message with '- '",
    ),
    "one tag without a list": (
        "x.yaml",
        "template: x\nmetadata: {tags: a}\n",
        "2:18: error [PDB203] 'metadata.tags': expected a list",
        "write a list: [a]",
    ),
    "no colon before fields": (
        "x.yaml",
        "template: x\nmodel\n  name: x\n",
        "2:6: error [PDB104] not valid YAML: there is no ':' after 'model'",
        "write 'model:', or quote the text",
    ),
    "no colon before a list": (
        "x.yaml",
        "messages\n  - role: system\n    template: x\n",
        "1:9: error [PDB104] not valid YAML: there is no ':' after 'messages'",
        "write 'messages:', or quote the text",
    ),
    "no colon before a value": (
        "x.yaml",
        "template: x\nmetadata:\n  title Greeting\n  description: x\n",
        "3:8: error [PDB104] not valid YAML: there is no ':' after 'title'",
        "write 'title:', or quote the text",
    ),
    "a colon in a value": (
        "x.yaml",
        "template: Say: hello\n",
        "1:14: error [PDB104] not valid YAML: mapping values are not allowed in this context",
        "quote a value that contains ': '",
    ),
    "JSON that is no prompt": (
        "package.json",
        '{"name": "app", "version": "1.0", "scripts": {}, "dependencies": {}, "private": true}\n',
        "1:1: error [PDB202] not a prompt: it has none of 'template', 'messages' and 'template_file'",
        "if it is something else, name it in .promptdbignore, or start its name with '_'",
    ),
    "an alias below its prompt": (
        "_aliases.yaml",
        "support/triage: {production: rev:1}\n",
        "1:1: error [PDB701] 'support/triage' cannot be an alias",
        "for example 'production: {support/triage: rev:3}'",
    ),
}


@pytest.mark.parametrize(("file", "text", "line", "hint"), FILES.values(), ids=FILES)
def test_a_mistake_in_a_file_is_answered_with_the_right_form(
    run: Run, project: Path, file: str, text: str, line: str, hint: str
) -> None:
    write(project, {f"prompts/{file}": text})
    told = run("check").out.splitlines()
    assert f"prompts/{file}:{line}" in told
    assert told[told.index(f"prompts/{file}:{line}") + 1] == f"    hint: {hint}"


def test_a_file_that_is_no_prompt_is_one_problem(run: Run, project: Path) -> None:
    for name, text in {"p.json": '{"a": 1, "b": {"c": 2}, "d": []}', "q.yaml": "on: push\njobs: {}\n"}.items():
        write(project, {f"prompts/{name}": text})
    assert run("check").out.endswith("2 errors in 2 files\n")


COMMANDS = {
    "swapped arguments of promote": (
        "promote staging support/triage:latest",
        failure(
            "'support/triage:latest' cannot be an alias", "the reference comes first: support/triage:latest staging"
        ),
    ),
    "swapped arguments of alias set": (
        "alias set staging support/triage",
        failure("'support/triage' cannot be an alias", "the reference comes first: support/triage staging"),
    ),
    "a revision without rev:": (
        "show greet:2",
        failure(
            "default/greet has no version '2'",
            "did you mean rev:2? aliases: production -> rev:1, staging -> rev:2; newest revisions: rev:2, rev:1",
        ),
    ),
    "missing values": (
        "render greet",
        failure("missing variables: name, place", "add -v name=... -v place=..."),
    ),
    "a missing and a misspelt value": (
        "render greet -v nam=x -v place=y",
        failure("missing variable: name", "did you mean 'name' instead of 'nam'? add -v name=..."),
    ),
}


@pytest.mark.parametrize(("words", "told"), COMMANDS.values(), ids=COMMANDS)
def test_a_mistake_in_a_command_is_answered_with_the_right_form(
    run: Run, two_versions: Path, words: str, told: str
) -> None:
    ran = run(*words.split())
    assert (ran.code, ran.err) == (1, told)


@pytest.mark.parametrize(
    ("key", "hint"), [("prompt_root", "prompts_root"), ("Database-URL", "database_url"), ("text-format", "text_format")]
)
def test_a_misspelt_key_of_the_settings_file_is_told_with_the_right_one(
    run: Run, project: Path, key: str, hint: str
) -> None:
    write(project, {"promptdb.toml": f'{key} = "x"\n'})
    message = f"{project / 'promptdb.toml'}: unknown setting {key!r}"
    assert run("check").err == failure(message, f"did you mean {hint!r}?")


@pytest.mark.parametrize("message", ["unable to open database file", "attempt to write a readonly database"])
def test_a_folder_that_is_read_only_is_told_as_such(message: str) -> None:
    found = fault_in(message)
    assert "read-only" in found.remedy
    assert not found.waiting_helps
