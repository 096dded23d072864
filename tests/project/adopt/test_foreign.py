"""Prompts in formats of other programs are named, with what can be done."""

from pathlib import Path

import pytest
from registries import write

from promptdb.project.adopt.foreign import described
from promptdb.project.adopt.texts import settings_text

HEADINGS = "# System:\nBe kind.\n\n# User:\n{{ question }}\n"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.prompty", "---\nname: a\n---\nsystem:\nHi\n", "Prompty, 1 file (a.prompty): "),
        ("a.csv", '"act","prompt"\n"x","y"\n', "CSV with a column of prompts, 1 file (a.csv): "),
        ("a.yaml", "_type: few_shot\nprefix: x\n", "LangChain, 1 file (a.yaml): "),
        ("a.json", '{"_type": "few_shot", "prefix": "x"}', "LangChain, 1 file (a.json): "),
        ("a.json", '{\n  "prefix": "x",\n  "_type": "few_shot"}', "LangChain, 1 file (a.json): "),
        ("a.j2", HEADINGS, "Headings for roles, 1 file (a.j2): "),
        ("a.md", "system:\nx\nuser:\ny\n", "Headings for roles, 1 file (a.md): "),
        ("a.prompt", "---\nmodel: x\ninput:\n  schema: {a: string}\n---\n{{a}}", "Dotprompt, 1 file (a.prompt): "),
        ("a.json", '{"lc": 1, "type": "constructor", "id": ["PromptTemplate"]}', "LangChain, 1 file (a.json): "),
        ("a.json", '[\n {"id": 1, "name": "a", "prompt": [{"role": "user"}]}]', "Langfuse, 1 file (a.json): "),
        (
            "a.json",
            '{"owner": "o", "repo": "r", "commit_hash": "c", "manifest": {"lc": 1}}',
            "LangSmith, 1 file (a.json): ",
        ),
        ("a.json", '[{"name": "a", "version": 1, "template": "x"}]', "MLflow, 1 file (a.json): "),
        ("promptfooconfig.yaml", "prompts: [x]\n", "promptfoo, 1 file (promptfooconfig.yaml): "),
        ("a.json", '{"template": "x", "metadata": {"title": "name"}}', None),
        ("a.prompt.yml", "messages: []\n", "GitHub Models, 1 file (a.prompt.yml): "),
        ("a.csv", "x,y\n", None),
        ("a.md", "# System: the kernel\n", None),
        ("a.yaml", "template: _type\n", None),
        ("a.prompt", "---\nmodel: {a: x}\n---\n{a}", None),
    ],
)
def test_formats_of_others(tmp_path: Path, name: str, text: str, expected: str | None):
    write(tmp_path, {name: text})
    found = described(tmp_path, [name])
    assert [line.startswith(expected or "?") for line in found] == ([True] if expected else [])


def test_settings_are_written_as_toml():
    settings = {"prompts_root": ("a",), "chat_folders": True, "ignored_fields": ["_type"], "names": {'a "b".md': "a-b"}}
    assert settings_text(settings) == (
        'prompts_root = "a"\nchat_folders = true\nignored_fields = ["_type"]\n\n[names]\n"a \\"b\\".md" = "a-b"\n'
    )
