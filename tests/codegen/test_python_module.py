"""The Python module: its format, what it is at run time, and what mypy and pyright make of it."""

import inspect
import json
import re
import shutil
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import get_args

import pytest
from pydantic import TypeAdapter, ValidationError
from typed_code import DIST, contracts, contracts_of_tree, hostile, page_code, page_files

from promptdb import AsyncPromptClient, PromptClient, RenderablePrompt, ResolvedPrompt
from promptdb.client.sources.files import FilesSource
from promptdb.codegen.python import LOOKUP, RENDERERS, python_module
from promptdb.settings import AppSettings

ROOT = Path(__file__).resolve().parents[2]
RUFF = str(Path(sys.executable).with_name("ruff"))
FILES = {
    "support/triage.yaml": """\
metadata: {title: Ticket triage, description: One line per ticket.}
variables:
  ticket: {type: string, description: As it came in}
  tries: {type: integer, default: 1}
  limit: {type: number, required: false}
  urgent: {type: boolean, required: false}
  tone: {enum: [warm, formal], default: warm}
  tags: {type: array, required: false}
  account: {type: object, required: false}
  history: {type: messages, required: false}
messages:
  - role: system
    template: "{tries} {limit} {urgent} {tone} {tags} {account}"
  - {variable_name: history, optional: true}
  - role: human
    template: "{ticket}"
response_schema:
  type: object
  required: [queue, reasons]
  properties:
    queue: {enum: [billing, other]}
    reasons: {type: array, items: {type: object, required: [text], properties: {text: {type: string}}}}
    owner: {type: [string, "null"]}
""",
    "translate.txt": "Translate {text} into {language}.",
    "plain.txt": "Nothing to fill in.",
    "keys.mustache": "{{class}} {{user-name}}",
    "_aliases.yaml": "canary: {translate: rev:1}\n",
}

Found = tuple[str, int, str]
"""The name of a file, the line, and the message."""

# A line with an error says so, and one with `reveal_type` says what is revealed.
USES = """\
from langchain_core.messages import HumanMessage
from promptdb import PromptClient as Base, ResolvedPrompt
from pydantic import TypeAdapter

from typed_prompts import (
    AsyncPromptClient,
    KeysVariables,
    PromptClient,
    PromptName,
    SupportTriageAnswer,
    SupportTriagePrompt,
    SupportTriageVariables,
    at,
)

client = PromptClient.from_env()

# References
triage = client.get("support/triage:production")
reveal_type(triage)  # SupportTriagePrompt
reveal_type(client.get("support/triage"))  # SupportTriagePrompt
reveal_type(client.get("support/triage:latest", fallback="{ticket}"))  # SupportTriagePrompt
reveal_type(client.get("translate:production"))  # TranslatePrompt
reveal_type(client.get("default/translate"))  # TranslatePrompt
reveal_type(client.get(at("support/triage", "rev:3")))  # SupportTriagePrompt
reveal_type(client.get(at("translate", "git:main")))  # TranslatePrompt
client.get("support/triag")  # error
client.get("support/triage:prod")  # error
client.get("triage")  # error
client.get(at("support/triag", "rev:3"))  # error
client.get(str(triage))  # error
client.get("support/triage", fallbck="x")  # error

name: PromptName = "translate"
name = "translation"  # error

# Values
reveal_type(triage.render_text(ticket="x"))  # str
triage.render_text(ticket="x", tries=2, limit=1, urgent=True, tone="formal", tags=["a"], account={"plan": "pro"})
triage.render_text(ticket="x", limit=0.5, tags=("a",))
triage.render_messages(ticket="x", history=[("user", "Hi"), {"role": "assistant", "content": "Hello"}, HumanMessage("Bye")])
triage.to_openai(ticket="x")
triage.to_anthropic(ticket="x")
triage.render(ticket="x").messages
triage.invoke({"ticket": "x"})
client.get("plain").render_text()
client.get("plain").invoke()
client.get("translate").render_text(text=1, language=None)
triage.render_text()  # error
triage.render_text(tries=1)  # error
triage.render_text(ticket="x", trys=1)  # error
triage.render_text(ticket=1)  # error
triage.render_text(ticket="x", tries="2")  # error
triage.render_text(ticket="x", limit="2")  # error
triage.render_text(ticket="x", urgent="yes")  # error
triage.render_text(ticket="x", tone="cold")  # error
triage.render_text(ticket="x", tags="a")  # error
triage.render_text(ticket="x", account=["a"])  # error
triage.render_text(ticket="x", history="Hi")  # error
triage.render_text(ticket="x", history=[1])  # error
triage.render_messages()  # error
triage.render()  # error
triage.to_openai()  # error
triage.to_anthropic()  # error
triage.invoke({})  # error
triage.invoke({"ticket": 1})  # error
client.get("plain").render_text(ticket="x")  # error
client.get("translate").render_text(text="x")  # error

# At once
reveal_type(client.render("support/triage", ticket="x").text)  # str
client.render(at("support/triage", "rev:1"), ticket="x")
client.render("support/triage")  # error
client.render("support/triag", ticket="x")  # error
client.render("support/triage", ticket=1)  # error
client.render("support/triage", ticket="x", trys=1)  # error

# Keys that are no names
keys: KeysVariables = {"class": "a", "user-name": "b"}
client.get("keys").render_text(**keys)
wrong: KeysVariables = {"class": "a"}  # error
values: SupportTriageVariables = {"ticket": "x"}
triage.render_text(**values)


# Types
def shown(prompt: SupportTriagePrompt) -> str:
    return prompt.render_text(ticket="x")


def any_prompt(found: ResolvedPrompt, source: Base) -> None:
    assert found, source


shown(triage)
shown(client.get("translate"))  # error
any_prompt(triage, client)
triage.as_langchain()
triage.ignoring_extra().render_text(ticket="x")

# Answers
answer = TypeAdapter(SupportTriageAnswer).validate_json("{}")
reveal_type(answer["reasons"][0]["text"])  # str
answer["colour"]  # error
nobody: SupportTriageAnswer = {"queue": "billing", "reasons": [], "owner": None}
lost: SupportTriageAnswer = {"queue": "nowhere", "reasons": []}  # error

with client as opened:
    reveal_type(opened.get("plain"))  # PlainPrompt


async def main() -> None:
    async with AsyncPromptClient.from_env() as waiting:
        found = await waiting.get("support/triage:production")
        reveal_type(found)  # SupportTriagePrompt
        reveal_type((await waiting.render("plain")).text)  # str
        await waiting.get("support/triag")  # error
        await waiting.render("support/triage")  # error
        waiting.get("plain").render_text()  # error
"""

SOURCES = {"uses.py": USES, "page.py": page_code("python")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Modules for some prompts, for one, for those of this repository and for hostile ones, and a module that uses the first."""
    made = tmp_path_factory.mktemp("typed")
    for name, found in {
        "typed_prompts": contracts(made / "some", FILES, "production"),
        "typed_one": contracts(made / "one", {"a.txt": "{b}"}),
        "typed_own": contracts_of_tree(ROOT, "production"),
        "typed_hostile": contracts(made / "hostile", hostile(), "production"),
        "prompts_typed": contracts(made / "page", page_files(), "production"),
    }.items():
        code = python_module(found)
        assert code == python_module(reversed(found))
        (made / f"{name}.py").write_text(code, encoding="utf-8")
    for name, code in SOURCES.items():
        (made / name).write_text(code, encoding="utf-8")
    return made


# As files


def test_the_code_has_the_format_of_ruff(folder: Path) -> None:
    for file in sorted(folder.glob("*typed*.py")):
        # Without the line that keeps formatters with other settings off.
        text = file.read_text(encoding="utf-8").replace("# fmt: off\n", "")
        command = [RUFF, "format", "--isolated", "--diff", "-"]
        done = subprocess.run(command, input=text, capture_output=True, encoding="utf-8")
        assert (done.returncode, done.stdout) == (0, ""), file.name


def test_linters_find_nothing(folder: Path) -> None:
    modules = sorted(map(str, folder.glob("*typed*.py")))
    ours = [
        file for file in modules if "hostile" not in file
    ]  # there letters look like others, as they do in the prompts
    for command in (["--isolated", *modules], ["--config", str(ROOT / "pyproject.toml"), *ours]):
        done = subprocess.run([RUFF, "check", *command], cwd=folder, capture_output=True, encoding="utf-8")
        assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_mypy_accepts_what_renders_and_nothing_else(folder: Path) -> None:
    # Its cache here knows promptdb already.
    command = ["-m", "mypy", "--strict", "--no-error-summary", "--config-file", str(ROOT / "pyproject.toml")]
    files = [str(file) for file in sorted(folder.glob("*.py"))]
    done = subprocess.run([sys.executable, *command, *files], cwd=ROOT, capture_output=True, encoding="utf-8")
    assert done.stderr == ""
    found = re.findall(r"^(.+?):(\d+): (error|note): (.*)$", done.stdout, re.MULTILINE)
    problems = [(Path(file).name, int(line), text) for file, line, kind, text in found if kind == "error"]
    revealed = [(Path(file).name, int(line), text) for file, line, kind, text in found if text.startswith("Revealed")]
    compare(problems, revealed)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("node") is None or find_spec("pyright") is None, reason="needs node and pyright")
def test_pyright_accepts_what_renders_and_nothing_else(folder: Path) -> None:
    # Without the largest module, which takes it as long as all others.
    settings = {
        "typeCheckingMode": "strict",
        "exclude": ["typed_own.py"],
        "reportUnusedExpression": False,
        "reportUnusedCoroutine": False,
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    spec = find_spec("pyright")
    assert spec is not None
    assert spec.origin is not None
    main = Path(spec.origin).parents[1] / DIST
    command = ["node", str(main), "--outputjson", "--pythonpath", sys.executable, "-p", str(folder)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    found = [
        (Path(one["file"]).name, one["range"]["start"]["line"] + 1, one["severity"], one["message"])
        for one in json.loads(done.stdout)["generalDiagnostics"]
    ]
    problems = [(file, line, text) for file, line, severity, text in found if severity == "error"]
    revealed = [(file, line, text) for file, line, severity, text in found if severity == "information"]
    compare(problems, revealed)


def compare(problems: list[Found], revealed: list[Found]) -> None:
    lines = {(name, at): line for name, code in SOURCES.items() for at, line in enumerate(code.splitlines(), 1)}
    assert [problem for problem in problems if problem[0] not in SOURCES] == []
    expected = {place for place, line in lines.items() if "# error" in line}
    got = {(file, line) for file, line, _ in problems}
    assert [lines[place] for place in sorted(got - expected)] == [], problems
    assert [lines[place] for place in sorted(expected - got)] == []
    said = {place: line.partition("  # ")[2] for place, line in lines.items() if "reveal_type" in line}
    # The type stands at the end of the message, in quotes.
    assert {(file, line): text.split('"')[-2].rpartition(".")[2] for file, line, text in revealed} == said


# At run time


@pytest.fixture
def loaded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    monkeypatch.syspath_prepend(folder)
    return {file.stem: import_module(file.stem) for file in folder.glob("*typed*.py")}


def test_at_run_time_the_clients_are_promptdb_s_own(loaded: dict[str, ModuleType]) -> None:
    for module in loaded.values():
        assert module.PromptClient is PromptClient
        assert module.AsyncPromptClient is AsyncPromptClient
        assert module.at("support/triage", "rev:3") == "support/triage:rev:3"
    assert loaded["typed_prompts"].SupportTriagePrompt is ResolvedPrompt
    assert get_args(loaded["typed_one"].PromptName) == ("a", "default/a")
    with pytest.raises(AttributeError, match="SupportTriagPrompt"):
        _ = loaded["typed_prompts"].SupportTriagPrompt


def test_every_own_prompt_renders_through_its_types(loaded: dict[str, ModuleType]) -> None:
    own = loaded["typed_own"]
    with own.PromptClient(FilesSource(AppSettings(base=ROOT))) as client:
        for contract in contracts_of_tree(ROOT):
            prompt = client.get(own.at(str(contract.prompt), "latest"))
            variables = next(
                kind for name, kind in vars(own).items() if kind.__doc__ == f"The values of {contract.prompt}."
            )
            assert variables.__required_keys__ == {
                name for name, variable in prompt.variables.items() if variable.required
            }
            assert variables.__required_keys__ | variables.__optional_keys__ == prompt.variables.keys()


def test_an_answer_is_checked_by_pydantic(loaded: dict[str, ModuleType]) -> None:
    adapter = TypeAdapter(loaded["typed_prompts"].SupportTriageAnswer)
    answer = {"queue": "billing", "reasons": [{"text": "x"}]}
    assert adapter.validate_json(json.dumps(answer)) == answer
    for wrong in ({**answer, "queue": "nowhere"}, {"queue": "billing"}, {**answer, "reasons": [{}]}):
        with pytest.raises(ValidationError):
            adapter.validate_json(json.dumps(wrong))


def test_hostile_files_stay_text(loaded: dict[str, ModuleType], folder: Path) -> None:
    module = loaded["typed_hostile"]
    for file in ("class", "1/2", "a-b/c"):
        [contract] = [one for one in contracts_of_tree(folder / "hostile") if str(one.prompt).endswith(file)]
        named = [kind for kind in vars(module).values() if getattr(kind, "__optional_keys__", None) is not None]
        keys = {field.name for field in contract.fields}
        assert any(kind.__required_keys__ | kind.__optional_keys__ == keys for kind in named)
    text = (folder / "typed_hostile.py").read_text(encoding="utf-8")
    assert not set(text) & set("\u202e\u2028\x1b\r")
    assert not hasattr(module, "A")


# The library that the module was written for


def test_the_methods_are_those_that_take_values() -> None:
    taking = {
        name
        for kind in (RenderablePrompt, ResolvedPrompt)
        for name, method in vars(kind).items()
        if inspect.isfunction(method) and "more" in inspect.signature(method).parameters
    }
    assert taking == RENDERERS.keys()
    found = {name: inspect.signature(getattr(ResolvedPrompt, name)).return_annotation for name in RENDERERS}
    assert {name: unqualified(inspect.formatannotation(kind)) for name, kind in found.items()} == {
        name: unqualified(result) for name, result in RENDERERS.items()
    }


def unqualified(annotation: str) -> str:
    return re.sub(r"\w+\.", "", annotation)


@pytest.mark.parametrize("client", [PromptClient, AsyncPromptClient])
def test_a_lookup_has_the_parameters_of_promptdb_s(client: type) -> None:
    parameters = list(inspect.signature(client.get).parameters.values())[2:]  # type: ignore[attr-defined]
    assert [re.sub("['\"]", "", str(parameter)) for parameter in parameters] == [*LOOKUP]
