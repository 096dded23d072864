"""`promptdb render`."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from clitools import PROMPTDB, TIMEOUT, Make, Ran, Run, commands, failure
from registries import write

TYPED = """\
template: "{text}|{whole}|{part}|{yes}|{items}|{fields}|{free}"
variables:
  text: {type: string, default: t}
  whole: {type: integer, default: 1}
  part: {type: number, default: 1.5}
  yes: {type: boolean, default: true}
  items: {type: array, default: []}
  fields: {type: object, default: {}}
  free: {default: f}
  pick: {type: string, enum: [a, b], default: a}
  history: {type: messages, default: []}
"""


@pytest.fixture
def typed(copied: Callable[[Make], Path]) -> Path:
    return copied(make_typed)


def make_typed(folder: Path) -> None:
    write(folder, {"prompts/typed.yaml": TYPED})
    commands("sync")


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> io.BytesIO:
    """What is written here is read from standard input."""
    buffer = io.BytesIO()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(buffer, encoding="utf-8"))
    return buffer


def usage(ran: Ran, message: str) -> None:
    assert (ran.code, ran.out) == (2, "")
    assert f"Error: Invalid value for {message}\n" in ran.err


def test_a_text_is_printed_as_it_is(run: Run, synced: Path) -> None:
    assert run("render", "greet", "-v", "name=Bo", "--var", "place=Oz") == (0, "Hello Bo, welcome to Oz!\n", "")


def test_a_chat_is_printed_message_by_message(run: Run, synced: Path) -> None:
    ran = run("render", "support/triage", "-v", "ticket=It broke.\nTwice.")
    assert ran == (0, "[system]\nTriage the ticket, try 1.\n\n[human]\nIt broke.\nTwice.\n", "")


@pytest.mark.slow
def test_a_role_of_one_s_own_is_printed_by_its_name(run: Run, project: Path) -> None:
    write(project, {"prompts/c.yaml": "messages: [{role: generic, role_name: referee, template: Go}]\n"})
    assert run("sync").code == 0
    assert run("render", "c").out == "[referee]\nGo\n"


def test_content_parts_are_printed_as_json(run: Run, project: Path) -> None:
    parts = "messages: [{role: human, template: [{type: text, text: 'Grüß {name}'}]}]\n"
    write(project, {"prompts/c.yaml": parts})
    assert run("sync").code == 0
    ran = run("render", "c", "-v", "name=Bo")
    assert json.loads(ran.out.removeprefix("[human]\n")) == [{"type": "text", "text": "Grüß Bo"}]
    assert "Grüß Bo" in ran.out


def test_a_selector_chooses_the_version(run: Run, two_versions: Path) -> None:
    assert run("render", "greet:production", "-v", "name=Bo", "-v", "place=Oz").out == "Hello Bo, welcome to Oz!\n"
    assert run("render", "greet:staging", "-v", "name=Bo", "-v", "place=Oz").out == "Hi Bo, welcome to Oz!\n"


VALUES = [
    ("text=x", "x"),
    ("text=", ""),
    ("text=a=b", "a=b"),
    ('text={"a": 1}', '{"a": 1}'),
    ("text=1", "1"),
    ("free=7", "7"),
    ("whole=7", "7"),
    ("whole=-7", "-7"),
    ("part=2.5", "2.5"),
    ("part=2", "2"),
    ("yes=false", "False"),
    ('items=["a", 1]', "['a', 1]"),
    ('fields={"a": [true]}', "{'a': [True]}"),
]


@pytest.mark.parametrize(("pair", "shown"), VALUES, ids=[pair for pair, _ in VALUES])
@pytest.mark.slow
def test_a_value_is_json_where_the_type_is_not_string(run: Run, typed: Path, pair: str, shown: str) -> None:
    name = pair.partition("=")[0]
    index = ["text", "whole", "part", "yes", "items", "fields", "free"].index(name)
    ran = run("render", "typed", "-v", pair)
    assert ran.code == 0
    assert ran.out.rstrip("\n").split("|")[index] == shown


@pytest.mark.parametrize(
    ("pair", "kind"), [("whole=many", "integer"), ("yes=no", "boolean"), ("items=a,b", "array"), ("fields=", "object")]
)
def test_a_value_that_is_not_json_is_a_usage_error(run: Run, typed: Path, pair: str, kind: str) -> None:
    name, _, text = pair.partition("=")
    usage(run("render", "typed", "-v", pair), f"--var: {name} is {kind}, and {text!r} is not JSON")


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_json_does_not_have_is_a_usage_error(run: Run, typed: Path, text: str) -> None:
    usage(run("render", "typed", "-v", f"part={text}"), f"--var: part is number, and {text!r} is not JSON")


MISFITS = [
    ("whole=1.5", "variable 'whole': expected integer, got number"),
    ("whole=true", "variable 'whole': expected integer, got boolean"),
    ('part="1"', "variable 'part': expected number, got string"),
    ("items={}", "variable 'items': expected array, got object"),
    ("fields=null", "variable 'fields': expected object, got null"),
    ("pick=c", "variable 'pick': not one of 'a', 'b'"),
]


@pytest.mark.parametrize(("pair", "message"), MISFITS, ids=[pair for pair, _ in MISFITS])
def test_a_value_of_another_type_is_an_error(run: Run, typed: Path, pair: str, message: str) -> None:
    assert run("render", "typed", "-v", pair) == (1, "", failure(message))


def test_messages_fill_a_placeholder(run: Run, project: Path) -> None:
    write(project, {"prompts/c.yaml": "messages: [{variable_name: history}, {role: human, template: Next}]\n"})
    assert run("sync").code == 0
    ran = run("render", "c", "-v", 'history=[{"role": "user", "content": "Hi"}]')
    assert ran.out == "[human]\nHi\n\n[human]\nNext\n"


def test_all_missing_variables_are_named_in_one_error(run: Run, synced: Path) -> None:
    assert run("render", "greet") == (1, "", failure("missing variables: name, place", "add -v name=... -v place=..."))


def test_a_variable_the_prompt_does_not_have_is_an_error(run: Run, synced: Path) -> None:
    ran = run("render", "greet", "-v", "nmae=Bo")
    assert ran == (
        1,
        "",
        failure(
            "missing variables: name, place", "did you mean 'name' instead of 'nmae'? add -v name=... -v place=..."
        ),
    )


@pytest.mark.parametrize("pair", ["name", "=x", ""])
def test_a_pair_without_a_name_or_a_value_is_a_usage_error(run: Run, synced: Path, pair: str) -> None:
    usage(run("render", "greet", "-v", pair), f"--var: {pair!r} is not NAME=VALUE or NAME:=JSON")


def test_the_last_of_two_values_wins(run: Run, synced: Path) -> None:
    assert run("render", "greet", "-v", "name=A", "-v", "place=Oz", "-v", "name=B").out == "Hello B, welcome to Oz!\n"


# Values from a file


def test_values_come_from_a_json_file(run: Run, synced: Path) -> None:
    write(synced, {"values.json": '{"name": "Bö", "place": "Oz"}'})
    assert run("render", "greet", "--vars", "values.json").out == "Hello Bö, welcome to Oz!\n"


def test_values_come_from_standard_input(run: Run, synced: Path, stdin: io.BytesIO) -> None:
    stdin.write('{"name": "Bö", "place": "Oz"}'.encode())
    stdin.seek(0)
    assert run("render", "greet", "--vars", "-").out == "Hello Bö, welcome to Oz!\n"


def test_an_option_wins_over_the_file(run: Run, synced: Path) -> None:
    write(synced, {"values.json": '{"name": "File", "place": "Oz"}'})
    assert run("render", "greet", "--vars", "values.json", "-v", "name=Option").out == "Hello Option, welcome to Oz!\n"


def test_values_that_the_prompt_has_no_variable_for(run: Run, synced: Path) -> None:
    write(synced, {"values.json": '{"name": "Bo", "place": "Oz", "plac": 1}'})
    ran = run("render", "greet", "--vars", "values.json")
    assert ran == (1, "", failure("the prompt has no variable 'plac'", "did you mean 'place' instead of 'plac'?"))
    assert run("render", "greet", "--vars", "values.json", "--ignore-extra").code == 0


BAD_FILES = [
    ("[1]", "is not a JSON object"),
    ("null", "is not a JSON object"),
    ("{", "is not JSON: "),
    ("", "is not JSON: "),
    ("\x00", "is not JSON: "),
]


@pytest.mark.parametrize(("text", "message"), BAD_FILES, ids=["list", "null", "broken", "empty", "binary"])
def test_a_file_without_values_is_a_usage_error(run: Run, synced: Path, text: str, message: str) -> None:
    write(synced, {"values.json": text})
    ran = run("render", "greet", "--vars", "values.json")
    assert (ran.code, ran.out) == (2, "")
    assert f"Error: Invalid value for --vars: values.json {message}" in ran.err


def test_a_file_that_is_not_utf8_is_a_usage_error(run: Run, synced: Path) -> None:
    write(synced, {"values.json": b'{"name": "\xff"}'})
    ran = run("render", "greet", "--vars", "values.json")
    assert (ran.code, ran.out) == (2, "")
    assert "Error: Invalid value for --vars: values.json is not JSON: " in ran.err


@pytest.mark.parametrize("number", ["NaN", "Infinity"])
def test_a_file_with_a_number_that_json_does_not_have_is_a_usage_error(run: Run, typed: Path, number: str) -> None:
    write(typed, {"values.json": f'{{"part": {number}}}'})
    ran = run("render", "typed", "--vars", "values.json")
    assert (ran.code, ran.out) == (2, "")
    assert "Error: Invalid value for --vars: values.json is not JSON: " in ran.err


def test_a_file_that_is_not_there_is_a_usage_error(run: Run, synced: Path) -> None:
    ran = run("render", "greet", "--vars", "gone.json")
    assert (ran.code, ran.out) == (2, "")
    assert "'gone.json': No such file or directory" in ran.err


# What comes out is the prompt


TEXTS = [
    "[bold]x[/bold]",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "a\tb",
    "  two  ",
    "one\r\ntwo\n\n",
    "ünï \U0001f600",
]


@pytest.mark.parametrize("text", TEXTS)
def test_outside_of_a_terminal_the_text_comes_out_as_it_is(run: Run, synced: Path, text: str) -> None:
    assert run("render", "greet", "-v", f"name={text}", "-v", "place=Oz").out == f"Hello {text}, welcome to Oz!\n"


@pytest.mark.slow
def test_in_a_pipe_the_text_comes_out_byte_by_byte(synced: Path) -> None:
    text = "".join(TEXTS)
    command = [*PROMPTDB, "render", "greet", "-v", f"name={text}", "-v", "place=Oz"]
    done = subprocess.run(command, capture_output=True, timeout=TIMEOUT)
    assert done.stdout == f"Hello {text}, welcome to Oz!\n".encode()


def test_json_has_the_text_and_the_messages(run: Run, synced: Path) -> None:
    ran = run("render", "support/triage", "-v", "ticket=It broke.", "--json")
    assert ran.code == 0
    assert ran.json["version"]["prompt"] == "support/triage"
    assert {key: ran.json[key] for key in ("ref", "text", "messages")} == {
        "ref": "support/triage",
        "text": "System: Triage the ticket, try 1.\nHuman: It broke.",
        "messages": [
            {"role": "system", "content": "Triage the ticket, try 1."},
            {"role": "human", "content": "It broke."},
        ],
    }


def test_json_keeps_control_characters_harmless_and_exact(run: Run, synced: Path) -> None:
    ran = run("render", "greet", "-v", "name=\x1b[31m", "-v", "place=Oz", "--json")
    assert "\x1b" not in ran.out
    assert ran.json["text"] == "Hello \x1b[31m, welcome to Oz!"


@pytest.mark.slow
def test_what_an_old_encoding_does_not_hold_is_escaped(synced: Path) -> None:
    command = [*PROMPTDB, "render", "greet", "-v", "name=\u2192", "-v", "place=\u00d6z"]
    done = subprocess.run(
        command,
        capture_output=True,
        timeout=TIMEOUT,
        env={**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"},
    )
    assert done.stdout == "Hello \\u2192, welcome to \u00d6z!\n".encode("cp1252")


@pytest.mark.parametrize("option", ["--var", "--vars"])
def test_json_that_is_nested_too_deeply_is_a_usage_error(run: Run, typed: Path, option: str) -> None:
    text = "[" * 100_000
    write(typed, {"values.json": text})
    ran = run("render", "typed", option, "values.json" if option == "--vars" else f"items={text}")
    assert ran.code == 2
    assert "JSON" in ran.err


def test_a_name_that_a_mustache_section_looks_up_can_be_given(run: Run, project: Path) -> None:
    write(project, {"prompts/s.mustache": "{{#on}}{{suffix}}{{/on}}"})
    assert run("sync").code == 0
    assert run("render", "s", "-v", "on=yes", "-v", "suffix=X").out == "X\n"


# A file that is not synced


def test_a_file_is_rendered_as_it_is_now(run: Run, synced: Path) -> None:
    write(synced, {"prompts/greet.txt": "Bye {name}"})
    assert run("render", "--file", "prompts/greet.txt", "-v", "name=Bo") == (0, "Bye Bo\n", "")


def test_a_file_needs_no_database(run: Run, project: Path) -> None:
    write(project, {"prompts/a.j2": '{% include "_shared/tone.md" %} {{ x }}', "prompts/_shared/tone.md": "Be kind."})
    assert run("render", "--file", "prompts/a.j2", "-v", "x=1") == (0, "Be kind. 1\n", "")
    assert not list(project.glob("*.sqlite3"))


def test_a_file_outside_of_the_prompts_root(run: Run, project: Path) -> None:
    write(project, {"elsewhere/a.yaml": "template_file: body.txt\n", "elsewhere/body.txt": "Hi {x}"})
    assert run("render", "--file", "elsewhere/a.yaml", "-v", "x=1") == (0, "Hi 1\n", "")


def test_an_invalid_file_tells_its_problems(run: Run, project: Path) -> None:
    write(project, {"prompts/a.txt": "Hi {x.y}"})
    ran = run("render", "--file", "prompts/a.txt")
    assert (ran.code, ran.out) == (4, "")
    assert ran.err.startswith("prompts/a.txt:1:4: error [PDB301] '{x.y}' reaches into a value")


def test_the_version_of_a_file_is_null(run: Run, project: Path) -> None:
    write(project, {"prompts/a.txt": "Hi"})
    shown = json.loads(run("render", "--file", "prompts/a.txt", "--json").out)
    assert shown == {"ref": None, "version": None, "text": "Hi", "messages": [{"role": "human", "content": "Hi"}]}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give either REF or --file"),
        (("greet", "--file", "prompts/greet.txt"), "give either REF or --file"),
        (("greet", "--as", "text", "--json"), "--as and --json cannot be combined"),
    ],
)
def test_options_that_do_not_go_together(run: Run, synced: Path, arguments: tuple[str, ...], message: str) -> None:
    ran = run("render", *arguments)
    assert ran.code == 2
    assert f"Error: {message}" in ran.err


# The forms that programs take

FORMS = {
    "messages": [{"role": "system", "content": "Triage the ticket, try 1."}, {"role": "human", "content": "It broke"}],
    "openai": {
        "messages": [
            {"role": "system", "content": "Triage the ticket, try 1."},
            {"role": "user", "content": "It broke"},
        ]
    },
    "anthropic": {"system": "Triage the ticket, try 1.", "messages": [{"role": "user", "content": "It broke"}]},
}


@pytest.mark.parametrize("form", FORMS)
def test_a_prompt_as(run: Run, synced: Path, form: str) -> None:
    ran = run("render", "support/triage", "-v", "ticket=It broke", "--as", form)
    assert json.loads(ran.out) == FORMS[form]


def test_a_chat_as_text(run: Run, synced: Path) -> None:
    ran = run("render", "support/triage", "-v", "ticket=It broke", "--as", "text")
    assert ran.out == "System: Triage the ticket, try 1.\nHuman: It broke\n"


def test_a_prompt_as_langchain_reads_back(run: Run, synced: Path) -> None:
    from langchain_core.messages import messages_from_dict

    ran = run("render", "support/triage", "-v", "ticket=It broke", "--as", "langchain")
    read = messages_from_dict(json.loads(ran.out))
    assert [(message.type, message.content) for message in read] == [
        ("system", "Triage the ticket, try 1."),
        ("human", "It broke"),
    ]


@pytest.mark.parametrize(
    ("pair", "text"),
    [
        ("flag=false", "yes false"),
        ("flag:=false", "no False"),
        ("flag:=[1, 2]", "yes [1, 2]"),
        ("flag:=3", "yes 3"),
        ('flag:="text"', "yes text"),
    ],
)
def test_a_value_is_text_or_json_as_it_is_written(run: Run, project: Path, pair: str, text: str) -> None:
    write(project, {"prompts/flag.j2": "{% if flag %}yes{% else %}no{% endif %} {{ flag }}"})
    assert run("render", "flag", "--worktree", "-v", pair) == (0, f"{text}\n", "")


def test_what_is_not_json_is_a_usage_error(run: Run, project: Path) -> None:
    write(project, {"prompts/flag.j2": "{{ flag }}"})
    usage(run("render", "flag", "--worktree", "-v", "flag:=no"), "--var: 'no' is not JSON")
