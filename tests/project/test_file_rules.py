"""The settings that say what prompt files mean where they do not say so themselves: for the tree, and for single folders."""

from pathlib import Path
from typing import Any

import pytest
from registries import write
from repositories import Git, commit_all

from promptdb.domain.file_rules import TextDefaults
from promptdb.domain.spec import PromptSpec
from promptdb.errors import ConfigError
from promptdb.files.editing.write import prompt_file_text
from promptdb.project.load import load_tree
from promptdb.project.placing import text_defaults
from promptdb.project.single_file import content_from_file, prompt_from_file
from promptdb.project.view import View
from promptdb.settings import AppSettings, load_settings

FOLDERS = """\
text_role = "system"

[folders.plain]
text_format = "plain"

[folders."plain/users/"]
text_role = "user"

[folders.agents]
undefined = "lenient"
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.md", TextDefaults("f-string", "system")),
        ("plain/a.md", TextDefaults("plain", "system")),
        ("plain/deep/a.md", TextDefaults("plain", "system")),
        ("plain/users/a.md", TextDefaults("plain", "human")),
        ("plainer/a.md", TextDefaults("f-string", "system")),
        ("plain.md", TextDefaults("f-string", "system")),
        ("agents/a.j2", TextDefaults("f-string", "system", "lenient")),
    ],
)
def test_settings_of_a_folder_hold_in_and_below_it(tmp_path: Path, path: str, expected: TextDefaults):
    write(tmp_path, {"promptdb.toml": FOLDERS})
    settings = load_settings(tmp_path)
    assert settings.file_rules.text_at(path) == expected
    assert text_defaults(tmp_path / "prompts" / path, settings) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('text_role = "boss"', "text_role: expected 'system', 'human' or 'ai'"),
        ('undefined = "loose"', "undefined: expected 'strict' or 'lenient'"),
        ('[folders.a]\ntext_rol = "system"', "folders.a.text_rol: unknown; a folder has text_format, text_role, undefined"),
        ('[folders.a]\ntext_format = "erb"', "folders.a.text_format: expected 'f-string', 'jinja2', 'mustache' or 'plain'"),
        ('[folders."../a"]\ntext_role = "system"', ": a folder is a path below the prompts root, such as agents/system"),
        ('[folders."."]\ntext_role = "system"', ": a folder is a path below the prompts root, such as agents/system"),
    ],
)  # fmt: skip
def test_wrong_settings_of_prompt_files(tmp_path: Path, text: str, message: str):
    write(tmp_path, {"promptdb.toml": text})
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path)
    assert message in caught.value.message


def test_a_file_of_text_is_a_system_message_everywhere(tmp_path: Path):
    write(tmp_path, {"promptdb.toml": 'text_role = "system"\n', "prompts/a.md": "Be {tone}.\n"})
    prompt = prompt_from_file(tmp_path / "prompts/a.md", load_settings(tmp_path))
    assert prompt.to_openai(tone="kind")["messages"] == [{"role": "system", "content": "Be kind."}]
    [message] = prompt.as_langchain().invoke({"tone": "kind"}).to_messages()
    assert (message.type, message.content) == ("system", "Be kind.")


LENIENT = "{% if user.name %}Hi {{ user.name }}{% endif %}{% if notes %}{{ notes }}{% endif %}{{ q }}\n"


def test_a_tree_of_jinja2_can_be_lenient(tmp_path: Path):
    files = {
        "a.j2": LENIENT,
        "b.yaml": "template_format: jinja2\ntemplate: '{% if x.y %}a{% endif %}b'\n",
        "c.yaml": "template: x\n",
        "d.j2": "---\nundefined: strict\n---\n{{ x.y }}",
    }
    write(tmp_path / "prompts", files)
    write(tmp_path, {"promptdb.toml": 'undefined = "lenient"\n'})
    settings = load_settings(tmp_path)
    specs = {name: content_from_file(tmp_path / "prompts" / name, settings).spec for name in files}
    assert [spec.undefined for spec in specs.values()] == ["lenient", "lenient", "strict", "strict"]
    prompt = prompt_from_file(tmp_path / "prompts/a.j2", settings)
    assert prompt.render_text(q="?") == prompt.as_langchain().format(q="?") == "?"
    assert prompt.render_text(q="?", user={"name": "Ann"}, notes="!") == "Hi Ann!?"


@pytest.mark.parametrize("rules", [{}, {"text_role": "system"}, {"undefined": "lenient"}, {"text_format": "mustache"}])
@pytest.mark.parametrize("name", ["a.md", "a.j2", "a.yaml", "a.json"])
@pytest.mark.parametrize(
    "fields",
    [
        {"template_format": "jinja2", "template": "{{ x }}"},
        {"template_format": "jinja2", "template": "{{ x }}", "undefined": "lenient"},
        {"template_format": "plain", "template": "{{ x }}"},
        {"kind": "chat", "template_format": "jinja2", "messages": [{"role": "human", "template": "x"}]},
    ],
)
def test_an_export_reads_back_under_the_rules_of_its_place(
    tmp_path: Path, rules: dict[str, Any], name: str, fields: dict[str, Any]
):
    settings = AppSettings(base=tmp_path, **rules)
    spec = PromptSpec.model_validate({"kind": "string", **fields})
    (tmp_path / "prompts").mkdir()
    file = tmp_path / "prompts" / name
    file.write_text(prompt_file_text(spec, file.suffix, text_defaults(file, settings)))
    assert content_from_file(file, settings).digest == spec.digest()


def test_fields_of_other_programs_can_be_ignored_in_every_folder(tmp_path: Path):
    text = "_type: prompt\noutput_parser: null\ntemplate: x\n"
    write(tmp_path, {"prompts/a.yaml": text, "prompts/s/b.yaml": text, "prompts/c.md": "---\n_type: x\n---\nx"})
    toml = 'ignored_fields = ["_type", "output_parser", "template"]\n[folders.s]\ntext_role = "system"\n'
    write(tmp_path, {"promptdb.toml": toml})
    desired = load_tree(load_settings(tmp_path)).desired
    assert (len(desired.items), desired.problems) == (3, [])
    assert {desired.content(item).spec.template for item in desired.items} == {"x"}


def test_rules_of_a_commit_are_those_it_holds(git: Git, tmp_path: Path):
    write(tmp_path, {"prompts/s/a.md": "x", "promptdb.toml": FOLDERS + '[folders.s]\ntext_role = "assistant"\n'})
    commit_all(git)
    write(tmp_path, {"promptdb.toml": ""})
    settings = load_settings(tmp_path)
    [then] = load_tree(settings, None, View(rev="HEAD")).desired.items
    [now] = load_tree(settings).desired.items
    assert then.digest != now.digest
    write(tmp_path, {"promptdb.toml": '[folders.s]\ntext_role = "ai"\n'})
    assert load_tree(load_settings(tmp_path)).desired.items[0].digest == then.digest
