"""The TypeScript module, as its compiler sees it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from typed_code import contracts, contracts_of_tree, hostile, page_code

from promptdb.codegen.typescript import typescript_module

ROOT = Path(__file__).resolve().parents[2]
FILES = {
    "support/triage.yaml": """\
variables:
  ticket: {type: string, description: "As it came */ in"}
  tries: {type: integer, default: 1}
  tone: {enum: [warm, formal], default: warm}
  tags: {type: array, required: false}
  account: {type: object, required: false}
  history: {type: messages, required: false}
messages:
  - {role: system, template: "{tries} {tone} {tags} {account}"}
  - {variable_name: history, optional: true}
  - {role: human, template: "{ticket}"}
response_schema: {type: object, required: [queue], properties: {queue: {enum: [billing, other]}, next: {$ref: "#"}}}
""",
    "translate.txt": "Translate {text} into {language}.",
    "plain.txt": "Nothing to fill in.",
}
# The compiler itself reports a line where nothing is wrong.
USES = """\
import type { AnswerOf, PromptName, PromptRef, SupportTriageVariables, VariablesOf } from "./prompts";

declare function render<Ref extends PromptRef>(ref: Ref, variables: VariablesOf<Ref>): AnswerOf<Ref>;

const answer = render("support/triage:production", {
  ticket: "x", tries: 2, tone: "formal", tags: ["a"], account: { plan: "pro" },
  history: [["user", "Hi"], { role: "assistant", content: "Hello" }],
});
const queue: "billing" | "other" = answer.queue;
const next: "billing" | "other" | undefined = answer.next?.next?.queue;
const text: string = render("translate:rev:3", { text: 1, language: null });
render("default/translate:sha256:ab12cd34", { text: 1, language: null });
render("plain", {});
const named: PromptName = "support/triage";
const values: SupportTriageVariables = { ticket: "x" };

// @ts-expect-error
render("support/triag", { ticket: "x" });
// @ts-expect-error
render("support/triag:production", { ticket: "x" });
// @ts-expect-error
render("support/triage", {});
// @ts-expect-error
render("support/triage", { ticket: "x", trys: 1 });
// @ts-expect-error
render("support/triage:production", { ticket: 1 });
// @ts-expect-error
render("support/triage", { ticket: "x", tone: "cold" });
// @ts-expect-error
render("support/triage", { ticket: "x", tags: "a" });
// @ts-expect-error
render("support/triage", { ticket: "x", history: "Hi" });
// @ts-expect-error
render("plain", { ticket: "x" });
// @ts-expect-error
answer.colour;

export { named, next, queue, text, values };
"""


def compiler() -> list[str] | None:
    """The compiler on the path or in the cache of npm. Nothing is downloaded."""
    if shutil.which("tsc"):
        return ["tsc"]
    return ["npm", "exec", "--offline", "--yes", "--package=typescript", "--", "tsc"] if shutil.which("npm") else None


@pytest.mark.slow
def test_the_compiler_accepts_what_renders_and_nothing_else(tmp_path: Path) -> None:
    modules = {
        "prompts": contracts(tmp_path / "some", FILES),
        "own": contracts_of_tree(ROOT),
        "hostile": contracts(tmp_path / "hostile", hostile()),
    }
    for name, found in modules.items():
        code = typescript_module(found)
        assert code == typescript_module(reversed(found))
        (tmp_path / f"{name}.ts").write_text(code, encoding="utf-8")
    for name, code in {"uses": USES, "page": page_code("typescript")}.items():
        (tmp_path / f"{name}.ts").write_text(code, encoding="utf-8")
    if (command := compiler()) is None:
        pytest.skip("needs npm")
    options = ["--noEmit", "--strict", "--module", "esnext", "--moduleResolution", "bundler", "--target", "es2022"]
    files = [f"{name}.ts" for name in (*modules, "uses", "page")]
    done = subprocess.run([*command, *options, *files], cwd=tmp_path, capture_output=True, encoding="utf-8")
    if done.returncode and "error TS" not in done.stdout:
        pytest.skip("needs tsc, or typescript in the cache of npm")
    assert done.stdout == ""


def test_hostile_files_stay_text(tmp_path: Path) -> None:
    code = typescript_module(contracts(tmp_path, hostile()))
    assert not set(code) & set("\u202e\u2028\x1b\r")
    # A comment ends where it should: each line is inside of one, or begins like code.
    inside = False
    for line in code.splitlines():
        if inside:
            assert line.lstrip().startswith("*")
        else:
            assert re.match(r"\s*(/\*\*|//|export |[\w$\"|?:]+.*|[}|]|$)", line), line
        inside = (inside or line.lstrip().startswith("/**")) and "*/" not in line
